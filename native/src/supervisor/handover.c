#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../protocol.h"
#include "rootless.h"
#include "supervisor.h"
#include "sys.h"

#define MOST_PRESERVED 1024

struct handover handover;

int read_handover(char* message, size_t length) {
  struct reader r = {.at = message, .left = length};
  handover.flags = read_u32(&r);
  handover.preserved = read_u32(&r);
  handover.on = 1;
  return r.bad || handover.preserved > MOST_PRESERVED ? -1 : 0;
}

void given_stdio(struct stdio* io, int terminal) {
  *io = (struct stdio){{-1, -1, -1}, -1, -1, -1, terminal};
  for (int i = 0; i < 3 && !terminal; i++) io->child[i] = GIVEN_STDIO + i;
  if (handover.flags & HANDOVER_CONSOLE) send_terminals_to(GIVEN_CONSOLE);
}

static int above_all(int fd) {
  int lifted = fcntl(fd, F_DUPFD_CLOEXEC, GIVEN_PRESERVED + (int)handover.preserved);
  if (lifted < 0) fail("keep", "a descriptor");
  return lifted;
}

// Beside the way to report: the gate, or who wants the listener.
static int extra(void) { return handover.flags & HANDOVER_GATE ? GIVEN_GATE : GIVEN_NOTIFY; }

// Really closed, not only marked: until the execve a path could lead through them (CVE-2024-21626).
void close_all_but_preserved(void) {
  int first = 3 + (int)handover.preserved;
  int report = above_all(reports_go_to());
  int beside = above_all(extra());
  for (int i = 0; i < (int)handover.preserved; i++)
    if (dup2(GIVEN_PRESERVED + i, 3 + i) < 0) fail("preserve", "a descriptor");
  if (dup3(report, first, O_CLOEXEC) < 0) fail("keep", "the way to report");
  report_to(first);
  if (dup3(beside, first + 1, O_CLOEXEC) < 0) fail("keep", "the gate");
  if (sys_close_range((unsigned)first + 2, ~0u, 0) != 0)
    fail("close", "the host's descriptors");
}

void wait_for_hooks(void) {
  if (handover.flags & HANDOVER_HOOKS) wait_for_word();
}

void wait_at_gate(void) {
  if (!(handover.flags & HANDOVER_GATE)) return;
  int gate = reports_go_to() + 1;
  struct timeval patience = {.tv_sec = 5};
  char byte;
  close(reports_go_to());
  for (;;) {
    int starter = accept4(gate, 0, 0, SOCK_CLOEXEC);
    if (starter < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (starter < 0) _exit(128);
    report_to(starter);
    setsockopt(starter, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    // Who says nothing only looked whether the container waits.
    if (recv(starter, &byte, 1, 0) == 1) break;
    close(starter);
  }
  close(gate);
}

void give_listener(int listener) {
  if (listener < 0) return;
  int gate = handover.flags & HANDOVER_GATE;
  // The starter's connection has taken the place of the gate's reports.
  send_descriptor(gate ? reports_go_to() : reports_go_to() + 1, 'L', listener, "the listener");
}

static int launch(char* order, size_t length, struct launched* out, struct failure* failure) {
  struct container container;
  struct process process;
  errno = EINVAL;
  if (!(handover.flags & HANDOVER_EXEC)) {
    if (read_container(order, length, &container) != 0)
      return failed(failure, 128, "read", "the spec");
    return launch_container(&container, out, failure);
  }
  if (read_process(order, length, &process) != 0) return failed(failure, 128, "read", "the spec");
  // This process's children are born in the container's pid namespace.
  if (process.flags & PROCESS_ROOTLESS) {
    if (enter_those_of(GIVEN_PIDFD, failure) != 0) return -1;
  } else if (setns(GIVEN_PIDFD, CLONE_NEWPID) != 0)
    return failed(failure, 128, "join the pid namespace of", "the container");
  return launch_exec(&process, GIVEN_PIDFD, out, failure);
}

int hand_over(struct connection* starter, char* order, size_t length) {
  struct launched launched = {.pid = 0};
  struct failure failure;
  struct task task;
  if (launch(order, length, &launched, &failure) != 0) {
    send_failed(starter, &failure, launched.pid);
    return 1;
  }
  task_starts(&task, &launched);
  send_started(starter, &task);
  return 0;
}
