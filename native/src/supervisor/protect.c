#include "protect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "failure.h"
#include "filesystem.h"
#include "mounts.h"
#include "resolve.h"
#include "sys.h"

// The host's /dev/null, checked: a link or file in its place must not be shown to the container.
static int open_null(void) {
  struct stat facts;
  int null = open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (null < 0 || fstat(null, &facts) != 0) fail("open", "/dev/null");
  if (S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 3)) return null;
  errno = ENODEV;
  fail("recognise", "/dev/null");
}

static int clone_mount(int from, const char* path) {
  int cover = (int)sys_open_tree(from, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
  if (cover < 0) fail("clone the cover of", path);
  return cover;
}

// One empty, read-only directory covers every masked directory. Only what is mounted can be cloned
// (before Linux 6.15), so the first target gets the mount itself and a descriptor of it stays for
// the others.
static int empty_directory(int* kept, const char* path) {
  static const char* const tiny[] = {"size", "4k", "nr_inodes", "1", "mode", "755", 0};
  if (*kept >= 0) return clone_mount(*kept, path);
  int made = make_known_filesystem("tmpfs", tiny,
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  *kept = fcntl(made, F_DUPFD_CLOEXEC, 0);
  return made;
}

static void mask(const struct container* c, int root) {
  struct reader items = c->masked.items;
  int empty = -1, null = c->masked.count ? open_null() : -1;
  for (uint32_t i = 0; i < c->masked.count; i++) {
    const char* path = read_string(&items);
    int target = resolve(root, path);
    if (target < 0) continue;
    struct stat facts;
    if (fstat(target, &facts) != 0) fail("stat", path);
    int directory = S_ISDIR(facts.st_mode);
    attach(directory ? empty_directory(&empty, path) : clone_mount(null, path), target, path);
  }
  if (empty >= 0) close(empty);
  if (null >= 0) close(null);
}

void protect_paths(const struct container* c, int root) {
  mask(c, root);
  struct reader items = c->readonly.items;
  for (uint32_t i = 0; i < c->readonly.count; i++) {
    const char* path = read_string(&items);
    int target = resolve(root, path);
    if (target < 0) continue;
    int self = (int)sys_open_tree(target, "",
        OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE_);
    struct mount_attributes attributes = {.set = MOUNT_ATTR_RDONLY};
    if (self < 0 || sys_mount_setattr(self, AT_EMPTY_PATH | AT_RECURSIVE_, &attributes) != 0)
      fail("make read-only", path);
    attach(self, target, path);
  }
}
