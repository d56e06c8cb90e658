#include "kernel-settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "failure.h"
#include "filesystem.h"
#include "sys.h"
#include "text.h"

#define PROC_SUPER_MAGIC 0x9fa0
#define PROC_ROOT_INODE 1

static const unsigned restricted = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

static int private_proc(void) {
  return make_filesystem("proc", "proc", (struct list){.count = 0}, restricted);
}

// The one that the starter has, where a user namespace gets none of its own: kernel parameters are
// those of who opens them, and what lies over them there is not written to.
static int starters_proc(void) {
  struct statfs filesystem;
  struct stat facts;
  int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (proc < 0 || fstatfs(proc, &filesystem) != 0 || fstat(proc, &facts) != 0) fail("open", "/proc");
  if (filesystem.f_type == PROC_SUPER_MAGIC && facts.st_ino == PROC_ROOT_INODE) return proc;
  errno = ENODEV;
  fail("recognise", "/proc");
}

static int proc_for_sysctls(void) {
  int proc = try_filesystem("proc", "proc", (struct list){.count = 0}, restricted);
  return proc < 0 ? starters_proc() : proc;
}

static int write_setting(int proc, const char* path, const char* value) {
  struct open_how_v0 how = {
      .flags = O_WRONLY | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  int fd = (int)sys_openat2(proc, path, &how);
  if (fd < 0) return -1;
  ssize_t done = write(fd, value, strlen(value));
  int reason = errno;
  close(fd);
  errno = reason;
  return done < 0 ? -1 : 0;
}

void set_sysctls(struct list sysctls) {
  if (sysctls.count == 0) return;
  int proc = proc_for_sysctls();
  for (uint32_t i = 0; i < sysctls.count; i++) {
    const char* name = read_string(&sysctls.items);
    const char* value = read_string(&sysctls.items);
    char path[512];
    struct text text = {path, sizeof path};
    add(&text, "sys/");
    add(&text, name);
    if (write_setting(proc, path, value) != 0) fail("set sysctl", name);
  }
  close(proc);
}

static void set_label(int proc, const char* attribute, const char* before, const char* label) {
  char path[64], content[4096];
  struct text text = {path, sizeof path}, value = {content, sizeof content};
  if (!*label) return;
  add_number(&text, (uint64_t)getpid());
  add(&text, attribute);
  add(&value, before);
  add(&value, label);
  if (write_setting(proc, path, content) != 0) fail("set label", label);
}

void set_labels(const struct process* p) {
  if (!*p->apparmor && !*p->selinux) return;
  int proc = private_proc();
  set_label(proc, "/attr/apparmor/exec", "exec ", p->apparmor);
  set_label(proc, "/attr/exec", "", p->selinux);
  close(proc);
}
