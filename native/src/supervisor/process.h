// The last steps of a new process: streams, directory, user, capabilities, seccomp, execve. The same
// code serves the container's first process and every exec'ed one; all of it runs in the child.
#pragma once

#include "spec.h"
#include "streams.h"

// Nothing blocked, umask 0 until the exec.
void unmask(void);

// Inside the container: never returns.
_Noreturn void run_process(const struct process* p, struct stdio* io);
