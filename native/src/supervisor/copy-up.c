#include "copy-up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "failure.h"
#include "sys.h"
#include "text.h"

#define DEEPEST 64

struct place {
  int from, to;
  const char* name;
  const struct stat* facts;
};

static void copy_tree(int from, int to, const char* path, int depth);

static int copy_link(const struct place* at) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(at->from, at->name, target, sizeof target - 1);
  if (length < 0) return -1;
  target[length] = 0;
  return symlinkat(target, at->to, at->name);
}

// Somebody else who has the image may have put a pipe or a device there meanwhile: what is read is what
// was looked at.
static int open_file(const struct place* at) {
  char path[40];
  struct text text = {path, sizeof path};
  struct stat facts;
  int found = openat(at->from, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (found < 0) return -1;
  add(&text, "/proc/self/fd/");
  add_number(&text, (uint64_t)found);
  int regular = fstat(found, &facts) == 0 && S_ISREG(facts.st_mode);
  int file = regular ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  int reason = regular ? errno : ESTALE;
  close(found);
  errno = reason;
  return file;
}

static int copy_file(const struct place* at) {
  int from = open_file(at);
  int to = openat(at->to, at->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  ssize_t done = from < 0 || to < 0 ? -1 : 1;
  while (done > 0) done = sendfile(to, from, 0, 1 << 20);
  int reason = errno;
  close(from);
  close(to);
  errno = reason;
  return (int)done;
}

static int copy_directory(const struct place* at, const char* path, int depth) {
  if (mkdirat(at->to, at->name, 0700) != 0) return -1;
  int from = openat(at->from, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int to = openat(at->to, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0 || to < 0) return -1;
  copy_tree(from, to, path, depth + 1);
  return 0;
}

static int copy_entry(const struct place* at, const char* path, int depth) {
  mode_t mode = at->facts->st_mode;
  int result = S_ISDIR(mode) ? copy_directory(at, path, depth)
      : S_ISLNK(mode)        ? copy_link(at)
      : S_ISREG(mode)        ? copy_file(at)
                             : mknodat(at->to, at->name, mode, at->facts->st_rdev);
  if (result != 0) return -1;
  if (fchownat(at->to, at->name, at->facts->st_uid, at->facts->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return -1;
  return S_ISLNK(mode) ? 0 : fchmodat(at->to, at->name, mode & 07777, 0);
}

// The kernel's own call: opendir(3) takes memory from a heap, which a supervisor has not.
struct entry {
  uint64_t inode, offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static void copy_tree(int from, int to, const char* path, int depth) {
  _Alignas(struct entry) char entries[4096];
  long length;
  errno = ELOOP;
  if (depth > DEEPEST) fail("copy what the image has in", path);
  while ((length = syscall(SYS_getdents64, from, entries, sizeof entries)) > 0) {
    for (char* at = entries; at < entries + length;) {
      struct entry* entry = (struct entry*)at;
      struct stat facts;
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      struct place place = {from, to, entry->name, &facts};
      if (fstatat(from, entry->name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
          copy_entry(&place, path, depth) != 0)
        fail("copy what the image has in", path);
    }
  }
  if (length < 0) fail("list what the image has in", path);
  close(from);
  close(to);
}

void copy_up(int from, int to, const char* path) {
  int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat facts;
  if (source < 0 || target < 0 || fstat(source, &facts) != 0 ||
      fchown(target, facts.st_uid, facts.st_gid) != 0 || fchmod(target, facts.st_mode & 07777) != 0)
    fail("copy up", path);
  copy_tree(source, target, path, 0);
}
