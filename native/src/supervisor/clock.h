#pragma once

#include <stdint.h>

#include "text.h"

// Nanoseconds since 1970.
uint64_t wall_clock(void);

// Milliseconds that never go back.
uint64_t steady_clock_ms(void);

// RFC 3339 in UTC with nine digits of a second.
void add_time(struct text* text, uint64_t nanoseconds);
