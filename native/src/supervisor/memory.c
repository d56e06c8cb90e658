#include "memory.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "record.h"
#include "text.h"

// v1 signals before it kills: the count is looked at again and again until it has grown.
#define LOOK_MS 10
#define PATIENCE_MS 2000

static const char* counter;
static int fd = -1, is_v1, kills, untold;
static uint64_t looks_until;  // 0: nothing is awaited

static int ends_with(const char* text, const char* end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

// "<eventfd> <memory.oom_control>" to the cgroup's event_control (kernel: admin-guide/cgroup-v1/memory.rst).
static int register_event(const char* path, int file) {
  char control[4096], order[32];
  const char* slash = strrchr(path, '/');
  int length = slash ? (int)(slash + 1 - path) : 0;
  if ((size_t)length + sizeof "cgroup.event_control" > sizeof control) return -1;
  memcpy(control, path, (size_t)length);
  strcpy(control + length, "cgroup.event_control");
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int to = open(control, O_WRONLY | O_CLOEXEC);
  struct text text = {order, sizeof order};
  add_number(&text, (uint64_t)event);
  add(&text, " ");
  add_number(&text, (uint64_t)file);
  int done = event >= 0 && to >= 0 && write(to, order, strlen(order)) > 0;
  if (to >= 0) close(to);
  if (!done && event >= 0) close(event);
  return done ? event : -1;
}

// Read to its end, v2's file is armed again.
static void rearm(void) {
  char ignored[512];
  if (is_v1) {
    while (read(fd, ignored, sizeof(uint64_t)) > 0) continue;
    return;
  }
  lseek(fd, 0, SEEK_SET);
  while (read(fd, ignored, sizeof ignored) > 0) continue;
}

void watch_memory(const char* path) {
  if (!*path) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  counter = path;
  is_v1 = ends_with(path, "/memory.oom_control");
  fd = is_v1 ? register_event(path, file) : file;
  if (is_v1) close(file);
  if (fd >= 0 && !is_v1) rearm();
}

void forget_memory(void) {
  if (fd >= 0) close(fd);
  fd = -1;
  looks_until = 0;
}

int memory_fd(short* events) {
  *events = is_v1 ? POLLIN : POLLPRI;
  return fd;
}

int memory_is_due(void) { return looks_until ? LOOK_MS : -1; }

static void send_kills(struct connection* c) {
  uint32_t count = (uint32_t)kills;
  send_frame(c, FRAME_OUT_OF_MEMORY, 0, &count, sizeof count);
}

static void tell_all(void) {
  untold = 1;
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd < 0 || !c->follows) continue;
    send_kills(c);
    untold = 0;
  }
}

void look_at_memory(struct connection* none) {
  (void)none;
  uint64_t now = steady_clock_ms();
  short events;
  struct pollfd happened = {.fd = memory_fd(&events)};
  happened.events = events;
  if (fd >= 0 && poll(&happened, 1, 0) > 0) {
    rearm();
    looks_until = now + PATIENCE_MS;
  }
  int count = count_oom_kills(counter);
  if (count > kills) {
    kills = count;
    tell_all();
  } else if (is_v1 && now < looks_until) {
    return;
  }
  looks_until = 0;
}

void tell_memory(struct connection* c) {
  if (untold) send_kills(c);
  untold = 0;
}
