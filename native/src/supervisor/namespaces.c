#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../protocol.h"
#include "rootless.h"
#include "sys.h"
#include "text.h"
#include "user-namespace.h"

static int user = -1;
static struct owned owned = {-1, -1, -1};

int user_namespace(void) { return user; }

static void shut(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void release_namespaces(void) {
  shut(&user);
  shut(&owned.net);
  shut(&owned.ipc);
  shut(&owned.uts);
}

static int prepare_user(const struct container* c, uint64_t* made, struct failure* failure) {
  const char* path = path_of(&c->namespaces, CLONE_NEWUSER);
  if (!path && !(c->namespaces.fresh & CLONE_NEWUSER)) return 0;
  if (c->process.flags & PROCESS_ROOTLESS) return enter_first(path, failure);
  // They belong to it, so that its root has power over them.
  *made = c->namespaces.fresh & (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
  if (path) {
    user = open_user_namespace(path, *made, &owned);
    return user < 0 ? failed(failure, 128, "join namespace", path) : 0;
  }
  user = make_user_namespace(&c->maps, *made, &owned);
  return user < 0 ? failed(failure, 128, "make", "a user namespace") : 0;
}

static const char* clock_name(uint32_t clock) { return clock == 7 ? "boottime" : "monotonic"; }

// Its children will be born in it; this process stays where it is.
static int prepare_time(const struct container* c, struct failure* failure) {
  char content[160];
  struct text text = {content, sizeof content};
  if (!(c->namespaces.fresh & CLONE_NEWTIME_)) return 0;
  if (unshare(CLONE_NEWTIME_) != 0) return failed(failure, 128, "make", "a time namespace");
  content[0] = 0;
  struct list offsets = c->time_offsets;
  for (uint32_t i = 0; i < offsets.count && i < 2; i++) {
    add(&text, clock_name(read_u32(&offsets.items)));
    int64_t seconds = (int64_t)read_u64(&offsets.items);
    add(&text, seconds < 0 ? " -" : " ");
    add_number(&text, seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds);
    add(&text, " ");
    add_number(&text, read_u32(&offsets.items));
    add(&text, "\n");
  }
  if (!content[0]) return 0;
  if (c->process.flags & PROCESS_ROOTLESS) be_readable(1);
  int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  be_readable(0);
  ssize_t done = fd < 0 ? -1 : write(fd, content, strlen(content));
  if (done < 0) failed(failure, 128, "set the offsets of", "the time namespace");
  if (fd >= 0) close(fd);
  return done < 0 ? -1 : 0;
}

static int prepare_pid(const struct container* c, struct failure* failure) {
  const char* path = path_of(&c->namespaces, CLONE_NEWPID);
  if (!path) return 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  // setns verifies the type. This process's children are born there.
  int result = fd < 0 || setns(fd, CLONE_NEWPID) != 0
      ? failed(failure, 128, "join namespace", path)
      : 0;
  if (fd >= 0) close(fd);
  return result;
}

int joins_mounts(const struct container* c) { return path_of(&c->namespaces, CLONE_NEWNS) != 0; }

int prepare_namespaces(const struct container* c, uint64_t* clone_flags, struct failure* failure) {
  uint64_t made = 0;
  if (prepare_user(c, &made, failure) != 0 || prepare_time(c, failure) != 0 ||
      prepare_pid(c, failure) != 0)
    return -1;
  uint64_t born = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  *clone_flags = (joins_mounts(c) ? 0 : CLONE_NEWNS) | (c->namespaces.fresh & born & ~made);
  return 0;
}

static void join(const struct namespaces* namespaces, int type) {
  const char* path = path_of(namespaces, (uint64_t)type);
  if (!path) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, type) != 0) fail("join namespace", path);  // it verifies the type
  close(fd);
}

static void join_owned(int fd, int type) {
  if (fd >= 0 && setns(fd, type) != 0) fail("join", "a namespace of the user namespace");
}

static void bring_loopback_up(void) {
  struct ifreq request;
  int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (socket_ < 0 || ioctl(socket_, SIOCSIFFLAGS, &request) != 0) fail("bring up", "lo");
  close(socket_);
}

void join_mounts(const struct container* c) { join(&c->namespaces, CLONE_NEWNS); }

void join_namespaces(const struct container* c) {
  const struct namespaces* namespaces = &c->namespaces;
  join(namespaces, CLONE_NEWNET);
  join(namespaces, CLONE_NEWIPC);
  join(namespaces, CLONE_NEWUTS);
  join(namespaces, CLONE_NEWCGROUP_);
  join(namespaces, CLONE_NEWTIME_);
  join_owned(owned.net, CLONE_NEWNET);
  join_owned(owned.ipc, CLONE_NEWIPC);
  join_owned(owned.uts, CLONE_NEWUTS);
  // After the cgroups were joined: they become the roots of what the container sees.
  if (namespaces->fresh & CLONE_NEWCGROUP_ && unshare(CLONE_NEWCGROUP_) != 0)
    fail("make", "a cgroup namespace");
  if (namespaces->fresh & CLONE_NEWNET) bring_loopback_up();
  if (*c->hostname && sethostname(c->hostname, strlen(c->hostname)) != 0)
    fail("set the host name", c->hostname);
  if (*c->domainname && setdomainname(c->domainname, strlen(c->domainname)) != 0)
    fail("set the domain name", c->domainname);
}

void become_its_root(void) {
  // A map need not have a root; then whoever the program is to be run as must be mapped.
  if (setresgid(0, 0, 0) != 0 && errno != EINVAL) fail("become", "the namespace's root group");
  if (setresuid(0, 0, 0) != 0 && errno != EINVAL) fail("become", "the namespace's root");
}

void enter_user_namespace(void) {
  if (user < 0) return;
  if (setns(user, CLONE_NEWUSER) != 0) fail("enter", "the user namespace");
  become_its_root();
  if (unshare(CLONE_NEWNS) != 0) fail("make", "a mount namespace");
}
