// Text put together in a given space: what does not fit is left out, and the result always ends
// with 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
  char* at;
  size_t left;
};

void add(struct text* text, const char* string);
void add_number(struct text* text, uint64_t number);
// Padded with zeros to `digits`.
void add_digits(struct text* text, uint64_t number, int digits);
