// What `bay up` becomes while nothing happens: a few KiB that wait for the end of a child or for a signal, then become the
// program that knows what to do about it. Children stay children: the process is the same.
//
//   lookout PIPE PROGRAM ARGUMENT...   execs PROGRAM ARGUMENT... EVENT
//
// PIPE is a descriptor that holds signals which came while the process changed over, a byte each.
// EVENT is `signal:NUMBER` or `ended:PID:CODE` (128 + the signal's number if a signal ended it).
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char event[64];

static int child_ended(void) {
  int status;
  pid_t pid = waitpid(-1, &status, WNOHANG);
  if (pid <= 0) return 0;
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  snprintf(event, sizeof event, "ended:%d:%d", (int)pid, code);
  return 1;
}

static int signal_came(int number) {
  snprintf(event, sizeof event, "signal:%d", number);
  return 1;
}

// Signals that arrived while no program was there to take them.
static int signal_was_kept(int pipe) {
  unsigned char number;
  return read(pipe, &number, 1) == 1 && signal_came(number);
}

int main(int count, char** arguments) {
  if (count < 3) return 2;
  int pipe = atoi(arguments[1]);
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGHUP);
  sigprocmask(SIG_SETMASK, &awaited, 0);
  // Each is taken once, the oldest first; what comes while we become the other program waits for the next turn.
  int happened = signal_was_kept(pipe) || child_ended();
  while (!happened) {
    int number = sigwaitinfo(&awaited, 0);
    if (number == SIGCHLD) happened = child_ended();
    else if (number > 0) happened = signal_came(number);
    else if (errno != EINTR) return 1;
  }
  close(pipe);
  char* next[64];
  int used = 0;
  for (int i = 2; i < count && used < 62; i++) next[used++] = arguments[i];
  next[used++] = event;
  next[used] = 0;
  sigemptyset(&awaited);
  sigprocmask(SIG_SETMASK, &awaited, 0);
  execv(next[0], next);
  return 127;
}
