// The agent's connections: frames in both directions (see protocol.h), all buffers bounded and set
// aside at start.
#pragma once

#include "../protocol.h"
#include "task.h"

enum connection_kind {
  CONTROL,   // asks and is told
  ATTACHED,  // sees the container's output
  EXECUTED,  // belongs to one exec'ed process
};

#define BUFFER (FRAME_HEADER + CHUNK + 1024)

struct connection {
  int fd;  // -1: this place is free
  enum connection_kind kind;
  int follows;             // CONTROL: an agent's, that wants to hear of what it did not ask
  int with_stdin;          // ATTACHED: its input reaches the container
  int stdin_waits;         // a stdin frame is held back until the process reads
  int told;                // EXECUTED: the exit was sent
  struct task task;        // EXECUTED
  uint64_t stalled_since;  // milliseconds; 0: it takes what it is sent
  size_t in_length, out_length, out_sent, stdin_done;
  char* large;  // a request that does not fit `in`, while it comes in
  size_t large_size;
  char *in, *out;  // each of BUFFER bytes; pages that were never used cost nothing
};

#define CONNECTIONS 32
// Some places stay for control, so that exec'ed processes can never lock the agent out.
#define SESSIONS 28
extern struct connection connections[CONNECTIONS];

void forget_connections(void);

int has_free_connection(void);

// Takes a place for `fd`; NULL when all are taken.
struct connection* open_connection(int fd);

// Frees the place; the process that belongs to it gets SIGKILL.
void close_connection(struct connection* c);

// Waits for FRAME_CONTINUE as the next frame: 1; 0 when anything else comes or the other end goes.
int may_continue(int fd);

// Sends a frame, keeping what the socket does not take now. A peer that lets replies pile up is
// dropped.
void send_frame(struct connection* c, uint8_t type, uint8_t stream, const void* payload,
    size_t length);

// Everything sent was taken.
int is_flushed(const struct connection* c);
void flush_connection(struct connection* c);

// Reads what has come; the next whole frame is `next_frame`'s. Returns -1 after closing the
// connection.
int receive(struct connection* c);

struct frame {
  uint8_t type;
  char* payload;
  size_t length;
};

// 1 with a whole frame (done with by `drop_frame`), 0 when more must come, -1 after closing a
// connection that spoke nonsense.
int next_frame(struct connection* c, struct frame* frame);
void drop_frame(struct connection* c);
