// Stands between a program and the C library, and lets it die before its call number N that changes the machine, or lets
// that call fail. Preloaded, or linked in front of the library.
//
// Without a program's help: making the directory `<anything>/arm-kill-N` or `<anything>/arm-fail-N` begins to count,
// `<anything>/disarm` ends it; none of them is made. Each call that is counted is written to descriptor 9, if that is open,
// as `number call path`. A supervisor, which gets no environment, is told by the file ../../fail-at.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

// Shared with children, so that a number is one call of one of them.
static struct state {
  atomic_int armed, count;
  int at, kills;
} own, *state = &own;

__attribute__((constructor)) static void begin(void) {
  char text[32] = "";
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "../../fail-at", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (read(fd, text, sizeof text - 1) > 0) {
    state = mmap(0, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    state->at = atoi(text);
    state->kills = 1;
    state->armed = 1;
  }
  close(fd);
}

// 1: this call is to fail.
static int point(const char* call, const char* path) {
  if (!state->armed) return 0;
  int number = atomic_fetch_add(&state->count, 1);
  char line[600];
  int length = snprintf(line, sizeof line, "%d %s %.400s\n", number, call, path ? path : "");
  if (fcntl(9, F_GETFD) >= 0) syscall(SYS_write, 9, line, (size_t)length);
  if (number != state->at) return 0;
  if (state->kills) {
    syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
    syscall(SYS_exit_group, 137);  // the first process of a namespace does not take SIGKILL from itself
  }
  errno = EIO;
  return 1;
}

static int order(const char* path) {
  const char* name = strrchr(path, '/');
  if (!name) return 0;
  if (strcmp(name, "/disarm") == 0) {
    state->armed = 0;
    return 1;
  }
  int kills = strncmp(name, "/arm-kill-", 10) == 0;
  if (!kills && strncmp(name, "/arm-fail-", 10) != 0) return 0;
  state->at = atoi(name + 10);
  state->kills = kills;
  state->count = 0;
  return state->armed = 1;
}

#define REAL(name) \
  static __typeof__(name)* real; \
  if (!real) real = (__typeof__(name)*)dlsym(RTLD_NEXT, #name)

int mkdir(const char* path, mode_t mode) {
  REAL(mkdir);
  if (order(path)) return 0;
  return point("mkdir", path) ? -1 : real(path, mode);
}

#define ON_PATH(name, path, parameters, arguments) \
  int name parameters { \
    REAL(name); \
    return point(#name, path) ? -1 : real arguments; \
  }
ON_PATH(rmdir, path, (const char* path), (path))
ON_PATH(unlink, path, (const char* path), (path))
ON_PATH(unlinkat, path, (int dir, const char* path, int flags), (dir, path, flags))
ON_PATH(rename, to, (const char* from, const char* to), (from, to))
ON_PATH(symlink, path, (const char* to, const char* path), (to, path))
ON_PATH(umount2, path, (const char* path, int flags), (path, flags))
ON_PATH(unshare, 0, (int flags), (flags))
ON_PATH(setns, 0, (int fd, int type), (fd, type))
ON_PATH(bind, 0, (int fd, const struct sockaddr* to, socklen_t size), (fd, to, size))
ON_PATH(listen, 0, (int fd, int most), (fd, most))
ON_PATH(mount, target,
    (const char* source, const char* target, const char* type, unsigned long flags, const void* more),
    (source, target, type, flags, more))

ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const struct sockaddr* to, socklen_t length) {
  REAL(sendto);
  return point("sendto", 0) ? -1 : real(fd, bytes, size, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  return point("sendmsg", 0) ? -1 : real(fd, message, flags);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  REAL(send);
  return point("send", 0) ? -1 : real(fd, bytes, size, flags);
}

int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
    const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[]) {
  REAL(posix_spawn);
  if (point("posix_spawn", path)) return EIO;
  return real(pid, path, actions, attributes, arguments, environment);
}

static int opens(const char* call, const char* path, int flags) {
  return (flags & (O_CREAT | O_WRONLY | O_RDWR)) && strncmp(path, "/dev/", 5) != 0 && point(call, path);
}
#define OPEN(name) \
  int name(const char* path, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return opens(#name, path, flags) ? -1 : real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#ifdef SUPERVISOR
// What the supervisor calls by number: mounts, clone, pidfds.
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list rest;
  long a[6];
  va_start(rest, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  int counts = number != SYS_write && number != SYS_kill && number != SYS_getpid && number != SYS_exit_group &&
      number != SYS_openat && number != SYS_rt_sigaction;
  if (counts && point("syscall", 0)) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
ON_PATH(chdir, path, (const char* path), (path))
ON_PATH(mkdirat, path, (int dir, const char* path, mode_t mode), (dir, path, mode))
#endif
