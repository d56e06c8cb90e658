#include "record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../protocol.h"
#include "text.h"

static int replace(const char* name, const char* temporary, const char* content) {
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  size_t length = strlen(content);
  int whole = write(fd, content, length) == (ssize_t)length;
  close(fd);
  return whole ? rename(temporary, name) : -1;
}

static void field(struct text* text, const char* name, uint64_t value) {
  add(text, "\"");
  add(text, name);
  add(text, "\":");
  add_number(text, value);
}

// Nanoseconds do not fit a JSON number's 53 bits.
static void time_field(struct text* text, const char* name, uint64_t nanoseconds) {
  add(text, ",\"");
  add(text, name);
  add(text, "\":\"");
  add_number(text, nanoseconds);
  add(text, "\"");
}

int record_start(pid_t pid, uint64_t started) {
  char content[160];
  struct text text = {content, sizeof content};
  add(&text, "{");
  field(&text, "version", PROTOCOL_VERSION);
  add(&text, ",");
  field(&text, "supervisor", (uint64_t)getpid());
  add(&text, ",");
  field(&text, "pid", (uint64_t)pid);
  time_field(&text, "started", started);
  add(&text, "}\n");
  return replace("state", "state.tmp", content);
}

void forget_start(void) { unlink("state"); }

int record_exit(const struct task* container, int oom_killed) {
  char content[200];
  struct text text = {content, sizeof content};
  add(&text, "{");
  field(&text, "exitCode", container->code);
  add(&text, ",");
  field(&text, "signal", container->signal);
  add(&text, oom_killed ? ",\"oomKilled\":true" : ",\"oomKilled\":false");
  time_field(&text, "started", container->started);
  time_field(&text, "finished", container->finished);
  add(&text, "}\n");
  return replace("exit", "exit.tmp", content);
}

int count_oom_kills(const char* path) {
  char content[512];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, content, sizeof content - 1);
  close(fd);
  if (length <= 0) return 0;
  content[length] = 0;
  const char* found = strstr(content, "oom_kill ");
  int count = 0;
  if (!found) return 0;
  for (found += 9; *found >= '0' && *found <= '9'; found++) count = count * 10 + *found - '0';
  return count;
}
