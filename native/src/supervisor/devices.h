// Device nodes and links of a container. Runs in its child.
#pragma once

#include "spec.h"

// The nodes and links that were asked for. What is there already must be the same.
void place_devices(const struct container* c, int root);

// Shows the terminal on descriptor `terminal` as /dev/console.
void place_console(int root, int terminal);
