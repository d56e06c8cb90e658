// The container's root file system: overlay of its layers, everything mounted on it, and the move
// into it.
#pragma once

#include "spec.h"
#include "streams.h"

// Runs in the container's child, in new mount and pid namespaces; the working directory becomes the
// mount point. With a terminal, `io` gets it. Afterwards nothing of the host's file systems can be
// reached.
void enter_rootfs(const struct container* c, struct stdio* io);
