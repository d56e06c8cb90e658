// What the agent asks.
#include <errno.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "supervisor.h"
#include "sys.h"

struct supervisor supervisor;

static void send_done(struct connection* c, uint32_t type, int number) {
  uint32_t payload[2] = {type, (uint32_t)number};
  send_frame(c, FRAME_DONE, 0, payload, sizeof payload);
}

static struct task* task_of(struct connection* c) {
  return c->kind == EXECUTED ? &c->task : &supervisor.container;
}

static int too_many_sessions(void) {
  int count = 0;
  for (int i = 0; i < CONNECTIONS; i++) {
    count += connections[i].fd >= 0 && connections[i].kind != CONTROL;
  }
  return count >= SESSIONS;
}

static void on_status(struct connection* c) {
  c->follows = 1;
  send_started(c, &supervisor.container);
  if (c->fd >= 0 && log_is_large()) send_frame(c, FRAME_LOG_LARGE, 0, 0, 0);
  if (c->fd >= 0) tell_memory(c);
  if (c->fd >= 0 && supervisor.told) send_exited(c, &supervisor.container, supervisor.oom_killed);
}

static void on_signal(struct connection* c, struct reader* r) {
  uint32_t signal = read_u32(r);
  struct task* task = task_of(c);
  int number = r->bad ? EINVAL : 0;
  // The pidfd names the process for good: no other can be hit by a reused pid.
  if (!number && sys_pidfd_send_signal(task->pidfd, (int)signal) != 0) number = errno;
  send_done(c, FRAME_SIGNAL, number);
}

static void on_resize(struct connection* c, struct reader* r) {
  uint32_t columns = read_u32(r), rows = read_u32(r);
  if (!r->bad) resize_terminal(task_of(c), columns, rows);
}

static void on_attach(struct connection* c, struct reader* r) {
  uint32_t with_stdin = read_u32(r);
  if (r->bad || too_many_sessions()) return send_done(c, FRAME_ATTACH, r->bad ? EINVAL : EBUSY);
  c->kind = ATTACHED;
  c->with_stdin = with_stdin != 0;
  uint64_t logged = log_size();
  uint32_t payload[4] = {FRAME_ATTACH, 0, (uint32_t)logged, (uint32_t)(logged >> 32)};
  send_frame(c, FRAME_DONE, 0, payload, sizeof payload);
  if (c->fd >= 0 && supervisor.told) send_exited(c, &supervisor.container, supervisor.oom_killed);
}

static void let_go(struct connection* c, const struct launched* launched) {
  struct task task;
  task_starts(&task, launched);
  send_started(c, &task);
  close_task(&task);
}

static void on_exec(struct connection* c, struct frame* frame) {
  struct process process;
  struct launched launched;
  struct failure failure;
  errno = 0;
  int good = c->kind == CONTROL && read_process(frame->payload, frame->length, &process) == 0;
  if (!good || process.flags & PROCESS_HELD) {  // nobody may keep the loop waiting
    errno = EINVAL;
  } else if (supervisor.container.exited) {
    errno = ESRCH;
  } else if (too_many_sessions()) {
    errno = EBUSY;
  }
  int result = errno ? failed(&failure, 128, "exec in", "the container")
                     : launch_exec(&process, supervisor.container.pidfd, &launched, &failure);
  if (result != 0) return send_failed(c, &failure, 0);
  if (process.flags & PROCESS_DETACHED) return let_go(c, &launched);
  c->kind = EXECUTED;
  task_starts(&c->task, &launched);
  send_started(c, &c->task);
}

// Writes what the process takes now; 0 when the frame must wait for more room in the pipe.
static int on_stdin(struct connection* c, struct frame* frame) {
  struct task* task = task_of(c);
  if (c->kind == CONTROL || (c->kind == ATTACHED && !c->with_stdin)) return 1;
  while (task->input >= 0 && c->stdin_done < frame->length) {
    ssize_t done = write(task->input, frame->payload + c->stdin_done,
        frame->length - c->stdin_done);
    if (done > 0) c->stdin_done += (size_t)done;
    else if (done < 0 && errno == EAGAIN) return 0;
    else if (done < 0 && errno != EINTR) break;  // nobody reads any more: the rest goes nowhere
  }
  c->stdin_done = 0;
  return 1;
}

static void on_stdin_end(struct connection* c) {
  struct task* task = task_of(c);
  int ends = c->kind == EXECUTED || (c->kind == ATTACHED && c->with_stdin && supervisor.stdin_once);
  if (!ends || task->input < 0) return;
  close(task->input);
  task->input = -1;
}

static void on_reopen(struct connection* c) {
  send_done(c, FRAME_REOPEN_LOG, open_log(supervisor.log, supervisor.log_limits) == 0 ? 0 : errno);
}

// 0: the frame waits.
static int handle(struct connection* c, struct frame* frame) {
  struct reader r = {.at = frame->payload, .left = frame->length};
  switch (frame->type) {
    case FRAME_STATUS: on_status(c); break;
    case FRAME_SIGNAL: on_signal(c, &r); break;
    case FRAME_RESIZE: on_resize(c, &r); break;
    case FRAME_STDIN: return on_stdin(c, frame);
    case FRAME_STDIN_END: on_stdin_end(c); break;
    case FRAME_ATTACH: on_attach(c, &r); break;
    case FRAME_EXEC: on_exec(c, frame); break;
    case FRAME_REOPEN_LOG: on_reopen(c); break;
    case FRAME_ACKNOWLEDGE: supervisor.acknowledged = supervisor.told; break;
    default: close_connection(c);
  }
  return 1;
}

void handle_frames(struct connection* c) {
  struct frame frame;
  while (c->fd >= 0 && next_frame(c, &frame) > 0) {
    c->stdin_waits = !handle(c, &frame);
    if (c->stdin_waits || c->fd < 0) return;
    drop_frame(c);
  }
}
