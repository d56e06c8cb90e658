// Mounts made as descriptors and put in place by descriptor. All of this runs in the container's
// child, in its new mount namespace; failures end it (see failure.h).
#pragma once

#include "spec.h"

// A detached file system of `type`; `options` are name, value pairs ended by NULL (a NULL value is
// a flag).
int make_filesystem(const char* type, const char* const* options, unsigned attributes);

// Puts a detached mount on what `target` is a descriptor of.
void attach(int mount, int target, const char* path);

// Opens the sources of all bind mounts while the host's mounts are still the ones to be seen.
void open_sources(const struct container* c);

// The container's own mounts, in order.
void place_mounts(const struct container* c, int root);

// /proc and /sys
void place_kernel_filesystems(const struct container* c, int root);

// Hides and write-protects what `masked` and `readonly` name; what does not exist needs no hiding.
void protect_paths(const struct container* c, int root);
