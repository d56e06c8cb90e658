// What the agent wants, as read from the wire. All strings point into the message.
#pragma once

#include "log.h"
#include "reader.h"

struct bytes {
  char* at;
  uint32_t length;
};

struct capabilities {
  uint64_t bounding, effective, permitted, inheritable, ambient;
};

struct process {
  uint32_t flags, columns, rows, uid, gid;
  struct list groups;
  uint32_t umask, owner;
  struct capabilities capabilities;
  int oom_score_adj;
  struct list rlimits;
  struct bytes scheduler;
  uint32_t io_priority, personality;
  struct bytes first_cpus, last_cpus;
  const char *apparmor, *selinux;
  uint64_t landlock_handled;
  struct list landlock_rules;
  struct list cgroups;   // v1 directories
  const char* cgroup2;   // v2 directory or ""
  struct list arguments, environment;
  const char* cwd;
  struct bytes seccomp;
  uint32_t seccomp_flags;
  uint32_t memory_mode;  // with PROCESS_MEMORY_POLICY
  struct bytes memory_nodes;
};

struct id_maps {
  struct list uids, gids;
};

// By kind: time, mount, cgroup, uts, ipc, user, pid, network.
#define NAMESPACES 8
struct namespaces {
  uint64_t named;            // CLONE_NEW* of all that were
  uint64_t fresh;            // ... of those to be made
  const char* path[NAMESPACES];  // of those to be joined; NULL: none. In the order of their bits.
};

struct container {
  uint32_t flags;
  const char* log;
  struct log_limits log_limits;
  const char* oom;
  struct namespaces namespaces;
  struct id_maps maps;
  struct list time_offsets;
  const char *hostname, *domainname;
  struct list sysctls;
  uint32_t root_propagation;
  struct list layers;
  const char *upper, *work;
  struct list mounts;
  uint32_t mounts_before_devices;
  struct list devices, links, masked, readonly;
  struct process process;
};

struct mount_spec {
  uint32_t kind, flags, set, clear, recursive_set, recursive_clear;
  uint32_t propagation, recursive_propagation;
  const char *type, *root, *source, *target;
  struct list options;
  struct id_maps maps;
};

struct device_spec {
  const char* path;
  uint32_t mode, major, minor, uid, gid;
};

// Both return 0, or -1 when a length does not fit or bytes are left over.
int read_container(char* message, size_t length, struct container* out);
int read_process(char* message, size_t length, struct process* out);

struct mount_spec read_mount(struct reader* r);
struct device_spec read_device(struct reader* r);

// The path of the namespace of that type that is to be joined, or NULL.
const char* path_of(const struct namespaces* namespaces, uint64_t type);

// Fills `out` (of `limit` slots) with the strings of a list and a last NULL; -1 when there are too
// many.
int string_array(struct list list, char** out, uint32_t limit);
