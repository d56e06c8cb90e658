#include "clock.h"

#include <time.h>

#define NANOSECONDS 1000000000ull

uint64_t wall_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

uint64_t steady_clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void add_time(struct text* text, uint64_t nanoseconds) {
  uint64_t seconds = nanoseconds / NANOSECONDS;
  // Days to a date of the Gregorian calendar, counting years from March (H. Hinnant,
  // "chrono-compatible low-level date algorithms").
  uint64_t days = seconds / 86400 + 719468, era = days / 146097, day_of_era = days % 146097;
  uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t shifted = (5 * day_of_year + 2) / 153;
  uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  add_digits(text, year_of_era + era * 400 + (month <= 2), 4);
  add(text, "-");
  add_digits(text, month, 2);
  add(text, "-");
  add_digits(text, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
  add(text, "T");
  add_digits(text, seconds / 3600 % 24, 2);
  add(text, ":");
  add_digits(text, seconds / 60 % 60, 2);
  add(text, ":");
  add_digits(text, seconds % 60, 2);
  add(text, ".");
  add_digits(text, nanoseconds % NANOSECONDS, 9);
  add(text, "Z");
}
