// The first process of a container that asked for one: starts the program, hands signals on to it,
// waits for the orphans it leaves, and ends as it ends.
//
//   init PROGRAM [ARGUMENT...]
//   init                          starts nothing: keeps a process namespace and waits for orphans
//
// It takes no memory and opens nothing.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t program;

static void say(const char* text) {
  if (write(2, text, strlen(text)) < 0) return;
}

static _Noreturn void run(char** arguments, const sigset_t* before) {
  // Of a process group of its own, in front of the terminal if there is one: what is typed reaches
  // it once.
  setpgid(0, 0);
  tcsetpgrp(0, getpid());
  sigprocmask(SIG_SETMASK, before, 0);
  execvp(arguments[0], arguments);
  int reason = errno;
  say("init: ");
  say(arguments[0]);
  say(reason == ENOENT ? ": not found\n" : ": cannot be executed\n");
  _exit(reason == ENOENT ? 127 : 126);
}

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != program) continue;
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

int main(int count, char** arguments) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  if (count > 1) program = fork();
  if (program < 0) return 126;
  if (count > 1 && program == 0) run(arguments + 1, &before);
  for (;;) {
    int number = sigwaitinfo(&all, 0);
    if (number == SIGCHLD) reap();
    else if (number > 0 && program) kill(program, number);
  }
}
