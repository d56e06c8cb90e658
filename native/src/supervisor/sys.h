// System calls and constants that the C library or old kernel headers do not have.
#pragma once

#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/openat2.h
struct open_how_v0 {
  uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#define RESOLVE_IN_ROOT 0x10

// linux/mount.h; the GNU library has these in <sys/mount.h>, musl has not
#define AT_RECURSIVE_ 0x8000
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#define FSCONFIG_SET_FLAG 0
#define FSCONFIG_SET_STRING 1
#define FSCONFIG_CMD_CREATE 6
#define FSCONFIG_CMD_RECONFIGURE 7
#define MOUNT_ATTR_RDONLY 0x01
#define MOUNT_ATTR_NOSUID 0x02
#define MOUNT_ATTR_NODEV 0x04
#define MOUNT_ATTR_NOEXEC 0x08
#endif
#define MOUNT_ATTR_IDMAP_ 0x00100000
struct mount_attributes {
  uint64_t set, clear, propagation, userns_fd;
};

// linux/sched.h
struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};
#define CLONE_PIDFD_ 0x00001000ull
#define CLONE_INTO_CGROUP_ 0x200000000ull
#define CLONE_NEWTIME_ 0x80
#define CLONE_NEWCGROUP_ 0x02000000

static inline long sys_openat2(int dir, const char* path, struct open_how_v0* how) {
  return syscall(SYS_openat2, dir, path, how, sizeof *how);
}
static inline long sys_open_tree(int dir, const char* path, unsigned flags) {
  return syscall(SYS_open_tree, dir, path, flags);
}
static inline long sys_move_mount(int from, const char* from_path, int to, const char* to_path,
    unsigned flags) {
  return syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}
static inline long sys_fsopen(const char* type) {
  return syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */);
}
static inline long sys_fspick(int mount) {
  return syscall(SYS_fspick, mount, "", 1 | 8 /* FSPICK_CLOEXEC | FSPICK_EMPTY_PATH */);
}
static inline long sys_fsconfig(int fd, unsigned command, const char* key, const char* value) {
  return syscall(SYS_fsconfig, fd, command, key, value, 0);
}
static inline long sys_fsmount(int fd, unsigned attributes) {
  return syscall(SYS_fsmount, fd, 1 /* FSMOUNT_CLOEXEC */, attributes);
}
static inline long sys_mount_setattr(int fd, unsigned flags, struct mount_attributes* attributes) {
  return syscall(442 /* mount_setattr */, fd, "", flags, attributes, sizeof *attributes);
}
static inline long sys_clone3(struct clone_arguments* arguments) {
  return syscall(SYS_clone3, arguments, sizeof *arguments);
}
static inline long sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return syscall(436 /* close_range */, first, last, flags);
}
static inline long sys_pidfd_send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0);
}
