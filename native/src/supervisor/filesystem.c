#include "filesystem.h"

#include <errno.h>
#include <string.h>

#include "failure.h"
#include "sys.h"

static int begin(const char* type, const char* source) {
  int fs = (int)sys_fsopen(type);
  if (fs < 0) fail("open file system", type);
  // what `mount` shows; not every kernel lets it be set
  sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", *source ? source : type);
  return fs;
}

static int end(int fs, const char* type, unsigned attributes) {
  if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0) != 0) fail("create file system", type);
  int mount = (int)sys_fsmount(fs, attributes);
  if (mount < 0) fail("mount file system", type);
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

int make_filesystem(const char* type, const char* source, struct list options,
    unsigned attributes) {
  int fs = begin(type, source);
  configure_all(fs, options);
  return end(fs, type, attributes);
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
  int fs = begin(type, type);
  for (; *options; options += 2) configure(fs, options[0], options[1]);
  return end(fs, type, attributes);
}
