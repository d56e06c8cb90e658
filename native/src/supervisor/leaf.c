#include "leaf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static char content[8192];

// "Pid:" of its fdinfo.
uint64_t pid_of(int pidfd) {
  char path[64];
  struct text text = {path, sizeof path};
  add(&text, "/proc/self/fdinfo/");
  add_number(&text, (uint64_t)pidfd);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, content, sizeof content - 1);
  if (fd >= 0) close(fd);
  content[length > 0 ? length : 0] = 0;
  const char* found = strstr(content, "\nPid:\t");
  uint64_t pid = 0;
  if (!found) return 0;
  for (found += 6; *found >= '0' && *found <= '9'; found++) pid = pid * 10 + (uint64_t)(*found - '0');
  return pid;
}

// The process's place in the v2 hierarchy, or NULL.
static char* place_of(uint64_t pid) {
  char path[64];
  struct text text = {path, sizeof path};
  add(&text, "/proc/");
  add_number(&text, pid);
  add(&text, "/cgroup");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, content, sizeof content - 1);
  if (fd >= 0) close(fd);
  content[length > 0 ? length : 0] = 0;
  char* line = strncmp(content, "0::", 3) == 0 ? content : strstr(content, "\n0::");
  if (!line) return 0;
  char* place = strchr(line, '/');
  if (!place) return 0;
  place[strcspn(place, "\n")] = 0;
  return place;
}

// What follows `cgroup` in `place`: the end of the one, which begins at the hierarchy's mount, is
// the beginning of the other, which begins at its root. NULL when it is not below.
static const char* below(const char* cgroup, const char* place) {
  for (const char* at = cgroup; (at = strchr(at, '/')); at++) {
    size_t length = strlen(at);
    if (length > 1 && strncmp(place, at, length) == 0 && place[length] == '/') return place + length + 1;
  }
  return 0;
}

int open_leaf(const char* cgroup, int first_process) {
  uint64_t pid = pid_of(first_process);
  char* place = pid ? place_of(pid) : 0;
  const char* rest = place ? below(cgroup, place) : 0;
  if (!rest || strstr(rest, "..")) return -1;
  int directory = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int leaf = directory < 0 ? -1 : openat(directory, rest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) close(directory);
  return leaf;
}
