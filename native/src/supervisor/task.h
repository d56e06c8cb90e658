// A process the supervisor is the parent of: the container's first, or one exec'ed into it.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "launch.h"

struct task {
  pid_t pid;  // 0: there is none
  int pidfd;
  int input, output, error;  // our ends of its streams, -1 when closed
  int exited;
  uint32_t code, signal;
  uint64_t started, finished;  // nanoseconds since 1970
};

// One chunk of output; also the longest part of a line in the log.
#define CHUNK 16384

void task_starts(struct task* task, const struct launched* launched);

// Takes the status of an ended child.
void task_ends(struct task* task, int status);

// Reads at most a chunk from stream 1 or 2; 0 when there is nothing to deliver. Closes the stream
// at its end, and when the process is gone and nothing is left to read (a process it left behind
// may hold the other end).
size_t read_output(struct task* task, int stream, char* chunk);

// Ended, and all its output was read.
int task_is_over(const struct task* task);

void resize_terminal(struct task* task, uint32_t columns, uint32_t rows);
void close_task(struct task* task);
