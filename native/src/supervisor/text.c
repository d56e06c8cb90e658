#include "text.h"

#include <string.h>

void add(struct text* text, const char* string) {
  size_t length = strlen(string);
  if (text->left == 0) return;
  if (length >= text->left) length = text->left - 1;
  memcpy(text->at, string, length);
  text->at += length;
  text->left -= length;
  *text->at = 0;
}

void add_digits(struct text* text, uint64_t number, int digits) {
  char buffer[24];
  int at = sizeof buffer - 1;
  buffer[at] = 0;
  do {
    buffer[--at] = (char)('0' + number % 10);
    number /= 10;
  } while ((number || (int)sizeof buffer - 1 - at < digits) && at > 0);
  add(text, buffer + at);
}

void add_number(struct text* text, uint64_t number) { add_digits(text, number, 1); }
