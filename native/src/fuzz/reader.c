// Fuzzes what reads strangers' bytes in the supervisor: specs, processes, frames. Built with
// AddressSanitizer and UndefinedBehaviorSanitizer (`make fuzz`), so that whatever is read outside of
// a message ends it.
//
//   reader SEED ROUNDS SAMPLE...
//
// The samples, whole messages, are changed by chance: bytes, lengths, cuts, pieces of one in
// another. The first byte of a sample says what it is: C a container, P a process, F frames.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../protocol.h"
#include "../supervisor/connection.h"
#include "../supervisor/spec.h"

#define LARGEST (1 << 16)

struct sample {
  char bytes[LARGEST];
  size_t length;
};

static uint64_t state;

static uint32_t random_below(uint32_t limit) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % limit;
}

static void change(struct sample* s, const struct sample* other) {
  static const uint32_t lengths[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 65536};
  size_t at = random_below((uint32_t)s->length);
  switch (random_below(5)) {
    case 0: s->bytes[at] = (char)random_below(256); break;
    case 1: s->bytes[at] ^= (char)(1 << random_below(8)); break;
    case 2:
      if (at + 4 <= s->length) memcpy(s->bytes + at, &lengths[random_below(7)], 4);
      break;
    case 3: s->length = at + 1; break;
    default: {
      size_t from = random_below((uint32_t)other->length), count = other->length - from;
      if (count > s->length - at) count = s->length - at;
      memcpy(s->bytes + at, other->bytes + from, count);
    }
  }
}

static void use_strings(struct list list) {
  for (uint32_t i = 0; i < list.count; i++) (void)strlen(read_string(&list.items));
}

static void use_process(const struct process* p) {
  static char* slots[1 << 14];
  struct list groups = p->groups, limits = p->rlimits, rules = p->landlock_rules;
  for (uint32_t i = 0; i < groups.count; i++) read_u32(&groups.items);
  for (uint32_t i = 0; i < limits.count; i++) {
    read_u32(&limits.items);
    read_u64(&limits.items);
    read_u64(&limits.items);
  }
  for (uint32_t i = 0; i < rules.count; i++) {
    read_u64(&rules.items);
    (void)strlen(read_string(&rules.items));
  }
  if (p->flags & PROCESS_MEMORY_POLICY)
    for (uint32_t i = 0; i < p->memory_nodes.length; i++) state += (unsigned char)p->memory_nodes.at[i];
  use_strings(p->cgroups);
  string_array(p->arguments, slots, 1 << 14);
  string_array(p->environment, slots, 1 << 14);
}

static void use_container(const struct container* c) {
  struct reader mounts = c->mounts.items, devices = c->devices.items;
  for (uint32_t i = 0; i < c->mounts.count; i++) {
    struct mount_spec mount = read_mount(&mounts);
    use_strings(mount.options);
    (void)(strlen(mount.type) + strlen(mount.root) + strlen(mount.source) + strlen(mount.target));
  }
  for (uint32_t i = 0; i < c->devices.count; i++) (void)strlen(read_device(&devices).path);
  use_strings(c->layers);
  use_strings(c->masked);
  use_strings(c->readonly);
  use_process(&c->process);
}

static void feed_frames(const char* bytes, size_t length) {
  int ends[2];
  struct frame frame;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  struct connection* c = open_connection(ends[0]);
  for (size_t at = 0; c && c->fd >= 0 && at < length;) {
    size_t part = 1 + random_below(4096);
    if (part > length - at) part = length - at;
    if (write(ends[1], bytes + at, part) != (ssize_t)part) break;
    at += part;
    if (receive(c) != 0) break;
    while (c->fd >= 0 && next_frame(c, &frame) > 0) {
      for (size_t i = 0; i < frame.length; i++) state += (unsigned char)frame.payload[i];
      drop_frame(c);
    }
  }
  if (c && c->fd >= 0) close_connection(c);
  close(ends[1]);
}

// Exactly as large as the message: one byte too many read is found.
static char* exact(const struct sample* s) {
  char* copy = malloc(s->length);
  memcpy(copy, s->bytes + 1, s->length - 1);
  return copy;
}

static int try_one(const struct sample* s) {
  struct container container;
  struct process process;
  char* message = exact(s);
  size_t length = s->length - 1;
  int taken = 0;
  if (s->bytes[0] == 'C' && (taken = read_container(message, length, &container) == 0))
    use_container(&container);
  if (s->bytes[0] == 'P' && (taken = read_process(message, length, &process) == 0))
    use_process(&process);
  if (s->bytes[0] == 'F') feed_frames(message, length);
  free(message);
  return taken;
}

static void load(struct sample* s, const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, s->bytes, LARGEST);
  if (got < 2) {
    fprintf(stderr, "reader: %s: no sample\n", path);
    exit(2);
  }
  s->length = (size_t)got;
  close(fd);
}

int main(int count, char** arguments) {
  if (count < 4) return 2;
  int samples = count - 3, taken = 0;
  struct sample* all = calloc((size_t)samples, sizeof *all);
  state = strtoull(arguments[1], 0, 10);
  long rounds = strtol(arguments[2], 0, 10);
  for (int i = 0; i < samples; i++) load(&all[i], arguments[i + 3]);
  forget_connections();
  for (int i = 0; i < samples; i++) taken += try_one(&all[i]);
  static struct sample changed;
  for (long i = 0; i < rounds; i++) {
    changed = all[random_below((uint32_t)samples)];
    char kind = changed.bytes[0];
    for (uint32_t n = 1 + random_below(4); n > 0; n--)
      change(&changed, &all[random_below((uint32_t)samples)]);
    changed.bytes[0] = kind;
    if (changed.length > 1) taken += try_one(&changed);
  }
  printf("%ld messages, %d of them specs that were taken\n", rounds + samples, taken);
  free(all);
  return 0;
}
