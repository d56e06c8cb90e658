// User, groups, capabilities and seccomp of a new process. Runs in the child.
#pragma once

#include "spec.h"

// Becomes the user; what is left are the given capabilities (of root; another user keeps them in
// the bounding set).
void drop_privileges(const struct process* p);

// Installs the seccomp program if the process's no_new_privs flag equals `when`: without it the
// kernel asks for CAP_SYS_ADMIN, so then the program goes in before the capabilities go.
void start_filter(const struct process* p, uint32_t when);
