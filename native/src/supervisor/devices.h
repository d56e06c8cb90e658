// /dev of a container.
#pragma once

#include "spec.h"

// A tmpfs with the given nodes, the usual links, devpts, shm and mqueue. Runs in the container's
// child.
void place_devices(const struct container* c, int root);

// Shows the terminal on descriptor `terminal` as /dev/console.
void place_console(int root, int terminal);
