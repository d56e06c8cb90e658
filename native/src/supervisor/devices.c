#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "failure.h"
#include "mounts.h"
#include "resolve.h"
#include "sys.h"

// The last directory that was asked for: nearly all are in /dev.
static struct {
  char path[PATH_MAX];
  int fd;
} last = {"", -1};

static void forget_last(void) {
  if (last.fd >= 0) close(last.fd);
  last.fd = -1;
}

// The directory that is to hold `path`, made if missing; `name` gets the last component. It is not
// the caller's to close.
static int directory_of(int root, const char* path, const char** name) {
  const char* slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : sizeof last.path;
  errno = EINVAL;
  if (length >= sizeof last.path || !slash[1]) fail("make", path);
  *name = slash + 1;
  if (last.fd >= 0 && !last.path[length] && memcmp(last.path, path, length) == 0) return last.fd;
  forget_last();
  memcpy(last.path, path, length);
  last.path[length] = 0;
  last.fd = resolve_or_make(root, length ? last.path : "/", 0);
  if (last.fd < 0) fail("find or make the directory of", path);
  return last.fd;
}

static void must_be(const struct device_spec* device, int directory, const char* name) {
  struct stat facts;
  dev_t number = makedev(device->major, device->minor);
  if (fstatat(directory, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) fail("stat", device->path);
  int same = (facts.st_mode & S_IFMT) == (device->mode & S_IFMT);
  if (same && (S_ISFIFO(facts.st_mode) || facts.st_rdev == number)) return;
  errno = EEXIST;
  fail("make device", device->path);
}

static void make_node(const struct device_spec* device, int root) {
  const char* name;
  int directory = directory_of(root, device->path, &name);
  dev_t number = makedev(device->major, device->minor);
  if (mknodat(directory, name, device->mode, number) != 0) {
    if (errno != EEXIST) fail("make device", device->path);
    must_be(device, directory, name);
  } else if ((device->uid || device->gid) &&
      fchownat(directory, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) != 0) {
    fail("give to its owner", device->path);
  }
}

void place_devices(const struct container* c, int root) {
  struct reader devices = c->devices.items, links = c->links.items;
  for (uint32_t i = 0; i < c->devices.count; i++) {
    struct device_spec device = read_device(&devices);
    make_node(&device, root);
  }
  for (uint32_t i = 0; i < c->links.count; i++) {
    const char* path = read_string(&links);
    const char* content = read_string(&links);
    const char* name;
    int directory = directory_of(root, path, &name);
    if (symlinkat(content, directory, name) != 0 && errno != EEXIST) fail("link", path);
  }
  forget_last();
}

void place_console(int root, int terminal) {
  int target = resolve_or_make(root, "/dev/console", 1);
  int shown = (int)sys_open_tree(terminal, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
  if (shown < 0) fail("clone", "the terminal");
  attach(shown, target, "/dev/console");
}
