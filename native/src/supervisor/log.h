// The container's log in the CRI format, one line each:
//
//     2026-01-02T03:04:05.000000006Z stdout F text
//
// `P` marks a part of a line: what a read returned without its newline. Nothing is kept back
// in memory, so that nothing is lost with the supervisor.
//
// A log that cannot take more (a full or broken disk, or its limit) never holds the container up:
// whole lines are left out and counted, and one line says how many once there is room again.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct log_limits {
  uint64_t large;  // bytes from which on the agent is asked to rotate the file; 0: never
  uint64_t most;   // bytes the file never exceeds; 0: no limit
};

// Opens (creating) the file for appending; the directory exists. Called again, it opens anew (after
// a rotation). -1 on failure, the old file then stays in use.
int open_log(const char* path, struct log_limits limits);

// Appends what was read from stream 1 or 2.
void write_log(int stream, char* bytes, size_t length);

// Nothing more will come: says how many lines are missing at the end, if any.
void finish_log(void);

// 1, once a file, when it has become large.
int log_became_large(void);
// The same, however often it was asked.
int log_is_large(void);
// The bytes of the file that is written to.
uint64_t log_size(void);
