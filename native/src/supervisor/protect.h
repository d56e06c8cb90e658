// What a container may not see or write. Runs in its child.
#pragma once

#include "spec.h"

// Hides and write-protects what `masked` and `readonly` name; what does not exist needs no hiding.
void protect_paths(const struct container* c, int root);
