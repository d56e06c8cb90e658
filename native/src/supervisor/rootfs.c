#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../protocol.h"
#include "devices.h"
#include "failure.h"
#include "handover.h"
#include "mounts.h"
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
      "/work/incompat/volatile/dirty",
      "/work/incompat/volatile",
      "/work/incompat",
  };
  char path[4096];
  for (int i = 0; i < 3; i++) {
    struct text text = {path, sizeof path};
    add(&text, work);
    add(&text, marks[i]);
    unlinkat(AT_FDCWD, path, i == 0 ? 0 : AT_REMOVEDIR);
  }
}

static int make_overlay(const struct container* c) {
  int fs = (int)sys_fsopen("overlay");
  if (fs < 0) fail("open file system", "overlay");
  sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay");
  struct reader layers = c->layers.items;
  for (uint32_t i = 0; i < c->layers.count; i++) option(fs, "lowerdir+", read_string(&layers));
  forget_volatile(c->work);
  option(fs, "upperdir", c->upper);
  option(fs, "workdir", c->work);
  // Nothing to sync when it is unmounted: the layer is not promised to survive a crash of the
  // machine.
  if (sys_fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", 0) != 0)
    fail("configure overlay", "volatile");
  if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0) != 0) fail("create overlay on", c->upper);
  int root = (int)sys_fsmount(fs, 0);
  if (root < 0) fail("mount overlay on", c->upper);
  close(fs);
  return root;
}

static void change_root(int root) {
  if (fchdir(root) != 0) fail("enter", "the root file system");
  if (syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot to", "the root file system");
  // The old root now lies on top of the new one.
  if (umount2(".", MNT_DETACH) != 0) fail("unmount", "the host's root file system");
  if (chdir("/") != 0) fail("enter", "/");
}

void enter_rootfs(const struct container* c, struct stdio* io) {
  open_sources(c);
  // Slave, not private: what the host unmounts in these milliseconds must not be held here.
  if (mount(0, "/", 0, MS_REC | MS_SLAVE, 0) != 0) fail("set propagation of", "/");
  int root = make_overlay(c);
  if (sys_move_mount(root, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("mount on", "the state directory");
  place_kernel_filesystems(c, root);
  place_devices(c, root);
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
  wait_for_hooks();
  change_root(root);
  close(root);
}
