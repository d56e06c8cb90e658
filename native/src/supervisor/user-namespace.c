#include "user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sys.h"
#include "text.h"

// The kernel takes less than a page.
#define MAP_LIMIT 4096

static void path_in_proc(char* space, size_t size, pid_t pid, const char* name) {
  struct text text = {space, size};
  add(&text, "/proc/");
  add_number(&text, (uint64_t)pid);
  add(&text, "/");
  add(&text, name);
}

static int write_map(pid_t pid, const char* name, struct list ids) {
  static char content[MAP_LIMIT];
  char path[48];
  struct text text = {content, sizeof content};
  content[0] = 0;
  for (uint32_t i = 0; i < 3 * ids.count; i++) {
    add_number(&text, read_u32(&ids.items));
    add(&text, i % 3 == 2 ? "\n" : " ");
  }
  if (text.left <= 1) {
    errno = E2BIG;
    return -1;
  }
  path_in_proc(path, sizeof path, pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t done = write(fd, content, strlen(content));
  int reason = errno;
  close(fd);
  errno = reason;
  return done < 0 ? -1 : 0;
}

static int open_namespace(pid_t pid, const char* name) {
  char path[48];
  path_in_proc(path, sizeof path, pid, name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

static int take_owned(pid_t pid, uint64_t more, struct owned* owned) {
  if (more & CLONE_NEWNET && (owned->net = open_namespace(pid, "ns/net")) < 0) return -1;
  if (more & CLONE_NEWIPC && (owned->ipc = open_namespace(pid, "ns/ipc")) < 0) return -1;
  if (more & CLONE_NEWUTS && (owned->uts = open_namespace(pid, "ns/uts")) < 0) return -1;
  return 0;
}

static int take(pid_t pid, const struct id_maps* maps, uint64_t more, struct owned* owned) {
  if (write_map(pid, "uid_map", maps->uids) != 0 || write_map(pid, "gid_map", maps->gids) != 0 ||
      take_owned(pid, more, owned) != 0)
    return -1;
  return open_namespace(pid, "ns/user");
}

// Ends what holds the namespaces, which are held by their descriptors now; `result` with its errno.
static int let_go(int ends[2], long pid, int result) {
  int reason = errno;
  close(ends[0]);
  close(ends[1]);
  while (pid > 0 && waitpid((pid_t)pid, 0, __WALL) < 0 && errno == EINTR) continue;
  errno = reason;
  return result;
}

int make_user_namespace(const struct id_maps* maps, uint64_t more, struct owned* owned) {
  int ends[2];
  char byte;
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  // No signal at its end: it is waited for here and is nobody else's business.
  struct clone_arguments arguments = {.flags = CLONE_NEWUSER | more};
  long pid = sys_clone3(&arguments);
  if (pid == 0) {
    // Lives as long as the other end is open.
    close(ends[1]);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR) continue;
    _exit(0);
  }
  return let_go(ends, pid, pid < 0 ? -1 : take((pid_t)pid, maps, more, owned));
}

// Enters it, makes the others there, and says how that went: 0 or an errno.
static _Noreturn void hold_in(int user, uint64_t more, int socket) {
  int reason = setns(user, CLONE_NEWUSER) == 0 && unshare((int)more) == 0 ? 0 : errno;
  if (write(socket, &reason, sizeof reason) == sizeof reason)
    while (read(socket, &reason, sizeof reason) < 0 && errno == EINTR) continue;
  _exit(0);
}

static int make_in(int user, uint64_t more, struct owned* owned) {
  int ends[2];
  int reason = ECANCELED;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  struct clone_arguments arguments = {.flags = 0};
  long pid = sys_clone3(&arguments);
  if (pid == 0) {
    close(ends[0]);
    hold_in(user, more, ends[1]);
  }
  // Only the other has this end: should it die, there is an end to read.
  close(ends[1]);
  ends[1] = -1;
  ssize_t size = -1;
  if (pid > 0)
    while ((size = read(ends[0], &reason, sizeof reason)) < 0 && errno == EINTR) continue;
  if (size != -1) errno = size == sizeof reason ? reason : ECANCELED;
  int made = size == sizeof reason && reason == 0 ? take_owned((pid_t)pid, more, owned) : -1;
  return let_go(ends, pid, made);
}

int open_user_namespace(const char* path, uint64_t more, struct owned* owned) {
  int user = open(path, O_RDONLY | O_CLOEXEC);
  if (user < 0) return -1;
  int type = ioctl(user, NS_GET_NSTYPE);
  if (type == CLONE_NEWUSER && (!more || make_in(user, more, owned) == 0)) return user;
  int reason = type == CLONE_NEWUSER ? errno : EINVAL;
  close(user);
  errno = reason;
  return -1;
}
