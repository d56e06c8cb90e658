#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "failure.h"
#include "mounts.h"
#include "resolve.h"
#include "sys.h"

static void make_nodes(const struct container* c, int dev) {
  struct reader items = c->devices.items;
  for (uint32_t i = 0; i < c->devices.count; i++) {
    struct device_spec device = read_device(&items);
    const char* slash = strrchr(device.name, '/');
    if (slash) {
      char parent[256];
      size_t length = (size_t)(slash - device.name);
      if (length >= sizeof parent) continue;
      memcpy(parent, device.name, length);
      parent[length] = 0;
      int made = resolve_or_make(dev, parent, 0);
      if (made >= 0) close(made);
    }
    if (mknodat(dev, device.name, device.mode, makedev(device.major, device.minor)) != 0 &&
        errno != EEXIST)
      fail("make device", device.name);
  }
}

static void make_links(int dev) {
  static const char* const links[][2] = {
      {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
      {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {"/proc/kcore", "core"},
  };
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlinkat(links[i][0], dev, links[i][1]) != 0) fail("link", links[i][1]);
}

static int directory(int dev, const char* name) {
  if (mkdirat(dev, name, 0755) != 0 && errno != EEXIST) fail("make directory in /dev", name);
  return resolve_plain(dev, name);
}

static void place_shm(const struct container* c, int dev) {
  struct mount_attributes attributes = {
      .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
  };
  int shm = (int)sys_open_tree(AT_FDCWD, c->shm, OPEN_TREE_CLONE | O_CLOEXEC);
  if (shm < 0 || sys_mount_setattr(shm, AT_EMPTY_PATH, &attributes) != 0)
    fail("open shared memory", c->shm);
  attach(shm, directory(dev, "shm"), "/dev/shm");
}

void place_devices(const struct container* c, int root) {
  static const char* const dev_options[] = {"mode", "755", "size", "65536k", 0};
  static const char* const pts_options[] = {
      "newinstance", 0, "ptmxmode", "0666", "mode", "0620", "gid", "5", 0,
  };
  static const char* const none[] = {0};
  int made = make_filesystem("tmpfs", dev_options, MOUNT_ATTR_NOSUID);
  int target = resolve_plain(root, "/dev");
  if (target < 0 && errno == ENOENT && mkdirat(root, "dev", 0755) == 0)
    target = resolve_plain(root, "/dev");
  int dev = fcntl(made, F_DUPFD_CLOEXEC, 0);
  attach(made, target, "/dev");
  make_nodes(c, dev);
  make_links(dev);
  int pts = make_filesystem("devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  attach(pts, directory(dev, "pts"), "/dev/pts");
  int queues = make_filesystem("mqueue", none,
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  attach(queues, directory(dev, "mqueue"), "/dev/mqueue");
  if (*c->shm) place_shm(c, dev);
  close(dev);
}

void place_console(int root, int terminal) {
  int target = resolve_or_make(root, "/dev/console", 1);
  int shown = (int)sys_open_tree(terminal, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
  if (shown < 0) fail("clone", "the terminal");
  attach(shown, target, "/dev/console");
}
