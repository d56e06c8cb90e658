#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../protocol.h"
#include "failure.h"
#include "handover.h"
#include "landlock.h"
#include "privileges.h"
#include "rootless.h"
#include "sys.h"
#include "text.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void unmask(void) {
  uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  umask(0);
}

static void make_directories(const char* path) {
  char prefix[4096];
  struct text text = {prefix, sizeof prefix};
  add(&text, path);
  for (char* at = prefix + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    mkdir(prefix, 0755);
    *at = '/';
  }
  mkdir(prefix, 0755);
}

// Root may enter where the user may not, and the other way round on network file systems: either
// will do.
static int enter_cwd(const char* cwd, int may_be_denied) {
  if (chdir(cwd) != 0) {
    if (errno == EACCES && may_be_denied) return 0;
    fail("enter working directory", cwd);
  }
  // A directory outside the root (reached by a leaked descriptor, CVE-2024-21626) shows as
  // "(unreachable)/...".
  char where[4096];
  if (syscall(SYS_getcwd, where, sizeof where) < 0 || where[0] != '/') {
    errno = EPERM;
    fail("stay inside the container in", cwd);
  }
  return 1;
}

static const char* search_path(char* const* environment) {
  for (; *environment; environment++)
    if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  return DEFAULT_PATH;
}

static _Noreturn void not_run(int number, const char* name) {
  errno = number;
  if (number == ENOENT || number == ENOTDIR) fail_with(127, "find the program", name);
  if (number == EACCES || number == EISDIR || number == ENOEXEC || number == EPERM)
    fail_with(126, "execute", name);
  fail("execute", name);
}

typedef int attempt(const char* path, char* const* arguments, char* const* environment);

static int look(const char* path, char* const* arguments, char* const* environment) {
  (void)arguments, (void)environment;
  struct stat facts;
  if (stat(path, &facts) != 0 || access(path, X_OK) != 0) return -1;
  errno = EACCES;
  return S_ISREG(facts.st_mode) ? 0 : -1;
}

// As execvp(3) finds programs; returns when an attempt succeeds.
static void for_program(attempt* attempt, char* const* arguments, char* const* environment) {
  const char* name = arguments[0];
  if (strchr(name, '/') || !*name) {
    if (attempt(name, arguments, environment) == 0) return;
    not_run(errno, name);
  }
  int reason = ENOENT;
  for (const char* at = search_path(environment);;) {
    size_t length = strcspn(at, ":");
    char path[4096];
    if (length + strlen(name) + 2 < sizeof path) {
      memcpy(path, at, length);
      struct text text = {path + length, sizeof path - length};
      if (length) add(&text, "/");
      add(&text, name);
      if (attempt(path, arguments, environment) == 0) return;
      if (errno != ENOENT && errno != ENOTDIR) reason = errno;
    }
    if (!at[length]) not_run(reason, name);
    at += length + 1;
  }
}

static char** strings(struct list list) {
  size_t size = (list.count + 1) * sizeof(char*);
  char** array = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (array == MAP_FAILED || string_array(list, array, list.count + 1) != 0)
    fail("keep", "arguments");
  return array;
}

_Noreturn void run_process(const struct process* p, struct stdio* io) {
  char** arguments = strings(p->arguments);
  char** environment = strings(p->environment);
  install_stdio(io);
  if (handover.on) close_all_but_preserved();
  else close_all_but_report();
  if (p->flags & PROCESS_MAKE_CWD) make_directories(p->cwd);
  int entered = enter_cwd(p->cwd, 1);
  int ruleset = make_ruleset(p);
  drop_privileges(p);
  if (!entered) enter_cwd(p->cwd, 0);
  umask(p->umask);
  if (handover.on && !(handover.flags & HANDOVER_IDLE)) for_program(look, arguments, environment);
  // Nothing of the host's is left to be seen: whoever owns the container may join it from now on.
  if (p->flags & PROCESS_ROOTLESS && handover.flags & HANDOVER_GATE) be_readable(1);
  if (handover.on) wait_at_gate();
  if (p->flags & PROCESS_HELD) wait_for_word();
  restrict_to(ruleset);
  give_listener(start_filter(p));
  for_program(execve, arguments, environment);
  _exit(128);
}
