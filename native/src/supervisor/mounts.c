#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../protocol.h"
#include "failure.h"
#include "resolve.h"
#include "sys.h"
#include "text.h"

#define MOUNTS_LIMIT 1024
static int sources[MOUNTS_LIMIT];

int make_filesystem(const char* type, const char* const* options, unsigned attributes) {
  int fs = (int)sys_fsopen(type);
  if (fs < 0) fail("open file system", type);
  // what `mount` shows; not every kernel lets it be set
  sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", type);
  for (; *options; options += 2) {
    int command = options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (sys_fsconfig(fs, command, options[0], options[1]) != 0)
      fail("configure file system", options[0]);
  }
  if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0) != 0) fail("create file system", type);
  int mount = (int)sys_fsmount(fs, attributes);
  if (mount < 0) fail("mount file system", type);
  close(fs);
  return mount;
}

void attach(int mount, int target, const char* path) {
  if (target < 0) fail("find or make mount point", path);
  if (sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    fail("mount on", path);
  close(target);
  close(mount);
}

static uint64_t propagation(uint32_t flags) {
  if (flags & MOUNT_FLAG_RSHARED) return MS_SHARED;
  return flags & MOUNT_FLAG_RSLAVE ? MS_SLAVE : MS_PRIVATE;
}

static unsigned restrictions(uint32_t flags) {
  return (flags & MOUNT_FLAG_READONLY ? MOUNT_ATTR_RDONLY : 0) |
      (flags & MOUNT_FLAG_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
      (flags & MOUNT_FLAG_NODEV ? MOUNT_ATTR_NODEV : 0) |
      (flags & MOUNT_FLAG_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

// What is below a volume's root was laid out by containers, maybe by one that changes it just now:
// it is found by one walk that cannot leave the root, and used by the descriptor that gave.
static int open_source(const struct mount_spec* mount) {
  unsigned flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE_;
  if (!*mount->root) return (int)sys_open_tree(AT_FDCWD, mount->source, flags);
  int root = open(mount->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail("open volume", mount->root);
  int found = resolve_or_make(root, mount->source, 0);
  if (found < 0) fail("find or make in its volume", mount->source);
  int source = (int)sys_open_tree(found, "", flags | AT_EMPTY_PATH);
  close(found);
  close(root);
  return source;
}

void open_sources(const struct container* c) {
  struct reader items = c->mounts.items;
  if (c->mounts.count > MOUNTS_LIMIT) {
    errno = E2BIG;
    fail("read", "mounts");
  }
  for (uint32_t i = 0; i < c->mounts.count; i++) {
    struct mount_spec mount = read_mount(&items);
    if (mount.type != MOUNT_BIND) continue;
    sources[i] = open_source(&mount);
    if (sources[i] < 0) fail("open mount source", mount.source);
    struct mount_attributes attributes = {.propagation = propagation(mount.flags)};
    if (sys_mount_setattr(sources[i], AT_EMPTY_PATH | AT_RECURSIVE_, &attributes) != 0)
      fail("set propagation of", mount.source);
  }
}

static void place_bind(const struct mount_spec* mount, int source, int root) {
  struct stat facts;
  if (fstat(source, &facts) != 0) fail("stat mount source", mount->source);
  struct mount_attributes attributes = {.set = restrictions(mount->flags)};
  if (attributes.set &&
      sys_mount_setattr(source, AT_EMPTY_PATH | AT_RECURSIVE_, &attributes) != 0)
    fail("restrict", mount->source);
  attach(source, resolve_or_make(root, mount->target, !S_ISDIR(facts.st_mode)), mount->target);
}

static void place_tmpfs(const struct mount_spec* mount, int root) {
  char size[24];
  struct text text = {size, sizeof size};
  add_number(&text, mount->size);
  const char* sized[] = {"mode", "1777", "size", size, 0};
  const char* unsized[] = {"mode", "1777", 0};
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | restrictions(mount->flags);
  int made = make_filesystem("tmpfs", mount->size ? sized : unsized, attributes);
  attach(made, resolve_or_make(root, mount->target, 0), mount->target);
}

void place_mounts(const struct container* c, int root) {
  struct reader items = c->mounts.items;
  for (uint32_t i = 0; i < c->mounts.count; i++) {
    struct mount_spec mount = read_mount(&items);
    if (mount.type == MOUNT_BIND) place_bind(&mount, sources[i], root);
    else place_tmpfs(&mount, root);
  }
}

// A mount point for a kernel file system must be the image's own directory, not a link it laid out.
static int kernel_target(int root, const char* path) {
  int target = resolve_plain(root, path);
  if (target >= 0 || errno != ENOENT) return target;
  return mkdirat(root, path + 1, 0755) == 0 ? resolve_plain(root, path) : -1;
}

void place_kernel_filesystems(const struct container* c, int root) {
  static const char* const none[] = {0};
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  attach(make_filesystem("proc", none, attributes), kernel_target(root, "/proc"), "/proc");
  unsigned protect = c->flags & CONTAINER_PRIVILEGED ? 0 : MOUNT_ATTR_RDONLY;
  attach(make_filesystem("sysfs", none, attributes | protect), kernel_target(root, "/sys"), "/sys");
  if (*c->process.cgroup2 && c->process.cgroups.count == 0) {
    int cgroups = make_filesystem("cgroup2", none, attributes | protect);
    attach(cgroups, resolve_plain(root, "/sys/fs/cgroup"), "/sys/fs/cgroup");
  }
}

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
  int made = make_filesystem("tmpfs", tiny,
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
