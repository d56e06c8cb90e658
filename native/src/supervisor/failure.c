#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys.h"

static int report_socket = -1, terminal_socket = -1;

void report_to(int socket) { report_socket = socket; }
int reports_go_to(void) { return report_socket; }
void send_terminals_to(int socket) { terminal_socket = socket; }

// Really closed, not only marked: until the execve a path could lead through them (CVE-2024-21626).
void close_all_but_report(void) {
  if (report_socket != 3 && dup3(report_socket, 3, O_CLOEXEC) < 0)
    fail("keep", "the way to report");
  report_socket = 3;
  if (sys_close_range(4, ~0u, 0) != 0) fail("close", "the host's descriptors");
}

static void copy(char* to, size_t size, const char* from) {
  size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  to[length] = 0;
}

int failed(struct failure* out, int exit_code, const char* what, const char* path) {
  out->number = errno;
  out->exit_code = exit_code;
  copy(out->what, sizeof out->what, what);
  copy(out->path, sizeof out->path, path);
  return -1;
}

_Noreturn void fail_with(int exit_code, const char* what, const char* path) {
  struct failure failure;
  memset(&failure, 0, sizeof failure);
  failed(&failure, exit_code, what, path);
  send(report_socket, &failure, sizeof failure, MSG_NOSIGNAL);
  // What was sent to us and not read would make the other end's next call fail, and hide the reason.
  shutdown(report_socket, SHUT_RD);
  while (recv(report_socket, &failure, sizeof failure, MSG_DONTWAIT) > 0) continue;
  _exit(exit_code);
}

_Noreturn void fail(const char* what, const char* path) { fail_with(128, what, path); }

void await_word(void) {
  char byte;
  ssize_t got;
  do got = recv(report_socket, &byte, 1, 0);
  while (got < 0 && errno == EINTR);
  if (got != 1) _exit(128);  // nobody is left to be told
}

void wait_for_word(void) {
  char byte = 'H';
  if (send(report_socket, &byte, 1, MSG_NOSIGNAL) != 1) _exit(128);  // nobody is left to be told
  await_word();
}

int let_go_on(int socket) {
  // EPIPE: it has failed, and said why.
  return send(socket, "G", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE ? 0 : -1;
}

void send_descriptor(int socket, char byte, int fd, const char* what) {
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data,
      .msg_iovlen = 1,
      .msg_control = control,
      .msg_controllen = sizeof control,
  };
  memset(control, 0, sizeof control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(int));
  if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1) fail("hand over", what);
}

void send_terminal(int master) {
  int to = terminal_socket >= 0 ? terminal_socket : report_socket;
  send_descriptor(to, 'T', master, "the terminal");
}

int await_child(int socket, struct failure* out, int* terminal) {
  for (;;) {
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {out, sizeof *out};
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return 0;
    if (got == sizeof *out) return -1;
    // EAGAIN: it hangs.
    if (got < 0) return failed(out, 128, "wait for", "the new process");
    struct cmsghdr* header = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (got == 1 && !header) return 1;
    if (!header || header->cmsg_type != SCM_RIGHTS)
      return failed(out, 128, "read the report of", "the new process");
    memcpy(terminal, CMSG_DATA(header), sizeof(int));
  }
}
