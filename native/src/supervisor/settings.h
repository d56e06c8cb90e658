// What a process is given besides its user and its streams. All of it runs in the child; failures
// end it.
#pragma once

#include "spec.h"

// While the host's file systems can be seen: CPUs, v1 cgroups, limits, OOM score, scheduling.
void join_host_side(const struct process* p);

// In the supervisor, for a process that may not write its own: it is born with it.
void hand_down_oom_score(const struct process* p);
