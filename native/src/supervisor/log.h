// The container's log in the CRI format, one line each:
//
//     2026-01-02T03:04:05.000000006Z stdout F text
//
// `P` marks a part of a line: what a read returned without its newline. Nothing is kept back
// in memory, so that nothing is lost with the supervisor.
#pragma once

#include <stddef.h>

// Opens (creating) the file for appending; the directory exists. Called again, it opens anew (after
// a rotation). -1 on failure, the old file then stays in use.
int open_log(const char* path);

// Appends what was read from stream 1 or 2. On a full disk whole lines are dropped, never the
// container.
void write_log(int stream, char* bytes, size_t length);
