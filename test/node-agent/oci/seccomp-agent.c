// Decides on system calls of containers: takes listeners on a socket, says what came with them, and answers every call
// that it is asked about with ENOTSUP, but execve, which goes on.
//
//   seccomp-agent SOCKET
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int receive(int connection, char* text, size_t size) {
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec data = {text, size - 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
      .msg_controllen = sizeof control};
  ssize_t got = recvmsg(connection, &message, 0);
  struct cmsghdr* header = got > 0 ? CMSG_FIRSTHDR(&message) : 0;
  int listener = -1;
  text[got > 0 ? got : 0] = 0;
  if (header) memcpy(&listener, CMSG_DATA(header), sizeof listener);
  return listener;
}

static void decide(int listener) {
  for (;;) {
    struct seccomp_notif asked = {0};
    struct seccomp_notif_resp answer = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
      if (errno == EINTR) continue;
      return;  // nobody has the filter any more
    }
    answer.id = asked.id;
    if (asked.data.nr == SYS_execve) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else answer.error = -ENOTSUP;
    printf("call %d\n", asked.data.nr);
    fflush(stdout);
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

int main(int count, char** words) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char text[8192];
  if (count != 2) return 1;
  strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(server, (struct sockaddr*)&address, sizeof address) != 0 || listen(server, 8) != 0) return 1;
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    int connection = accept(server, 0, 0);
    int listener = receive(connection, text, sizeof text);
    printf("state %s\n", text);
    fflush(stdout);
    close(connection);
    if (fork() == 0) {
      decide(listener);
      return 0;
    }
    close(listener);
  }
}
