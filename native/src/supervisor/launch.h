// Makes processes: the container's first one, and those exec'ed into it.
#pragma once

#include <sys/types.h>

#include "failure.h"
#include "spec.h"
#include "streams.h"

struct launched {
  pid_t pid;
  int pidfd;
  uint64_t started;  // 0: not recorded
  struct stdio io;   // our ends
};

// Both return when the program runs (0) or could not be run (-1, reason in `failure`, nothing left
// behind).
int launch_container(const struct container* c, struct launched* out, struct failure* failure);
int launch_exec(const struct process* p, int container_pidfd, struct launched* out,
    struct failure* failure);
