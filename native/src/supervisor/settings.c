#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../protocol.h"
#include "failure.h"
#include "rootless.h"
#include "sys.h"
#include "text.h"

#define IOPRIO_WHO_PROCESS 1

static int write_file(const char* directory, const char* name, const char* content) {
  char path[4096];
  struct text text = {path, sizeof path};
  add(&text, directory);
  add(&text, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t done = write(fd, content, strlen(content));
  close(fd);
  return done < 0 ? -1 : 0;
}

static void set_limits(struct list limits) {
  for (uint32_t i = 0; i < limits.count; i++) {
    int resource = (int)read_u32(&limits.items);
    struct rlimit limit = {.rlim_cur = read_u64(&limits.items)};
    limit.rlim_max = read_u64(&limits.items);
    if (setrlimit(resource, &limit) == 0) continue;
    // Raising the hard limit needs CAP_SYS_RESOURCE, which a node may lack: as much as there is.
    struct rlimit present;
    if (getrlimit(resource, &present) != 0) continue;
    if (limit.rlim_cur > present.rlim_max) limit.rlim_cur = present.rlim_max;
    if (limit.rlim_max > present.rlim_max) limit.rlim_max = present.rlim_max;
    setrlimit(resource, &limit);
  }
}

static void use_cpus(struct bytes mask) {
  if (mask.length && syscall(SYS_sched_setaffinity, 0, mask.length, mask.at) != 0)
    fail("set", "the CPU affinity");
}

static void use_memory(const struct process* p) {
  if (!(p->flags & PROCESS_MEMORY_POLICY)) return;
  // The kernel reads one bit less than it is told of.
  unsigned long bits = p->memory_nodes.length * 8ul + 1;
  const char* nodes = p->memory_nodes.length ? p->memory_nodes.at : 0;
  if (syscall(SYS_set_mempolicy, p->memory_mode, nodes, nodes ? bits : 0) != 0)
    fail("set", "the memory policy");
}

static void schedule(const struct process* p) {
  if (p->scheduler.length && syscall(SYS_sched_setattr, 0, p->scheduler.at, 0) != 0)
    fail("set", "the scheduler");
  if (p->io_priority && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, p->io_priority) != 0)
    fail("set", "the I/O priority");
  if (p->personality != ~0u && personality(p->personality) < 0) fail("set", "the personality");
}

static void set_oom_score(const struct process* p) {
  char number[16];
  struct text text = {number, sizeof number};
  if (!(p->flags & PROCESS_OOM_SCORE)) return;
  if (p->oom_score_adj < 0) add(&text, "-");
  add_number(&text, (uint64_t)llabs(p->oom_score_adj));
  // lowering it needs CAP_SYS_RESOURCE: best effort
  write_file("/proc/self", "/oom_score_adj", number);
}

void hand_down_oom_score(const struct process* p) {
  be_readable(1);
  set_oom_score(p);
  be_readable(0);
}

void join_host_side(const struct process* p) {
  struct list directories = p->cgroups;
  use_cpus(p->first_cpus);
  for (uint32_t i = 0; i < directories.count; i++) {
    const char* directory = read_string(&directories.items);
    // A single-threaded process moving itself by `tasks` needs no global lock: 20 us, where a write
    // of its pid to cgroup.procs by its parent waits for an RCU grace period (12 ms).
    if (write_file(directory, "/tasks", "0") != 0) fail("join cgroup", directory);
  }
  use_cpus(p->last_cpus);
  set_oom_score(p);
  set_limits(p->rlimits);
  use_memory(p);
  schedule(p);
}
