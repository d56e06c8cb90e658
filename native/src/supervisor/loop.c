// The one loop: waits for everything at once, never for one thing.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "record.h"
#include "supervisor.h"

// An attached client that takes nothing for this long is dropped: until then it slows the container
// down, as a terminal would; after the container's end it may only delay the record of it a little.
#define STALL_MS 10000
#define STALL_AT_END_MS 500

#define WATCHES (5 + CONNECTIONS * 4)
typedef void ready(struct connection* c);
static struct pollfd set[WATCHES];
static struct {
  ready* call;
  struct connection* connection;
  int always;
} watches[WATCHES];
static int count, listener_fd, signals_fd;
static char chunk[CHUNK];

static void watch(int fd, short events, ready* call, struct connection* c, int always) {
  if (fd < 0 && !always) return;
  set[count] = (struct pollfd){.fd = fd, .events = events};
  watches[count].call = call;
  watches[count].connection = c;
  watches[count].always = always;
  count++;
}

static void reap(struct connection* none) {
  (void)none;
  struct signalfd_siginfo ignored;
  while (read(signals_fd, &ignored, sizeof ignored) > 0) continue;
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;) {
    if (pid == supervisor.container.pid) task_ends(&supervisor.container, status);
    for (int i = 0; i < CONNECTIONS; i++) {
      struct connection* c = &connections[i];
      if (c->fd >= 0 && c->kind == EXECUTED && c->task.pid == pid) task_ends(&c->task, status);
    }
  }
}

static void container_stream(int stream) {
  size_t length = read_output(&supervisor.container, stream, chunk);
  if (!length) return;
  write_log(stream, chunk, length);
  int large = log_became_large();
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd >= 0 && c->kind == ATTACHED)
      send_frame(c, FRAME_OUTPUT, (uint8_t)stream, chunk, length);
    if (large && c->fd >= 0 && c->follows) send_frame(c, FRAME_LOG_LARGE, 0, 0, 0);
  }
}

static void container_output(struct connection* none) {
  (void)none;
  if (supervisor.container.output >= 0) container_stream(1);
}

static void container_error(struct connection* none) {
  (void)none;
  if (supervisor.container.error >= 0) container_stream(2);
}

static void exec_stream(struct connection* c, int stream) {
  if (c->fd < 0 || !is_flushed(c) || (stream == 1 ? c->task.output : c->task.error) < 0) return;
  size_t length = read_output(&c->task, stream, chunk);
  if (length) send_frame(c, FRAME_OUTPUT, (uint8_t)stream, chunk, length);
}

static void exec_output(struct connection* c) { exec_stream(c, 1); }
static void exec_error(struct connection* c) { exec_stream(c, 2); }

static void incoming(struct connection* c) {
  if (c->fd >= 0 && receive(c) == 0) handle_frames(c);
}

static void outgoing(struct connection* c) {
  if (c->fd >= 0) flush_connection(c);
}

static void stdin_ready(struct connection* c) {
  if (c->fd >= 0 && c->stdin_waits) handle_frames(c);
}

static void hang_up(struct connection* c) {
  if (c->fd >= 0) close_connection(c);
}

static int is_ours(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void welcome(struct connection* none) {
  (void)none;
  // All that wait, as long as there is room: the others stay in the socket's queue.
  while (has_free_connection()) {
    int fd = accept4(listener_fd, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (!is_ours(fd) || !open_connection(fd)) close(fd);
  }
}

static int attached_are_flushed(void) {
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd >= 0 && c->kind == ATTACHED && !is_flushed(c)) return 0;
  }
  return 1;
}

static void drop_stalled(uint64_t now) {
  uint64_t limit = supervisor.container.exited ? STALL_AT_END_MS : STALL_MS;
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    // An exec'ed program may wait for its reader for ever, but not keep an ended container from
    // being cleared away.
    if (c->fd < 0 || is_flushed(c)) continue;
    if (c->kind == EXECUTED && !supervisor.container.exited) continue;
    if (!c->stalled_since) c->stalled_since = now;
    else if (now - c->stalled_since > limit) close_connection(c);
  }
}

static void watch_connection(struct connection* c) {
  // While its input waits for the process, only the end of the connection is of interest (POLLHUP
  // comes unasked).
  if (c->stdin_waits) watch(c->fd, 0, hang_up, c, 0);
  else watch(c->fd, POLLIN, incoming, c, 0);
  if (!is_flushed(c)) watch(c->fd, POLLOUT, outgoing, c, 0);
  struct task* task = c->kind == EXECUTED ? &c->task : &supervisor.container;
  if (c->stdin_waits) watch(task->input, POLLOUT, stdin_ready, c, task->input < 0);
  if (c->kind != EXECUTED || !is_flushed(c)) return;
  watch(c->task.output, POLLIN, exec_output, c, c->task.exited && c->task.output >= 0);
  watch(c->task.error, POLLIN, exec_error, c, c->task.exited && c->task.error >= 0);
}

static void watch_all(void) {
  count = 0;
  watch(signals_fd, POLLIN, reap, 0, 0);
  if (attached_are_flushed()) {
    struct task* container = &supervisor.container;
    watch(container->output, POLLIN, container_output, 0,
        container->exited && container->output >= 0);
    watch(container->error, POLLIN, container_error, 0, container->exited && container->error >= 0);
  }
  short memory_events;
  int memory = memory_fd(&memory_events);
  watch(memory, memory_events, look_at_memory, 0, 0);
  for (int i = 0; i < CONNECTIONS; i++) {
    if (connections[i].fd >= 0) watch_connection(&connections[i]);
  }
  if (has_free_connection()) watch(listener_fd, POLLIN, welcome, 0, 0);
}

static void tell_exits(void) {
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd < 0 || c->kind != EXECUTED || c->told || !task_is_over(&c->task)) continue;
    c->told = 1;
    send_exited(c, &c->task, 0);
  }
  if (supervisor.told || !task_is_over(&supervisor.container)) return;
  struct task* container = &supervisor.container;
  finish_log();
  forget_memory();
  supervisor.oom_killed = container->code != 0 && count_oom_kills(supervisor.oom) > 0;
  supervisor.recorded = record_exit(container, supervisor.oom_killed) == 0;
  supervisor.told = 1;
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd >= 0 && c->kind != EXECUTED) send_exited(c, container, supervisor.oom_killed);
  }
}

static int is_finished(void) {
  if (!supervisor.told) return 0;
  int open = 0, owed = 0;
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd < 0) continue;
    open = 1;
    owed |= !is_flushed(c) || (c->kind == EXECUTED && !c->told);
  }
  return supervisor.acknowledged ? !owed : supervisor.recorded && !open;
}

void serve(int listener, int signals) {
  listener_fd = listener;
  signals_fd = signals;
  watch_memory(supervisor.oom);
  for (;;) {
    tell_exits();
    if (is_finished()) return;
    watch_all();
    int hurry = 0;
    for (int i = 0; i < count; i++) hurry |= watches[i].always;
    int timeout = attached_are_flushed() && !supervisor.container.exited ? -1 : STALL_AT_END_MS;
    if (memory_is_due() >= 0) timeout = memory_is_due();
    if (poll(set, (nfds_t)count, hurry ? 0 : timeout) < 0 && errno != EINTR) return;
    for (int i = 0; i < count; i++)
      if (set[i].revents || watches[i].always) watches[i].call(watches[i].connection);
    if (memory_is_due() >= 0) look_at_memory(0);
    drop_stalled(steady_clock_ms());
  }
}
