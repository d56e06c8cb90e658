// Faults that are made on purpose, in a supervisor of their own: what the sanitizers are for must be found. A container's
// host name says which.
#include <stdlib.h>
#include <string.h>

#include "../supervisor/spec.h"

int __real_read_container(char* message, size_t length, struct container* out);
int __wrap_read_container(char* message, size_t length, struct container* out);

// Not known when this is compiled.
static volatile int large = 0x7fffffff;
static volatile size_t beyond = 8;

int __wrap_read_container(char* message, size_t length, struct container* out) {
  int result = __real_read_container(message, length, out);
  if (result != 0) return result;
  if (strcmp(out->hostname, "planted-address") == 0) {
    volatile char* volatile place = malloc(8);
    place[beyond] = 1;
  }
  if (strcmp(out->hostname, "planted-undefined") == 0) large = large + 1;
  return 0;
}
