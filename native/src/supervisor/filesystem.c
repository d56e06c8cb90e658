#include "filesystem.h"

#include <errno.h>
#include <string.h>

#include "failure.h"
#include "sys.h"

// -1: it is refused to whoever asks, and `optional`.
static int refused(int fs, int optional, const char* what, const char* type) {
  if (!optional || errno != EPERM) fail(what, type);
  close(fs);
  return -1;
}

static int begin(const char* type, const char* source, int optional) {
  int fs = (int)sys_fsopen(type);
  if (fs < 0) return refused(fs, optional, "open file system", type);
  // what `mount` shows; not every kernel lets it be set
  sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", *source ? source : type);
  return fs;
}

static int end(int fs, const char* type, unsigned attributes, int optional) {
  if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0) != 0)
    return refused(fs, optional, "create file system", type);
  int mount = (int)sys_fsmount(fs, attributes);
  if (mount < 0) return refused(fs, optional, "mount file system", type);
  close(fs);
  return mount;
}

static void configure(int fs, const char* name, const char* value) {
  int command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
  if (sys_fsconfig(fs, command, name, value) != 0) fail("configure file system", name);
}

static void configure_all(int fs, struct list options) {
  for (uint32_t i = 0; i < options.count; i++) {
    const char* option = read_string(&options.items);
    const char* equals = strchr(option, '=');
    char name[256];
    size_t length = equals ? (size_t)(equals - option) : strlen(option);
    if (length >= sizeof name) {
      errno = ENAMETOOLONG;
      fail("configure file system", option);
    }
    memcpy(name, option, length);
    name[length] = 0;
    configure(fs, name, equals ? equals + 1 : 0);
  }
}

static int make(const char* type, const char* source, struct list options, unsigned attributes,
    int optional) {
  int fs = begin(type, source, optional);
  if (fs < 0) return -1;
  configure_all(fs, options);
  return end(fs, type, attributes, optional);
}

int make_filesystem(const char* type, const char* source, struct list options,
    unsigned attributes) {
  return make(type, source, options, attributes, 0);
}

int try_filesystem(const char* type, const char* source, struct list options,
    unsigned attributes) {
  return make(type, source, options, attributes, 1);
}

void change_filesystem(int mount, const char* path, struct list options) {
  if (options.count == 0) return;
  int fs = (int)sys_fspick(mount);
  if (fs < 0) fail("open the file system on", path);
  configure_all(fs, options);
  if (sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, 0, 0) != 0)
    fail("change the file system on", path);
  close(fs);
}

int make_known_filesystem(const char* type, const char* const* options, unsigned attributes) {
  int fs = begin(type, type, 0);
  for (; *options; options += 2) configure(fs, options[0], options[1]);
  return end(fs, type, attributes, 0);
}
