#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../protocol.h"
#include "clock.h"
#include "connection.h"
#include "handover.h"
#include "kernel-settings.h"
#include "leaf.h"
#include "mounts.h"
#include "namespaces.h"
#include "process.h"
#include "record.h"
#include "rootless.h"
#include "rootfs.h"
#include "settings.h"
#include "sys.h"
#include "text.h"

static _Noreturn void be_container(const struct container* c, struct stdio* io) {
  const struct process* p = &c->process;
  unmask();
  setsid();
  if (entered_first()) become_its_root();
  int root = prepare_root(c);
  // The cgroups are there, and it is on disk that the program may have run.
  if (!handover.on) await_word();
  join_host_side(p);
  join_namespaces(c);
  set_sysctls(c->sysctls);
  set_labels(p);
  enter_rootfs(c, root, io);
  give_streams(io, p->owner);
  enter_user_namespace();
  run_process(p, io);
}

// The root of a container that shares its mount namespace is its process's alone.
static int open_root_of(int pidfd) {
  char path[64];
  struct text text = {path, sizeof path};
  add(&text, "/proc/");
  add_number(&text, pid_of(pidfd));
  add(&text, "/root");
  int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail("open", "the container's root");
  return root;
}

static void join_container(const struct process* p, int pidfd) {
  if (p->flags & PROCESS_ROOTLESS) return join_others(pidfd);
  int all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP_ |
      (p->flags & PROCESS_JOIN_USER ? CLONE_NEWUSER : 0);
  // Before Linux 5.6 there are no time namespaces.
  if (setns(pidfd, all | CLONE_NEWTIME_) != 0 && (errno != EINVAL || setns(pidfd, all) != 0))
    fail("join the namespaces of", "the container");
}

static _Noreturn void be_exec(const struct process* p, int pidfd, struct stdio* io) {
  unmask();
  setsid();
  if (entered_first()) become_its_root();
  join_host_side(p);
  give_streams(io, p->owner);
  // In there nobody can give up what the machine's root has.
  if (p->flags & PROCESS_KEEP_GROUPS && !(p->flags & PROCESS_ROOTLESS) && setgroups(0, 0) != 0)
    fail("give up", "supplementary groups");
  int root_of = p->flags & PROCESS_OWN_ROOT ? open_root_of(pidfd) : -1;
  join_container(p, pidfd);
  if (root_of >= 0 && (fchdir(root_of) != 0 || chroot(".") != 0))
    fail("change root to", "the container's");
  if (p->flags & PROCESS_JOIN_USER) become_its_root();
  if (io->terminal) {
    int root = open("/", O_PATH | O_CLOEXEC | O_DIRECTORY);
    open_terminal(io, root, p->columns, p->rows);
    give_streams(io, p->uid);
  }
  set_labels(p);
  run_process(p, io);
}

struct birth {
  int report[2], cgroup;
};

// Everything a child needs before it exists.
static int prepare(const struct process* p, struct birth* birth, struct launched* out,
    struct failure* failure) {
  *birth = (struct birth){{-1, -1}, -1};
  out->io = (struct stdio){{-1, -1, -1}, -1, -1, -1, 0};
  out->started = 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, birth->report) != 0)
    return failed(failure, 128, "make", "a socket pair");
  // A volume whose server is gone may hold the child for ever; it must not hold the supervisor.
  struct timeval patience = {.tv_sec = 30};
  setsockopt(birth->report[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (handover.on) given_stdio(&out->io, p->flags & PROCESS_TTY);
  else if (p->flags & PROCESS_DETACHED) out->io = (struct stdio){{0, 1, 2}, -1, -1, -1, 0};
  else if (make_stdio(&out->io, p->flags & PROCESS_TTY, p->flags & PROCESS_STDIN) != 0)
    return failed(failure, 128, "make", "pipes");
  if (*p->cgroup2) {
    birth->cgroup = open(p->cgroup2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (birth->cgroup < 0) return failed(failure, 128, "open cgroup", p->cgroup2);
  }
  return 0;
}

static long give_birth(struct birth* birth, uint64_t flags, struct launched* out) {
  int pidfd = -1;
  struct clone_arguments arguments = {
      .flags = flags | CLONE_PIDFD_, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  if (handover.on) {  // not our child but our parent's, which takes its status
    arguments.flags |= CLONE_PARENT;
    arguments.exit_signal = 0;
  }
  if (birth->cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP_;
    arguments.cgroup = (uint64_t)birth->cgroup;
  }
  long pid = sys_clone3(&arguments);
  if (pid == 0) {
    // Else it would wait for its own word when the supervisor is gone.
    close(birth->report[0]);
    report_to(birth->report[1]);
  }
  out->pid = (pid_t)pid;
  out->pidfd = pidfd;
  return pid;
}

// Whoever finds no record knows that the program did not run: the child waits for the word, and has
// nobody to wait for once this process is gone.
static int record(struct launched* out, struct failure* failure) {
  out->started = wall_clock();
  return record_start(out->pid, out->started) == 0 ? 0 : failed(failure, 128, "write", "state");
}

// Meanwhile the agent makes the cgroups.
static int begin(const struct process* p, const struct birth* birth, struct launched* out,
    struct failure* failure) {
  if (handover.on) return 0;
  if (!(p->flags & PROCESS_HELD) && record(out, failure) != 0) return -1;
  errno = ECANCELED;
  if (!may_continue(GIVEN_CONNECTION)) return failed(failure, 128, "wait for", "the cgroups");
  return let_go_on(birth->report[0]) == 0 ? 0 : failed(failure, 128, "let go on", "the new process");
}

// The child waits: until the starter's hooks have run or, held, its program is to run.
static int let_run(const struct process* p, int child, struct launched* out,
    struct failure* failure) {
  int held = p->flags & PROCESS_HELD;
  uint32_t pid = (uint32_t)out->pid;
  errno = ECANCELED;
  send_frame(&connections[0], FRAME_PREPARED, 0, &pid, sizeof pid);
  if (!may_continue(GIVEN_CONNECTION))
    return failed(failure, 128, held ? "wait to run" : "run", held ? "the program" : "the hooks");
  if (held && record(out, failure) != 0) return -1;
  return let_go_on(child) == 0 ? 0 : failed(failure, 128, "let go on", "the new process");
}

// `result`: of what came before; only 0 waits for the child.
static int finish(const struct process* p, struct birth* birth, struct launched* out, int result,
    struct failure* failure) {
  int terminal = -1;
  close(birth->report[1]);
  birth->report[1] = -1;
  if (result == 0) result = await_child(birth->report[0], failure, &terminal);
  if (result == 1) {
    result = let_run(p, birth->report[0], out, failure);
    if (result == 0) result = await_child(birth->report[0], failure, &terminal);
  }
  if (terminal >= 0 && adopt_terminal(&out->io, terminal) != 0 && result == 0)
    result = failed(failure, 128, "take over", "the terminal");
  if (result != 0) {
    sys_pidfd_send_signal(out->pidfd, SIGKILL);
    waitpid(out->pid, 0, 0);
    close(out->pidfd);
  }
  return result;
}

static int clean(struct birth* birth, struct launched* out, int result) {
  close_child_ends(&out->io);
  if (result != 0) close_our_ends(&out->io);
  for (int i = 0; i < 2; i++)
    if (birth->report[i] >= 0) close(birth->report[i]);
  if (birth->cgroup >= 0) close(birth->cgroup);
  return result;
}

int launch_container(const struct container* c, struct launched* out, struct failure* failure) {
  struct birth birth;
  uint64_t flags = 0;
  int result = prepare(&c->process, &birth, out, failure);
  if (c->process.flags & PROCESS_ROOTLESS) hand_down_oom_score(&c->process);
  if (result == 0) result = prepare_maps(c, failure);
  if (result == 0) result = prepare_namespaces(c, &flags, failure);
  if (result == 0) {
    long pid = give_birth(&birth, flags, out);
    if (pid == 0) be_container(c, &out->io);
    if (pid < 0) result = failed(failure, 128, "clone", "the container's process");
    close_child_ends(&out->io);
    if (pid > 0) {
      const struct process* p = &c->process;
      result = finish(p, &birth, out, begin(p, &birth, out, failure), failure);
    }
    if (result != 0 && out->started) forget_start();
  }
  release_maps();
  release_namespaces();
  return clean(&birth, out, result);
}

int launch_exec(const struct process* p, int container_pidfd, struct launched* out,
    struct failure* failure) {
  struct birth birth;
  int result = prepare(p, &birth, out, failure);
  if (p->flags & PROCESS_ROOTLESS) hand_down_oom_score(p);
  if (result == 0) {
    long pid = give_birth(&birth, 0, out);
    int leaf = pid < 0 && errno == EBUSY ? open_leaf(p->cgroup2, container_pidfd) : -1;
    if (leaf >= 0) {
      close(birth.cgroup);
      birth.cgroup = leaf;
      pid = give_birth(&birth, 0, out);
    }
    if (pid == 0) be_exec(p, container_pidfd, &out->io);
    if (pid < 0) result = failed(failure, 128, "clone", "a process of the container");
    close_child_ends(&out->io);
    if (pid > 0) result = finish(p, &birth, out, 0, failure);
  }
  return clean(&birth, out, result);
}
