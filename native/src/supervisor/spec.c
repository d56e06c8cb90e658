#include "spec.h"

#include "../protocol.h"

// clone(2)'s flags of the kinds of namespaces, ascending.
static const uint64_t kinds[NAMESPACES] = {
    0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
};
#define SCHEDULER_SIZE 48

static struct id_maps read_maps(struct reader* r) {
  struct list uids = read_fixed(r, 12), gids = read_fixed(r, 12);
  return (struct id_maps){uids, gids};
}

struct mount_spec read_mount(struct reader* r) {
  struct mount_spec mount;
  mount.kind = read_u32(r);
  mount.flags = read_u32(r);
  mount.set = read_u32(r);
  mount.clear = read_u32(r);
  mount.recursive_set = read_u32(r);
  mount.recursive_clear = read_u32(r);
  mount.propagation = read_u32(r);
  mount.recursive_propagation = read_u32(r);
  mount.type = read_string(r);
  mount.root = read_string(r);
  mount.source = read_string(r);
  mount.target = read_string(r);
  mount.options = read_strings(r);
  mount.maps = read_maps(r);
  if (mount.kind < MOUNT_BIND || mount.kind > MOUNT_REMOUNT) r->bad = 1;
  return mount;
}

struct device_spec read_device(struct reader* r) {
  struct device_spec device;
  device.path = read_string(r);
  device.mode = read_u32(r);
  device.major = read_u32(r);
  device.minor = read_u32(r);
  device.uid = read_u32(r);
  device.gid = read_u32(r);
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

static struct list read_pairs(struct reader* r) {
  struct list list = {.count = read_u32(r), .items = *r};
  for (uint32_t i = 0; i < list.count && !r->bad; i++) {
    read_string(r);
    read_string(r);
  }
  return list;
}

static struct list read_rules(struct reader* r) {
  struct list list = {.count = read_u32(r), .items = *r};
  for (uint32_t i = 0; i < list.count && !r->bad; i++) {
    read_u64(r);
    read_string(r);
  }
  return list;
}

static struct bytes read_blob(struct reader* r) {
  struct bytes bytes;
  bytes.at = read_bytes(r, &bytes.length);
  return bytes;
}

static int place_of(uint64_t type) {
  for (int i = 0; i < NAMESPACES; i++)
    if (kinds[i] == type) return i;
  return -1;
}

const char* path_of(const struct namespaces* namespaces, uint64_t type) {
  return namespaces->path[place_of(type)];
}

static void read_namespaces(struct reader* r, struct namespaces* out) {
  *out = (struct namespaces){.named = 0};
  uint32_t count = read_u32(r);
  for (uint32_t i = 0; i < count && !r->bad; i++) {
    uint64_t type = read_u32(r);
    const char* path = read_string(r);
    int place = place_of(type);
    if (place < 0 || out->named & type) {
      r->bad = 1;
      return;
    }
    out->named |= type;
    if (*path) out->path[place] = path;
    else out->fresh |= type;
  }
}

static void process_settings(struct reader* r, struct process* out) {
  out->scheduler = read_blob(r);
  out->io_priority = read_u32(r);
  out->personality = read_u32(r);
  out->first_cpus = read_blob(r);
  out->last_cpus = read_blob(r);
  out->apparmor = read_string(r);
  out->selinux = read_string(r);
  out->landlock_handled = read_u64(r);
  out->landlock_rules = read_rules(r);
  if (out->scheduler.length != 0 && out->scheduler.length != SCHEDULER_SIZE) r->bad = 1;
}

static void process_fields(struct reader* r, struct process* out) {
  out->flags = read_u32(r);
  out->columns = read_u32(r);
  out->rows = read_u32(r);
  out->uid = read_u32(r);
  out->gid = read_u32(r);
  out->groups = read_fixed(r, 4);
  out->umask = read_u32(r);
  out->owner = read_u32(r);
  out->capabilities.bounding = read_u64(r);
  out->capabilities.effective = read_u64(r);
  out->capabilities.permitted = read_u64(r);
  out->capabilities.inheritable = read_u64(r);
  out->capabilities.ambient = read_u64(r);
  out->oom_score_adj = (int)read_u32(r);
  out->rlimits = read_fixed(r, 20);
  process_settings(r, out);
  out->cgroups = read_strings(r);
  out->cgroup2 = read_string(r);
  out->arguments = read_strings(r);
  out->environment = read_strings(r);
  out->cwd = read_string(r);
  out->seccomp = read_blob(r);
  out->seccomp_flags = read_u32(r);
  if (out->flags & PROCESS_MEMORY_POLICY) {
    out->memory_mode = read_u32(r);
    out->memory_nodes = read_blob(r);
  }
  if (out->arguments.count == 0 || out->seccomp.length % 8 != 0) r->bad = 1;
}

int read_process(char* message, size_t length, struct process* out) {
  struct reader r = {.at = message, .left = length};
  process_fields(&r, out);
  return r.bad || r.left != 0 ? -1 : 0;
}

static void file_fields(struct reader* r, struct container* out) {
  out->root_propagation = read_u32(r);
  out->layers = read_strings(r);
  out->upper = read_string(r);
  out->work = read_string(r);
  out->mounts = read_mounts(r);
  out->mounts_before_devices = read_u32(r);
  out->devices = read_devices(r);
  out->links = read_pairs(r);
  out->masked = read_strings(r);
  out->readonly = read_strings(r);
  if (out->layers.count == 0) r->bad = 1;
}

int read_container(char* message, size_t length, struct container* out) {
  struct reader r = {.at = message, .left = length};
  out->flags = read_u32(&r);
  out->log = read_string(&r);
  out->log_limits.large = read_u64(&r);
  out->log_limits.most = read_u64(&r);
  out->oom = read_string(&r);
  read_namespaces(&r, &out->namespaces);
  out->maps = read_maps(&r);
  out->time_offsets = read_fixed(&r, 16);
  out->hostname = read_string(&r);
  out->domainname = read_string(&r);
  out->sysctls = read_pairs(&r);
  file_fields(&r, out);
  process_fields(&r, &out->process);
  return r.bad || r.left != 0 ? -1 : 0;
}

int string_array(struct list list, char** out, uint32_t limit) {
  if (list.count >= limit) return -1;
  for (uint32_t i = 0; i < list.count; i++) out[i] = read_string(&list.items);
  out[list.count] = 0;
  return 0;
}
