// A supervisor gets no environment and has no stderr: what its sanitizers are to do is built in. What they find is in files
// that begin so, and ends the process.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PLACE "/tmp/bay-sanitizer"

const char* __asan_default_options(void);
const char* __ubsan_default_options(void);
void __ubsan_on_report(void);
void __ubsan_get_current_report_data(const char** kind, const char** message, const char** file, unsigned* line,
    unsigned* column, char** address);

const char* __asan_default_options(void) {
  return "detect_leaks=0:abort_on_error=0:log_path=" PLACE;
}
const char* __ubsan_default_options(void) { return "print_stacktrace=1"; }

// UndefinedBehaviorSanitizer's own reports know of no log_path beside AddressSanitizer's.
void __ubsan_on_report(void) {
  const char *kind, *message, *file;
  unsigned line, column;
  char* address;
  char path[64], text[1024];
  __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
  snprintf(path, sizeof path, PLACE ".%d", (int)getpid());
  int length = snprintf(text, sizeof text, "%s:%u:%u: runtime error: %s (%s)\n", file, line, column, message, kind);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (write(fd, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1) < 0) length = 0;
  close(fd);
}
