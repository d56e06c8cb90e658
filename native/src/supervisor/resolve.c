#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"
#include "text.h"

static int open_in(int root, const char* path, uint64_t flags, uint64_t more) {
  struct open_how_v0 how = {
      .flags = O_PATH | O_CLOEXEC | flags,
      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more,
  };
  long fd;
  int tries = 0;
  // openat2(2): EAGAIN when something was renamed or mounted during the walk.
  do fd = sys_openat2(root, path, &how);
  while (fd < 0 && errno == EAGAIN && tries++ < 64);
  return (int)fd;
}

int resolve(int root, const char* path) { return open_in(root, path, 0, 0); }

int resolve_plain(int root, const char* path) {
  return open_in(root, path, 0, RESOLVE_NO_SYMLINKS);
}

// Makes the last component of `prefix`, whose parent is open, and opens it as any walk would.
static int make_and_open(int root, int parent, const char* prefix, const char* name, int file) {
  int made = file ? openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644)
                  : mkdirat(parent, name, 0755);
  if (made < 0 && errno != EEXIST) return -1;
  if (made > 0) close(made);
  return open_in(root, prefix, 0, 0);
}

static int make_path(int root, const char* path, int file, int links);

// A link that leads nowhere yet (/etc/resolv.conf -> ../run/...): goes on where it points, still
// inside the root.
static int follow(int root, int parent, const char* path, size_t at, size_t end, int file,
    int links) {
  char name[NAME_MAX + 1], target[PATH_MAX], whole[PATH_MAX];
  if (end - at > NAME_MAX || links == 0) return -1;
  memcpy(name, path + at, end - at);
  name[end - at] = 0;
  ssize_t length = readlinkat(parent, name, target, sizeof target - 1);
  if (length < 0) return -1;
  target[length] = 0;
  struct text text = {whole, sizeof whole};
  size_t kept = target[0] == '/' ? 0 : at;
  memcpy(whole, path, kept);
  text.at += kept;
  text.left -= kept;
  add(&text, target);
  add(&text, path + end);
  return make_path(root, whole, file, links - 1);
}

// Mostly only the last component is missing: two walks instead of one for each component. -1 with
// ENOENT if it is not so simple.
static int make_last(int root, const char* path, int file) {
  char prefix[PATH_MAX];
  const char* slash = strrchr(path, '/');
  errno = ENOENT;
  if (!slash || slash == path || !slash[1]) return -1;
  memcpy(prefix, path, (size_t)(slash - path));
  prefix[slash - path] = 0;
  int parent = open_in(root, prefix, O_DIRECTORY, 0);
  if (parent < 0) return -1;
  int made = make_and_open(root, parent, path, slash + 1, file);
  int reason = errno;
  close(parent);
  errno = reason;
  return made;
}

static int make_path(int root, const char* path, int file, int links) {
  int found = resolve(root, path);
  if (found < 0 && errno == ENOENT) found = make_last(root, path, file);
  if (found >= 0 || errno != ENOENT) return found;
  char prefix[PATH_MAX];
  int parent = open_in(root, ".", O_DIRECTORY, 0);
  size_t at = 0;
  while (parent >= 0) {
    while (path[at] == '/') at++;
    if (!path[at]) break;
    size_t end = at + strcspn(path + at, "/");
    memcpy(prefix, path, end);
    prefix[end] = 0;
    int last = path[end + strspn(path + end, "/")] == 0, followed = 0;
    int next = open_in(root, prefix, 0, 0);
    if (next < 0 && errno == ENOENT) {
      next = make_and_open(root, parent, prefix, prefix + at, last && file);
    }
    if (next < 0 && errno == ENOENT) {
      next = follow(root, parent, path, at, end, file, links);
      followed = 1;
    }
    int reason = errno;
    close(parent);
    errno = reason;
    parent = next;
    if (followed) break;
    at = end;
  }
  return parent;
}

int resolve_or_make(int root, const char* path, int file) {
  if (strlen(path) < PATH_MAX) return make_path(root, path, file, 8);
  errno = ENAMETOOLONG;
  return -1;
}
