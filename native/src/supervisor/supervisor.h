// The state of this supervisor: one container and what became of it.
#pragma once

#include "connection.h"
#include "log.h"
#include "task.h"

struct supervisor {
  struct task container;
  int stdin_once;
  int told;          // the exit was recorded and sent to all
  int recorded;      // ... and the record is on disk
  int acknowledged;  // the agent knows the exit
  int oom_killed;
  char log[4096], oom[4096];  // paths
  struct log_limits log_limits;
};
extern struct supervisor supervisor;

// Handles every whole frame that has come on a connection.
void handle_frames(struct connection* c);

void send_started(struct connection* c, const struct task* task);
// `child`: the process that failed when somebody else is to take its status, or 0.
void send_failed(struct connection* c, const struct failure* failure, pid_t child);
void send_exited(struct connection* c, const struct task* task, int oom_killed);

// Serves until the container's end is known to the agent or safely on disk.
void serve(int listener, int signals);
