#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sys.h"

#define PAGE 4096
#define BUFFER_PAGES ((BUFFER + PAGE - 1) / PAGE * PAGE)

struct connection connections[CONNECTIONS];
// Apart from the connections themselves: looking at all of those must not touch all of these.
static char buffers[CONNECTIONS][2][BUFFER_PAGES] __attribute__((aligned(PAGE)));

void forget_connections(void) {
  for (int i = 0; i < CONNECTIONS; i++) {
    connections[i] = (struct connection){.fd = -1, .in = buffers[i][0], .out = buffers[i][1]};
  }
}

int has_free_connection(void) {
  for (int i = 0; i < CONNECTIONS; i++) {
    if (connections[i].fd < 0) return 1;
  }
  return 0;
}

struct connection* open_connection(int fd) {
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection* c = &connections[i];
    if (c->fd >= 0) continue;
    *c = (struct connection){.fd = fd, .in = c->in, .out = c->out};
    c->task.input = c->task.output = c->task.error = c->task.pidfd = -1;
    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
    return c;
  }
  return 0;
}

int may_continue(int fd) {
  uint32_t header[FRAME_HEADER / 4];
  char* at = (char*)header;
  for (size_t left = sizeof header; left > 0;) {
    struct pollfd wait = {fd, POLLIN, 0};
    if (poll(&wait, 1, -1) < 0 && errno != EINTR) return 0;
    ssize_t got = recv(fd, at, left, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return 0;
    at += got;
    left -= (size_t)got;
  }
  return header[0] == 0 && ((unsigned char*)header)[4] == FRAME_CONTINUE;
}

static void drop_large(struct connection* c) {
  if (c->large) munmap(c->large, c->large_size);
  c->large = 0;
}

void close_connection(struct connection* c) {
  if (c->kind == EXECUTED && c->task.pid) {
    if (!c->task.exited) sys_pidfd_send_signal(c->task.pidfd, SIGKILL);
    close_task(&c->task);
  }
  drop_large(c);
  madvise(buffers[c - connections], sizeof buffers[0], MADV_DONTNEED);  // the pages go back
  close(c->fd);
  c->fd = -1;
}

int is_flushed(const struct connection* c) { return c->out_sent == c->out_length; }

static ssize_t transmit(int fd, struct iovec* parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void flush_connection(struct connection* c) {
  struct iovec rest = {c->out + c->out_sent, c->out_length - c->out_sent};
  ssize_t done = transmit(c->fd, &rest, 1);
  if (done < 0 && errno != EAGAIN && errno != EINTR) return close_connection(c);
  if (done <= 0) return;
  c->stalled_since = 0;
  c->out_sent += (size_t)done;
  if (is_flushed(c)) c->out_sent = c->out_length = 0;
}

static int keep(struct connection* c, const char* bytes, size_t length) {
  if (length > BUFFER - c->out_length) return -1;
  // A frame without payload has none to copy from; memcpy wants a place even for nothing.
  if (length) memcpy(c->out + c->out_length, bytes, length);
  c->out_length += length;
  return 0;
}

void send_frame(struct connection* c, uint8_t type, uint8_t stream, const void* payload,
    size_t length) {
  uint32_t size = (uint32_t)length;
  char header[FRAME_HEADER] = {0};
  memcpy(header, &size, sizeof size);
  header[4] = (char)type;
  header[5] = (char)stream;
  size_t done = 0;
  if (is_flushed(c)) {
    struct iovec parts[2] = {{header, sizeof header}, {(void*)payload, length}};
    ssize_t sent = transmit(c->fd, parts, 2);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return close_connection(c);
    if (sent > 0) done = (size_t)sent;
  }
  size_t of_header = done < sizeof header ? done : sizeof header, of_payload = done - of_header;
  if (keep(c, header + of_header, sizeof header - of_header) != 0 ||
      keep(c, (const char*)payload + of_payload, length - of_payload) != 0)
    close_connection(c);
}

int receive(struct connection* c) {
  char* space = c->large ? c->large : c->in;
  size_t limit = c->large ? c->large_size : BUFFER;
  ssize_t got = recv(c->fd, space + c->in_length, limit - c->in_length, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) {
    close_connection(c);
    return -1;
  }
  c->in_length += (size_t)got;
  return 0;
}

// Only an exec request may be larger than the buffer; it gets a mapping of its own until it is
// handled.
static int make_room(struct connection* c, uint8_t type, size_t size) {
  if (type != FRAME_EXEC || size > FRAME_HEADER + FRAME_LIMIT) return -1;
  char* large = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (large == MAP_FAILED) return -1;
  memcpy(large, c->in, c->in_length);
  c->large = large;
  c->large_size = size;
  return 0;
}

int next_frame(struct connection* c, struct frame* frame) {
  char* space = c->large ? c->large : c->in;
  uint32_t length;
  if (c->in_length < FRAME_HEADER) return 0;
  memcpy(&length, space, sizeof length);
  *frame = (struct frame){(uint8_t)space[4], space + FRAME_HEADER, length};
  size_t whole = FRAME_HEADER + (size_t)length;
  if (whole > BUFFER && !c->large && make_room(c, frame->type, whole) != 0) {
    close_connection(c);
    return -1;
  }
  return c->in_length >= whole;
}

void drop_frame(struct connection* c) {
  uint32_t length;
  memcpy(&length, c->large ? c->large : c->in, sizeof length);
  size_t whole = FRAME_HEADER + (size_t)length;
  c->in_length -= whole;
  // A large frame is received alone: nothing follows it in its mapping.
  if (!c->large) memmove(c->in, c->in + whole, c->in_length);
  drop_large(c);
}
