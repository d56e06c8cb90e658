// User, groups, capabilities and seccomp of a new process. Runs in the child.
#pragma once

#include "spec.h"

// Becomes the user; what is left are the given capabilities. Where start_filter or Landlock needs
// it, CAP_SYS_ADMIN is left, too, until execve: that takes capabilities from the bounding set
// (root) or the ambient one (others).
void drop_privileges(const struct process* p);

// Installs the seccomp program. The last step before execve: a profile need not allow what was
// called before it.
// -> the program's listener, if its flags ask for one, or -1
int start_filter(const struct process* p);

// Makes every permitted capability effective again.
void regain_capabilities(void);
