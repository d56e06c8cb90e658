// Mounts made as descriptors and put in place by descriptor: no path of the image is ever given to
// mount(2). All of this runs in the container's child, in its new mount namespace, but for the first
// two; failures end it (see failure.h).
#pragma once

#include "failure.h"
#include "spec.h"

// In the supervisor: makes the user namespaces by which mounts show their owners. -1: reason in
// `failure`.
int prepare_maps(const struct container* c, struct failure* failure);
void release_maps(void);

// Puts a detached mount on what `target` is a descriptor of.
void attach(int mount, int target, const char* path);

// Opens the sources of all bind mounts while the host's mounts are still the ones to be seen.
void open_sources(const struct container* c);

// The container's own mounts, in order; devices and links among them.
void place_mounts(const struct container* c, int root);
