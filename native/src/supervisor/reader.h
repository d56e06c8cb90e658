// Reads a message of unknown origin: each step checks what is left, and the first that does not fit
// marks it bad.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct reader {
  char* at;
  size_t left;
  int bad;
};

// A list's items stay in the message; `count` of them can be read again from `items`.
struct list {
  uint32_t count;
  struct reader items;
};

uint32_t read_u32(struct reader* r);
uint64_t read_u64(struct reader* r);

// A string inside the message, ended by 0 and without another; "" when bad.
char* read_string(struct reader* r);

// Bytes of any content, ended by 0.
char* read_bytes(struct reader* r, uint32_t* length);

// Skips a list of strings, or of items of a fixed size, and remembers where it was.
struct list read_strings(struct reader* r);
struct list read_fixed(struct reader* r, size_t size);
