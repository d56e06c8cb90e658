// The container's root file system: overlay of its layers, everything mounted on it, and the move
// into it.
#pragma once

#include "spec.h"
#include "streams.h"

// Both run in the container's child, in a new mount namespace or before it joins another's.

// What needs nothing but the layers: a mount that is nowhere yet, or -1 when it has to wait.
int prepare_root(const struct container* c);

// `prepared`: what that gave. The working directory becomes the mount point. With a terminal, `io` gets it. Afterwards
// nothing of the host's file systems can be reached.
void enter_rootfs(const struct container* c, int prepared, struct stdio* io);
