/*
 * Prints the monotonic clock in nanoseconds. The clock is read by its very first instructions: there is no C library, whose
 * own start takes half a millisecond on a virtual machine (it asks the processor what it is, which the host answers).
 */
#include <asm/unistd.h>
#include <linux/time.h>

static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

__attribute__((force_align_arg_pointer)) void _start(void) {
  struct __kernel_timespec now;
  call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&now, 0);
  unsigned long long value = (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
  char line[24], *at = line + sizeof line;
  *--at = '\n';
  do *--at = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  long length = line + sizeof line - at;
  call(__NR_exit_group, call(__NR_write, 1, (long)at, length) != length, 0, 0);
  __builtin_unreachable();
}
