// Processes of the container that are killed for want of memory while it goes on.
#pragma once

#include "supervisor.h"

// Begins to watch the cgroup's file that counts them (v1 memory.oom_control, v2 memory.events).
// Where there is none, nothing is ever told.
void watch_memory(const char* path);
void forget_memory(void);

// What to poll, and for what; -1: nothing.
int memory_fd(short* events);

// Something has happened there, or a look is due: tells who follows how many were killed so far.
void look_at_memory(struct connection* none);

// Milliseconds until the next look is due, -1: none is.
int memory_is_due(void);

// Tells `c` what nobody was there to hear.
void tell_memory(struct connection* c);
