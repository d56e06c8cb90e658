#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../protocol.h"
#include "copy-up.h"
#include "devices.h"
#include "filesystem.h"
#include "namespaces.h"
#include "resolve.h"
#include "sys.h"
#include "user-namespace.h"

// linux/magic.h
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572

#define MOUNTS_LIMIT 1024
static int sources[MOUNTS_LIMIT];
static int maps[MOUNTS_LIMIT];  // 0: none; else a descriptor
static uint32_t mapped;         // ... of the first so many mounts

#define IDMAP_FLAGS (MOUNT_FLAG_IDMAP | MOUNT_FLAG_RECURSIVE_IDMAP)

int prepare_maps(const struct container* c, struct failure* failure) {
  struct reader items = c->mounts.items;
  errno = E2BIG;
  if (c->mounts.count > MOUNTS_LIMIT) return failed(failure, 128, "read", "mounts");
  for (; mapped < c->mounts.count; mapped++) {
    struct mount_spec mount = read_mount(&items);
    struct owned none;
    maps[mapped] = 0;
    if (!(mount.flags & IDMAP_FLAGS) || mount.maps.uids.count == 0) continue;
    int fd = make_user_namespace(&mount.maps, 0, &none);
    if (fd < 0) return failed(failure, 128, "map the owners of", mount.target);
    maps[mapped] = fd;
  }
  return 0;
}

void release_maps(void) {
  for (uint32_t i = 0; i < mapped; i++)
    if (maps[i] > 0) close(maps[i]);
  mapped = 0;
}

void attach(int mount, int target, const char* path) {
  if (target < 0) fail("find or make mount point", path);
  if (sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    fail("mount on", path);
  close(target);
  close(mount);
}

// What is below a volume's root was laid out by containers, maybe by one that changes it just now:
// it is found by one walk that cannot leave the root, and used by the descriptor that gave.
static int open_source(const struct mount_spec* mount) {
  unsigned flags = OPEN_TREE_CLONE | O_CLOEXEC |
      (mount->flags & MOUNT_FLAG_RECURSIVE ? AT_RECURSIVE_ : 0);
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

static void change(int mount, struct mount_attributes attributes, unsigned flags, const char* path) {
  if (!attributes.set && !attributes.clear && !attributes.propagation) return;
  if (sys_mount_setattr(mount, AT_EMPTY_PATH | flags, &attributes) != 0)
    fail("change the mount", path);
}

// While the host's mounts are the ones to be seen: what receives their changes, or shares its own.
static void propagate(int mount, const struct mount_spec* spec) {
  struct mount_attributes all = {.propagation = spec->recursive_propagation};
  struct mount_attributes one = {.propagation = spec->propagation};
  change(mount, all, AT_RECURSIVE_, spec->target);
  change(mount, one, 0, spec->target);
}

void open_sources(const struct container* c) {
  struct reader items = c->mounts.items;
  for (uint32_t i = 0; i < c->mounts.count; i++) {
    struct mount_spec mount = read_mount(&items);
    if (mount.kind != MOUNT_BIND) continue;
    sources[i] = open_source(&mount);
    if (sources[i] < 0) fail("open mount source", mount.source);
    propagate(sources[i], &mount);
  }
}

static void show_owners(int mount, const struct mount_spec* spec, int map) {
  if (!(spec->flags & IDMAP_FLAGS)) return;
  int user = map > 0 ? map : user_namespace();
  struct mount_attributes attributes = {.set = MOUNT_ATTR_IDMAP_, .userns_fd = (uint64_t)user};
  errno = EINVAL;
  if (user < 0) fail("find the map for owners on", spec->target);
  unsigned below = spec->flags & MOUNT_FLAG_RECURSIVE_IDMAP ? AT_RECURSIVE_ : 0;
  if (sys_mount_setattr(mount, AT_EMPTY_PATH | below, &attributes) != 0)
    fail("map the owners on", spec->target);
}

static void restrict_mount(int mount, const struct mount_spec* spec) {
  struct mount_attributes all = {.set = spec->recursive_set, .clear = spec->recursive_clear};
  struct mount_attributes one = {.set = spec->set, .clear = spec->clear};
  change(mount, all, AT_RECURSIVE_, spec->target);
  change(mount, one, 0, spec->target);
}

// With MOUNT_FLAG_PLAIN a mount point must be the image's own directory, not a link it laid out.
static int find_target(int root, const struct mount_spec* mount, int file) {
  if (!(mount->flags & MOUNT_FLAG_PLAIN)) return resolve_or_make(root, mount->target, file);
  int target = resolve_plain(root, mount->target);
  if (target >= 0 || errno != ENOENT) return target;
  int made = resolve_or_make(root, mount->target, file);
  if (made >= 0) close(made);
  return resolve_plain(root, mount->target);
}

static void place_bind(const struct mount_spec* mount, int source, int map, int root) {
  struct stat facts;
  if (fstat(source, &facts) != 0) fail("stat mount source", mount->source);
  show_owners(source, mount, map);
  restrict_mount(source, mount);
  attach(source, find_target(root, mount, !S_ISDIR(facts.st_mode)), mount->target);
}

static int is_of_type(int mount, const char* type) {
  struct statfs filesystem;
  int proc = strcmp(type, "proc") == 0, sysfs = strcmp(type, "sysfs") == 0;
  if (fstatfs(mount, &filesystem) != 0) return 0;
  return (proc && filesystem.f_type == PROC_SUPER_MAGIC) ||
      (sysfs && filesystem.f_type == SYSFS_MAGIC);
}

// What is there of that kind already, with all that lies over it, as restricted as the new one was to
// be. Nothing is cleared, and times are left: those who may not make a new one may not, either.
static void place_stand_in(const struct mount_spec* mount, int root) {
  uint64_t restricting =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  struct mount_attributes attributes = {
      .set = (mount->set | mount->recursive_set) & restricting, .propagation = MS_PRIVATE};
  int shown = (int)sys_open_tree(
      AT_FDCWD, mount->root, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE_);
  if (shown >= 0 && !is_of_type(shown, mount->type)) {
    errno = ENODEV;
    close(shown);
    shown = -1;
  }
  if (shown < 0) fail("show in place of a new file system", mount->root);
  change(shown, attributes, AT_RECURSIVE_, mount->target);
  attach(shown, find_target(root, mount, 0), mount->target);
}

static void place_filesystem(const struct mount_spec* mount, int map, int root) {
  int optional = mount->flags & MOUNT_FLAG_STAND_IN;
  int made = (optional ? try_filesystem : make_filesystem)(
      mount->type, mount->source, mount->options, 0);
  if (made < 0) return place_stand_in(mount, root);
  int target = find_target(root, mount, 0);
  if (target >= 0 && mount->flags & MOUNT_FLAG_COPY_UP) copy_up(target, made, mount->target);
  show_owners(made, mount, map);
  restrict_mount(made, mount);
  propagate(made, mount);
  attach(made, target, mount->target);
}

static void remount(const struct mount_spec* mount, int root) {
  int target = resolve(root, mount->target);
  if (target < 0) fail("find the mount", mount->target);
  change_filesystem(target, mount->target, mount->options);
  restrict_mount(target, mount);
  propagate(target, mount);
  close(target);
}

void place_mounts(const struct container* c, int root) {
  struct reader items = c->mounts.items;
  for (uint32_t i = 0; i < c->mounts.count; i++) {
    if (i == c->mounts_before_devices) place_devices(c, root);
    struct mount_spec mount = read_mount(&items);
    if (mount.kind == MOUNT_BIND) place_bind(&mount, sources[i], maps[i], root);
    else if (mount.kind == MOUNT_FILESYSTEM) place_filesystem(&mount, maps[i], root);
    else remount(&mount, root);
  }
  if (c->mounts.count <= c->mounts_before_devices) place_devices(c, root);
}
