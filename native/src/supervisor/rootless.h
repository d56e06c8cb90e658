// Containers of a user who has no rights on the host. What they are built with is given by a user
// namespace, which is why it is entered before anything else is made: by the supervisor, whose other
// namespaces stay the host's.
#pragma once

#include "failure.h"

// In the supervisor: the user namespace at `path`, where there is one. 0, or -1 with the reason.
int enter_first(const char* path, struct failure* failure);

// In the supervisor: the user namespace of a process of the container, and the pid namespace for
// children; unless they are this process's, too.
int enter_those_of(int pidfd, struct failure* failure);

// The supervisor is in another user namespace than it began in.
int entered_first(void);

// In a child: the namespaces of a process of the container that are not this process's already.
void join_others(int pidfd);

// While this process is not readable, its files in /proc are the machine's root's.
void be_readable(int readable);
