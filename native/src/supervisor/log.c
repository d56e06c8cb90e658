#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

#define BATCH 255

static int log_fd = -1;
static struct log_limits limits;
static uint64_t size;   // of the file
static int told_large;  // of this file
static int torn;        // the file ends inside a line
static uint64_t missing;  // lines

int open_log(const char* path, struct log_limits wanted) {
  struct stat facts;
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return -1;
  if (log_fd >= 0) close(log_fd);
  log_fd = fd;
  limits = wanted;
  size = fstat(fd, &facts) == 0 ? (uint64_t)facts.st_size : 0;
  told_large = torn = 0;
  return 0;
}

uint64_t log_size(void) { return size; }

int log_is_large(void) { return limits.large && size >= limits.large; }

int log_became_large(void) {
  if (told_large || !log_is_large()) return 0;
  return told_large = 1;
}

// All or nothing: a partial write (disk full) is taken back, so that the file never holds half a
// line. 0 if it was written.
static int append(const struct iovec* parts, int count, size_t length) {
  ssize_t done;
  do done = writev(log_fd, parts, count);
  while (done < 0 && errno == EINTR);
  if (done == (ssize_t)length) {
    size += length;
    return 0;
  }
  if (done > 0 && ftruncate(log_fd, (off_t)size) != 0) {
    // A broken disk keeps the piece: the next line starts on a line of its own.
    size += (size_t)done;
    torn = 1;
  }
  return -1;
}

static struct iovec what_is_missing(void) {
  static char line[120];
  struct text text = {line, sizeof line};
  if (torn) add(&text, "\n");
  add_time(&text, wall_clock());
  add(&text, " stderr F [");
  add_number(&text, missing);
  add(&text, missing == 1 ? " line is missing here]\n" : " lines are missing here]\n");
  return (struct iovec){line, strlen(line)};
}

void finish_log(void) {
  if (!missing) return;
  struct iovec notice = what_is_missing();
  append(&notice, 1, notice.iov_len);
}

// The lines from the second place on; the first is for what is missing before them. Both or none:
// a disk that is just full would else be filled with such notices.
static void flush(struct iovec* batch, int count, size_t length, uint64_t lines) {
  int first = 1;
  if (missing) {
    batch[first = 0] = what_is_missing();
    length += batch[0].iov_len;
  }
  int full = limits.most && size + length > limits.most;
  if (full || append(batch + first, count - first, length) != 0) {
    missing += lines;
  } else {
    missing = torn = 0;
  }
}

void write_log(int stream, char* bytes, size_t length) {
  static struct iovec batch[BATCH];
  char whole[48], part[48];
  struct text text = {whole, sizeof whole};
  add_time(&text, wall_clock());
  add(&text, stream == 1 ? " stdout F " : " stderr F ");
  size_t prefix = strlen(whole);
  memcpy(part, whole, prefix + 1);
  part[prefix - 2] = 'P';
  int count = 1;
  size_t sum = 0;
  uint64_t lines = 0;
  while (length > 0) {
    char* newline = memchr(bytes, '\n', length);
    size_t line = newline ? (size_t)(newline - bytes) + 1 : length;
    batch[count++] = (struct iovec){newline ? whole : part, prefix};
    batch[count++] = (struct iovec){bytes, line};
    if (!newline) batch[count++] = (struct iovec){(char*)"\n", 1};
    sum += prefix + line + !newline;
    lines++;
    bytes += line;
    length -= line;
    if (count > BATCH - 3) {
      flush(batch, count, sum, lines);
      count = 1;
      sum = lines = 0;
    }
  }
  if (count > 1) flush(batch, count, sum, lines);
}
