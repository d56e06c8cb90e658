// Removes a name and all beneath it, by descriptors: no link is followed, no other mount entered.
#pragma once

#include <string>

#include "addon.h"

// EBUSY when something is mounted there or beneath.
SystemError RemoveTree(int parent, const std::string& name);
