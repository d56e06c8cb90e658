// User namespaces made by a process that only holds them until they have their maps.
#pragma once

#include "spec.h"

// What else can be made with a user namespace, and belongs to it.
struct owned {
  int net, ipc, uts;  // descriptors, -1: none
};

// A user namespace with these maps, as a descriptor; `more` (CLONE_NEWNET, NEWIPC, NEWUTS) are made
// in it. -1 with errno when it could not be made. Runs in the supervisor, before it has the
// container's child.
int make_user_namespace(const struct id_maps* maps, uint64_t more, struct owned* owned);

// The user namespace at `path`, as a descriptor, once it is verified to be one; `more` are made in it.
// -1 with errno. Runs where the other does.
int open_user_namespace(const char* path, uint64_t more, struct owned* owned);
