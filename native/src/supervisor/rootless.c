#include "rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leaf.h"
#include "sys.h"
#include "text.h"

static int entered;

int entered_first(void) { return entered; }

void be_readable(int readable) { prctl(PR_SET_DUMPABLE, readable); }

int enter_first(const char* path, struct failure* failure) {
  errno = EINVAL;
  if (!path) return failed(failure, 128, "make", "a user namespace without its maps");
  int user = open(path, O_RDONLY | O_CLOEXEC);
  if (user < 0 || setns(user, CLONE_NEWUSER) != 0) {
    failed(failure, 128, "enter the user namespace", path);
    if (user >= 0) close(user);
    return -1;
  }
  close(user);
  entered = 1;
  return 0;
}

static const struct {
  const char* name;
  int type;
} kinds[] = {
    {"mnt", CLONE_NEWNS},
    {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP_},
    {"time", CLONE_NEWTIME_},
};

// 0: they are the same, or the kernel has none of this kind.
static int differs(uint64_t pid, const char* name) {
  char path[64];
  struct text own = {path, sizeof path};
  struct stat ours, theirs;
  add(&own, "/proc/self/ns/");
  add(&own, name);
  if (stat(path, &ours) != 0) return 0;
  struct text other = {path, sizeof path};
  add(&other, "/proc/");
  add_number(&other, pid);
  add(&other, "/ns/");
  add(&other, name);
  if (stat(path, &theirs) != 0) return -1;
  return ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev;
}

int enter_those_of(int pidfd, struct failure* failure) {
  uint64_t pid = pid_of(pidfd);
  int user = differs(pid, "user");
  if (user < 0 || (user && setns(pidfd, CLONE_NEWUSER) != 0))
    return failed(failure, 128, "enter the user namespace of", "the container");
  entered = user;
  int processes = differs(pid, "pid");
  if (processes < 0 || (processes && setns(pidfd, CLONE_NEWPID) != 0))
    return failed(failure, 128, "join the pid namespace of", "the container");
  return 0;
}

void join_others(int pidfd) {
  uint64_t pid = pid_of(pidfd);
  int others = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int differ = differs(pid, kinds[i].name);
    if (differ < 0) fail("look at the namespaces of", "the container");
    if (differ) others |= kinds[i].type;
  }
  if (others && setns(pidfd, others) != 0) fail("join the namespaces of", "the container");
}
