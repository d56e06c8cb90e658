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

// The directory that is to hold `path`, made if missing; `name` gets the last component.
static int directory_of(int root, const char* path, const char** name) {
  char parent[PATH_MAX];
  const char* slash = strrchr(path, '/');
  errno = EINVAL;
  if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof parent) fail("make", path);
  *name = slash + 1;
  memcpy(parent, path, (size_t)(slash - path));
  parent[slash - path] = 0;
  int directory = resolve_or_make(root, *parent ? parent : "/", 0);
  if (directory < 0) fail("find or make the directory of", path);
  return directory;
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
  close(directory);
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
    close(directory);
  }
}

void place_console(int root, int terminal) {
  int target = resolve_or_make(root, "/dev/console", 1);
  int shown = (int)sys_open_tree(terminal, "", OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH);
  if (shown < 0) fail("clone", "the terminal");
  attach(shown, target, "/dev/console");
}
