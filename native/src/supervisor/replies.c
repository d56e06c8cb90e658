// What the supervisor tells.
#include <string.h>

#include "supervisor.h"

struct message {
  char bytes[320];
  size_t length;
};

static void put(struct message* message, const void* value, size_t size) {
  memcpy(message->bytes + message->length, value, size);
  message->length += size;
}

static void put_u32(struct message* message, uint32_t value) { put(message, &value, sizeof value); }
static void put_u64(struct message* message, uint64_t value) { put(message, &value, sizeof value); }

static void put_string(struct message* message, const char* string) {
  uint32_t length = (uint32_t)strlen(string);
  put_u32(message, length);
  put(message, string, length + 1);
}

void send_started(struct connection* c, const struct task* task) {
  struct message message = {.length = 0};
  put_u32(&message, (uint32_t)task->pid);
  put_u64(&message, task->started);
  send_frame(c, FRAME_STARTED, 0, message.bytes, message.length);
}

void send_failed(struct connection* c, const struct failure* failure, pid_t child) {
  struct message message = {.length = 0};
  put_u32(&message, (uint32_t)failure->number);
  put_u32(&message, (uint32_t)failure->exit_code);
  put_string(&message, failure->what);
  put_string(&message, failure->path);
  put_u32(&message, (uint32_t)child);
  send_frame(c, FRAME_FAILED, 0, message.bytes, message.length);
}

void send_exited(struct connection* c, const struct task* task, int oom_killed) {
  struct message message = {.length = 0};
  put_u32(&message, task->code);
  put_u32(&message, task->signal);
  put_u32(&message, (uint32_t)oom_killed);
  put_u64(&message, task->started);
  put_u64(&message, task->finished);
  send_frame(c, FRAME_EXITED, 0, message.bytes, message.length);
}
