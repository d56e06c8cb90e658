#include "task.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

void task_starts(struct task* task, const struct launched* launched) {
  *task = (struct task){
      .pid = launched->pid,
      .pidfd = launched->pidfd,
      .input = launched->io.input,
      .output = launched->io.output,
      .error = launched->io.error,
      .started = launched->started ? launched->started : wall_clock(),
  };
}

void task_ends(struct task* task, int status) {
  task->exited = 1;
  task->finished = wall_clock();
  task->signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
  task->code = WIFSIGNALED(status) ? 128u + task->signal : (uint32_t)WEXITSTATUS(status);
}

static void shut(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

size_t read_output(struct task* task, int stream, char* chunk) {
  int* fd = stream == 1 ? &task->output : &task->error;
  ssize_t got = read(*fd, chunk, CHUNK);
  if (got > 0) return (size_t)got;
  if (got < 0 && errno == EINTR) return 0;
  // A terminal's master says EIO when nobody has the other end open.
  if (got == 0 || errno != EAGAIN || task->exited) shut(fd);
  return 0;
}

int task_is_over(const struct task* task) { return task->exited && task->output < 0 &&
    task->error < 0; }

void resize_terminal(struct task* task, uint32_t columns, uint32_t rows) {
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  if (task->output >= 0) ioctl(task->output, TIOCSWINSZ, &size);
}

void close_task(struct task* task) {
  shut(&task->input);
  shut(&task->output);
  shut(&task->error);
  shut(&task->pidfd);
  task->pid = 0;
}
