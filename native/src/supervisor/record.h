// What a new agent finds on disk: small JSON files in the state directory, each written whole or
// not at all.
#pragma once

#include "task.h"

// `state`: from now on the program may run.
int record_start(pid_t pid, uint64_t started);
// It never came to run.
void forget_start(void);

// `exit`: how it ended.
int record_exit(const struct task* container, int oom_killed);

// How many OOM kills a cgroup counted: `oom_kill N` in v1's memory.oom_control and v2's
// memory.events. 0 if unknown.
int count_oom_kills(const char* path);
