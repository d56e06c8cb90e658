#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../protocol.h"
#include "devices.h"
#include "failure.h"
#include "filesystem.h"
#include "handover.h"
#include "mounts.h"
#include "namespaces.h"
#include "privileges.h"
#include "protect.h"
#include "rootless.h"
#include "sys.h"
#include "text.h"

// fsconfig(2) takes at most 255 bytes: a longer path is given by its descriptor, which stays open
// until the exec.
static const char* short_path(const char* path, char* space, size_t size) {
  if (strlen(path) < 256) return path;
  int fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0) fail("open layer", path);
  struct text text = {space, size};
  add(&text, "/proc/self/fd/");
  add_number(&text, (uint64_t)fd);
  return space;
}

static void option(int fs, const char* name, const char* path) {
  char space[40];
  if (sys_fsconfig(fs, FSCONFIG_SET_STRING, name, short_path(path, space, sizeof space)) != 0)
    fail("use as a layer", path);
}

// A volatile overlay leaves this mark, which forbids a second mount after a crash of the machine.
// The layer of a restarted container is used again on purpose.
static void forget_volatile(const char* work) {
  static const char* const marks[] = {
      "work/incompat/volatile/dirty",
      "work/incompat/volatile",
      "work/incompat",
  };
  int directory = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;  // the mount says so better
  for (int i = 0; i < 3; i++) unlinkat(directory, marks[i], i == 0 ? 0 : AT_REMOVEDIR);
  close(directory);
}

// The layers' files as the container's user namespace shows their owners. Mounted for good: only
// then can every kernel build on it.
static int shown_layer(const char* path) {
  int layer = (int)sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
  struct mount_attributes attributes = {
      .set = MOUNT_ATTR_IDMAP_,
      .userns_fd = (uint64_t)user_namespace(),
  };
  if (layer < 0 || sys_mount_setattr(layer, AT_EMPTY_PATH, &attributes) != 0)
    fail("map the owners in", path);
  if (sys_move_mount(layer, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("mount", path);
  return layer;
}

static const char* path_below(int fd, const char* name, char* space, size_t size) {
  struct text text = {space, size};
  add(&text, "/proc/self/fd/");
  add_number(&text, (uint64_t)fd);
  add(&text, name);
  return space;
}

static void layer_option(const struct container* c, int fs, const char* path) {
  char space[40];
  if (!(c->flags & CONTAINER_MAP_LAYERS)) return option(fs, "lowerdir+", path);
  option(fs, "lowerdir+", path_below(shown_layer(path), "", space, sizeof space));
}

// The directories that hold what the container writes lie beside each other in `place`.
static void upper_options(int fs, int place, const char* upper, const char* work) {
  char space[320];
  option(fs, "upperdir", path_below(place, upper, space, sizeof space));
  option(fs, "workdir", path_below(place, work, space, sizeof space));
}

static void mapped_upper(const struct container* c, int fs) {
  const char* slash = strrchr(c->upper, '/');
  char place[4096];
  errno = EINVAL;
  if (!slash || strlen(c->upper) >= sizeof place || strlen(slash) > 255 ||
      strncmp(c->upper, c->work, (size_t)(slash + 1 - c->upper)) != 0)
    fail("use beside each other", c->upper);
  memcpy(place, c->upper, (size_t)(slash - c->upper));
  place[slash - c->upper] = 0;
  upper_options(fs, shown_layer(place), slash, c->work + (slash - c->upper));
}

// Where nothing can be written, mount points are made in memory.
static void upper_in_memory(int fs) {
  static const char* const options[] = {"mode", "755", 0};
  int memory = make_known_filesystem("tmpfs", options, 0);
  if (mkdirat(memory, "upper", 0755) != 0 || mkdirat(memory, "work", 0700) != 0)
    fail("make in memory", "mount points");
  if (sys_move_mount(memory, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("mount", "mount points");
  upper_options(fs, memory, "/upper", "/work");
}

static void upper_on_disk(const struct container* c, int fs) {
  forget_volatile(c->work);
  if (c->flags & CONTAINER_MAP_LAYERS) {
    mapped_upper(c, fs);
  } else {
    option(fs, "upperdir", c->upper);
    option(fs, "workdir", c->work);
  }
  // A layer that ends with its container is never synced, not when it is unmounted either.
  if (!(c->flags & CONTAINER_KEEP_LAYER) &&
      sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", 0) != 0)
    fail("configure overlay", "volatile");
}

static uint32_t host_root(struct list ids) {
  for (uint32_t i = 0; i < ids.count; i++) {
    uint32_t inside = read_u32(&ids.items), outside = read_u32(&ids.items);
    read_u32(&ids.items);
    if (inside == 0) return outside;
  }
  return 0;
}

// What is made from here on, mount points and new file systems, belongs to the container's root: on
// layers with mapped owners the machine's root is nobody.
static void make_files_as_its_root(const struct container* c) {
  if (user_namespace() < 0) return;
  setfsgid(host_root(c->maps.gids));
  setfsuid(host_root(c->maps.uids));
  regain_capabilities();  // setfsuid took some
}

static int make_overlay(const struct container* c) {
  int fs = (int)sys_fsopen("overlay");
  if (fs < 0) fail("open file system", "overlay");
  sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay");
  struct reader layers = c->layers.items;
  for (uint32_t i = 0; i < c->layers.count; i++) layer_option(c, fs, read_string(&layers));
  if (*c->upper) upper_on_disk(c, fs);
  else upper_in_memory(fs);
  if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0) != 0)
    fail("create overlay on", *c->upper ? c->upper : "memory");
  int root = (int)sys_fsmount(fs, 0);
  if (root < 0) fail("mount overlay on", c->upper);
  close(fs);
  return root;
}

// A bundle's directory as it stands, with what is mounted in it.
static int open_plain_root(const struct container* c) {
  struct reader layers = c->layers.items;
  const char* path = read_string(&layers);
  int root = (int)sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE_);
  struct mount_attributes attributes = {
      .propagation = c->root_propagation & (MS_SHARED | MS_SLAVE) ? MS_SLAVE : MS_PRIVATE,
  };
  if (root < 0 || sys_mount_setattr(root, AT_EMPTY_PATH | AT_RECURSIVE_, &attributes) != 0)
    fail("use as the root", path);
  return root;
}

static void change_root(int root) {
  if (fchdir(root) != 0) fail("enter", "the root file system");
  if (syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot to", "the root file system");
  // The old root now lies on top of the new one.
  if (umount2(".", MNT_DETACH) != 0) fail("unmount", "the host's root file system");
  if (chdir("/") != 0) fail("enter", "/");
}

// The others keep their root, so that only this process's can be changed.
static void change_own_root(int root) {
  if (fchdir(root) != 0) fail("enter", "the root file system");
  if (chroot(".") != 0) fail("change root to", "the root file system");
}

// In a namespace that others have, too, the root is put where they see its directory, and stays
// there as long as they do.
static void put_in_joined(const struct container* c, int root) {
  struct reader layers = c->layers.items;
  const char* path = read_string(&layers);
  int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) fail("find in the joined mount namespace", path);
  if (sys_move_mount(root, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    fail("mount on", path);
  close(place);
}

static void propagate_root(const struct container* c, int root) {
  struct mount_attributes attributes = {.propagation = c->root_propagation};
  if (attributes.propagation && sys_mount_setattr(root, AT_EMPTY_PATH, &attributes) != 0)
    fail("set propagation of", "/");
}

int prepare_root(const struct container* c) {
  if (c->flags & CONTAINER_PLAIN_ROOT) return open_plain_root(c);
  // Mapped layers are mounted first, which the host must not see; so are those in memory.
  return c->flags & CONTAINER_MAP_LAYERS || !*c->upper ? -1 : make_overlay(c);
}

void enter_rootfs(const struct container* c, int prepared, struct stdio* io) {
  open_sources(c);
  int shared = joins_mounts(c);
  errno = EINVAL;
  if (shared && !(c->flags & CONTAINER_PLAIN_ROOT)) fail("join a mount namespace with", "layers");
  if (shared) join_mounts(c);
  // Slave, not private: what the host unmounts in these milliseconds must not be held here.
  if (mount(0, "/", 0, MS_REC | MS_SLAVE, 0) != 0) fail("set propagation of", "/");
  make_files_as_its_root(c);
  int root = prepared >= 0 ? prepared : make_overlay(c);
  if (shared) put_in_joined(c, root);
  else if (sys_move_mount(root, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("mount on", "the state directory");
  place_mounts(c, root);
  if (io->terminal) {
    open_terminal(io, root, c->process.columns, c->process.rows);
    place_console(root, io->child[0]);
  }
  protect_paths(c, root);
  if (c->flags & CONTAINER_READONLY_ROOT) {
    struct mount_attributes attributes = {.set = MOUNT_ATTR_RDONLY};
    if (sys_mount_setattr(root, AT_EMPTY_PATH, &attributes) != 0) fail("make read-only", "/");
  }
  // Hooks join it by its pid.
  if (c->flags & CONTAINER_ALONE && c->process.flags & PROCESS_ROOTLESS) be_readable(1);
  wait_for_hooks();
  if (shared) change_own_root(root);
  else change_root(root);
  propagate_root(c, root);
  close(root);
}
