// Prints CLOCK_MONOTONIC in nanoseconds as its first deed: what a container's first instruction knows of the time.
#include <time.h>
#include <unistd.h>

int main(void) {
  struct timespec now;
  char text[24];
  int at = sizeof text;
  clock_gettime(CLOCK_MONOTONIC, &now);
  unsigned long long value = (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
  text[--at] = '\n';
  for (; value; value /= 10) text[--at] = (char)('0' + value % 10);
  return write(1, text + at, sizeof text - (unsigned)at) < 0;
}
