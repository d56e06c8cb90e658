// The namespaces of a container: what is joined, what is made, and when.
//
// With a user namespace the container is still built with the host's privileges, and enters it last
// of all, with a mount namespace of its own that belongs to it: what was mounted before cannot be
// taken away from inside.
#pragma once

#include "failure.h"
#include "spec.h"

// In the supervisor: opens and makes what the child cannot. `clone_flags` gets what it is to be
// born with. 0, or -1 with the reason.
int prepare_namespaces(const struct container* c, uint64_t* clone_flags, struct failure* failure);

// In the supervisor: the child has what it needs.
void release_namespaces(void);

// The container's mounts are made in a namespace that others have, too.
int joins_mounts(const struct container* c);
// In the child: from now on paths are that namespace's.
void join_mounts(const struct container* c);

// In the child: joins all but those and the user namespace, and names what is new.
void join_namespaces(const struct container* c);

// In the child: the user namespace, if there is one to be entered.
void enter_user_namespace(void);

// The container's user namespace, or -1.
int user_namespace(void);

// In a child: becomes root of the user namespace it has just joined.
void become_its_root(void);
