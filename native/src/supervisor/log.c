#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

#define BATCH 255

static int log_fd = -1;
static struct iovec parts[BATCH];

int open_log(const char* path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return -1;
  if (log_fd >= 0) close(log_fd);
  log_fd = fd;
  return 0;
}

// Writes whole lines or none: a partial write (disk full) is taken back, so that the file never
// holds half a line.
static void flush(int count, size_t size) {
  off_t before = lseek(log_fd, 0, SEEK_END);
  ssize_t done;
  do done = writev(log_fd, parts, count);
  while (done < 0 && errno == EINTR);
  if (done < 0 || (size_t)done == size || before < 0) return;
  if (ftruncate(log_fd, before) != 0) return;  // nothing more can be done about a broken disk
}

void write_log(int stream, char* bytes, size_t length) {
  char full[48], part[48];
  struct text text = {full, sizeof full};
  add_time(&text, wall_clock());
  add(&text, stream == 1 ? " stdout F " : " stderr F ");
  size_t prefix = strlen(full);
  memcpy(part, full, prefix + 1);
  part[prefix - 2] = 'P';
  int count = 0;
  size_t size = 0;
  while (length > 0) {
    char* newline = memchr(bytes, '\n', length);
    size_t line = newline ? (size_t)(newline - bytes) + 1 : length;
    parts[count++] = (struct iovec){newline ? full : part, prefix};
    parts[count++] = (struct iovec){bytes, line};
    if (!newline) parts[count++] = (struct iovec){(char*)"\n", 1};
    size += prefix + line + !newline;
    bytes += line;
    length -= line;
    if (count > BATCH - 3) {
      flush(count, size);
      count = 0;
      size = 0;
    }
  }
  if (count) flush(count, size);
}
