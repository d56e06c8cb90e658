// The supervisor: the parent of one container. It is started by the agent and outlives it.
//
// Descriptors it is given: 0, 1, 2 /dev/null; 3 a connection to the agent, on which the spec comes;
// 4 the listening control socket. Its working directory is the container's state directory. One that
// was started beforehand gets the last two later (assignment.h). It takes no memory after its start.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "assignment.h"
#include "handover.h"
#include "log.h"
#include "supervisor.h"
#include "sys.h"

#define AGENT 3
#define LISTENER 4

// Once for all processes to come, which are copies of this one: whatever the agent ignores.
static void reset_signals(void) {
  // The kernel's own call and struct: the C library keeps 32 to 34 for itself and leaves them
  // ignored.
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } action = {SIG_DFL, 0, 0, 0};
  for (int i = 1; i < 65; i++) syscall(SYS_rt_sigaction, i, &action, 0, sizeof action.mask);
}

static void become_supervisor(void) {
  setsid();
  reset_signals();
  // The thread that spawned it is of the batch class (pool.cc); the container is not to be.
  struct sched_param none = {0};
  syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);  // musl's own refuses
  prctl(PR_SET_NAME, "bay-supervisor");
  // The container must not reach this process's memory or descriptors while a child of it is not
  // yet its own program.
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  fcntl(AGENT, F_SETFD, FD_CLOEXEC);
  fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
  sigset_t all;
  sigfillset(&all);
  // nothing but SIGKILL ends it: a container's parent does not leave
  sigprocmask(SIG_BLOCK, &all, 0);
}

static int watch_children(void) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int read_all(char* at, size_t length) {
  while (length > 0) {
    ssize_t got = read(AGENT, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    at += got;
    length -= (size_t)got;
  }
  return 0;
}

// The spec lives in a mapping of its own, given back once the container runs.
static char* read_spec(char* name, size_t* length, uint32_t* magic) {
  uint32_t header[2];
  if (read_first(AGENT, header, sizeof header) != 0) return 0;
  if (header[0] == SPARE_MAGIC && (become_assigned(AGENT, name, header[1]) != 0 ||
      read_all((char*)header, sizeof header) != 0))
    return 0;
  *magic = header[0];
  if ((*magic != SPEC_MAGIC && *magic != HANDOVER_MAGIC) || header[1] > SPEC_LIMIT) return 0;
  *length = header[1];
  char* spec = mmap(0, *length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return spec == MAP_FAILED || read_all(spec, *length) != 0 ? 0 : spec;
}

static int keep_path(char* to, const char* from) {
  if (strlen(from) >= sizeof supervisor.log) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(to, from);
  return 0;
}

static int start(const struct container* c, struct failure* failure) {
  struct launched launched;
  if (keep_path(supervisor.log, c->log) != 0 || keep_path(supervisor.oom, c->oom) != 0 ||
      open_log(c->log, c->log_limits) != 0)
    return failed(failure, 128, "open log", c->log);
  if (launch_container(c, &launched, failure) != 0) return -1;
  task_starts(&supervisor.container, &launched);
  supervisor.log_limits = c->log_limits;
  supervisor.stdin_once = (c->flags & CONTAINER_STDIN_ONCE) != 0;
  // From now on this process's children are born in the container's pid namespace.
  if (c->namespaces.fresh & CLONE_NEWPID) setns(launched.pidfd, CLONE_NEWPID);
  return 0;
}

static int start_for_other(struct connection* starter, char* order, size_t length) {
  if (read_handover(order, length) != 0) return 1;
  sys_close_range(GIVEN_PRESERVED + handover.preserved, ~0u, 0);
  return hand_over(starter, order + 8, length - 8);
}

int main(int count, char** arguments) {
  struct container container;
  struct failure failure;
  size_t length = 0;
  uint32_t magic = 0;
  become_supervisor();
  char* spec = read_spec(count > 1 ? arguments[1] : 0, &length, &magic);
  // started by nobody we know, or the agent died before it had said what it wants
  if (!spec) return 1;
  forget_connections();
  struct connection* agent = open_connection(AGENT);
  if (magic == HANDOVER_MAGIC) return start_for_other(agent, spec, length);
  fcntl(LISTENER, F_SETFL, O_RDWR | O_NONBLOCK);
  sys_close_range(LISTENER + 1, ~0u, 0);
  int signals = watch_children();  // after everything above was closed
  errno = EINVAL;
  int result = read_container(spec, length, &container) != 0
      ? failed(&failure, 128, "read", "the spec")
                                                             : start(&container, &failure);
  munmap(spec, length + 1);
  if (result != 0) {
    send_failed(agent, &failure, 0);
    return 1;
  }
  agent->follows = 1;
  send_started(agent, &supervisor.container);
  serve(LISTENER, signals);
  return 0;
}
