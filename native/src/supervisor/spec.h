// What the agent wants, as read from the wire. All strings point into the message.
#pragma once

#include "log.h"
#include "reader.h"

struct process {
  uint32_t flags, columns, rows, uid, gid;
  struct list groups;
  uint64_t capabilities;
  int oom_score_adj;
  struct list rlimits;
  struct list cgroups;   // v1 directories
  const char* cgroup2;   // v2 directory or ""
  struct list arguments, environment;
  const char* cwd;
  char* seccomp;
  uint32_t seccomp_length;
};

struct container {
  uint32_t flags;
  const char* log;
  struct log_limits log_limits;
  const char *net, *ipc, *uts, *shm, *oom;
  struct list layers;
  const char *upper, *work;
  struct list mounts, devices, masked, readonly;
  struct process process;
};

struct mount_spec {
  uint32_t type, flags;
  uint64_t size;
  const char *root, *source, *target;
};

struct device_spec {
  const char* name;
  uint32_t mode, major, minor;
};

// Both return 0, or -1 when a length does not fit or bytes are left over.
int read_container(char* message, size_t length, struct container* out);
int read_process(char* message, size_t length, struct process* out);

struct mount_spec read_mount(struct reader* r);
struct device_spec read_device(struct reader* r);

// Fills `out` (of `limit` slots) with the strings of a list and a last NULL; -1 when there are too
// many.
int string_array(struct list list, char** out, uint32_t limit);
