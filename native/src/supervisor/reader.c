#include "reader.h"

#include <string.h>

static char* take(struct reader* r, size_t size) {
  if (r->bad || r->left < size) {
    r->bad = 1;
    return NULL;
  }
  char* at = r->at;
  r->at += size;
  r->left -= size;
  return at;
}

uint32_t read_u32(struct reader* r) {
  uint32_t value = 0;
  char* at = take(r, sizeof value);
  if (at) memcpy(&value, at, sizeof value);
  return value;
}

uint64_t read_u64(struct reader* r) {
  uint64_t value = 0;
  char* at = take(r, sizeof value);
  if (at) memcpy(&value, at, sizeof value);
  return value;
}

char* read_bytes(struct reader* r, uint32_t* length) {
  *length = read_u32(r);
  char* at = take(r, (size_t)*length + 1);
  if (at && at[*length] == 0) return at;
  r->bad = 1;
  *length = 0;
  return (char*)"";
}

char* read_string(struct reader* r) {
  uint32_t length;
  char* at = read_bytes(r, &length);
  if (strlen(at) != length) r->bad = 1;  // a 0 inside would cut a path short
  return r->bad ? (char*)"" : at;
}

struct list read_strings(struct reader* r) {
  struct list list = {.count = read_u32(r), .items = *r};
  for (uint32_t i = 0; i < list.count && !r->bad; i++) read_string(r);
  if (r->bad) list.count = 0;
  return list;
}

struct list read_fixed(struct reader* r, size_t size) {
  struct list list = {.count = read_u32(r), .items = *r};
  if (!take(r, size * list.count)) list.count = 0;
  return list;
}
