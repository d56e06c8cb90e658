#include "spec.h"

#include "../protocol.h"

struct mount_spec read_mount(struct reader* r) {
  struct mount_spec mount;
  mount.type = read_u32(r);
  mount.flags = read_u32(r);
  mount.size = read_u64(r);
  mount.root = read_string(r);
  mount.source = read_string(r);
  mount.target = read_string(r);
  if (mount.type != MOUNT_BIND && mount.type != MOUNT_TMPFS) r->bad = 1;
  return mount;
}

struct device_spec read_device(struct reader* r) {
  struct device_spec device;
  device.name = read_string(r);
  device.mode = read_u32(r);
  device.major = read_u32(r);
  device.minor = read_u32(r);
  return device;
}

static struct list read_mounts(struct reader* r) {
  struct list list = {.count = read_u32(r), .items = *r};
  for (uint32_t i = 0; i < list.count && !r->bad; i++) read_mount(r);
  return list;
}

static struct list read_devices(struct reader* r) {
  struct list list = {.count = read_u32(r), .items = *r};
  for (uint32_t i = 0; i < list.count && !r->bad; i++) read_device(r);
  return list;
}

static void process_fields(struct reader* r, struct process* out) {
  out->flags = read_u32(r);
  out->columns = read_u32(r);
  out->rows = read_u32(r);
  out->uid = read_u32(r);
  out->gid = read_u32(r);
  out->groups = read_fixed(r, 4);
  out->capabilities = read_u64(r);
  out->oom_score_adj = (int)read_u32(r);
  out->rlimits = read_fixed(r, 20);
  out->cgroups = read_strings(r);
  out->cgroup2 = read_string(r);
  out->arguments = read_strings(r);
  out->environment = read_strings(r);
  out->cwd = read_string(r);
  out->seccomp = read_bytes(r, &out->seccomp_length);
  if (out->arguments.count == 0 || out->seccomp_length % 8 != 0) r->bad = 1;
}

int read_process(char* message, size_t length, struct process* out) {
  struct reader r = {.at = message, .left = length};
  process_fields(&r, out);
  return r.bad || r.left != 0 ? -1 : 0;
}

int read_container(char* message, size_t length, struct container* out) {
  struct reader r = {.at = message, .left = length};
  out->flags = read_u32(&r);
  out->log = read_string(&r);
  out->log_limits.large = read_u64(&r);
  out->log_limits.most = read_u64(&r);
  out->net = read_string(&r);
  out->ipc = read_string(&r);
  out->uts = read_string(&r);
  out->shm = read_string(&r);
  out->oom = read_string(&r);
  out->layers = read_strings(&r);
  out->upper = read_string(&r);
  out->work = read_string(&r);
  out->mounts = read_mounts(&r);
  out->devices = read_devices(&r);
  out->masked = read_strings(&r);
  out->readonly = read_strings(&r);
  process_fields(&r, &out->process);
  return r.bad || r.left != 0 ? -1 : 0;
}

int string_array(struct list list, char** out, uint32_t limit) {
  if (list.count >= limit) return -1;
  for (uint32_t i = 0; i < list.count; i++) out[i] = read_string(&list.items);
  out[list.count] = 0;
  return 0;
}
