#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <mutex>
#include <utility>

#include "protocol.h"

namespace {

struct Spare {
  std::mutex mutex;
  pid_t pid = 0;
  Fd socket;  // valid while there is one
};

// Never destroyed: threads of the pool outlive the environment.
Spare& TheSpare() {
  static Spare* spare = new Spare;
  return *spare;
}

// As long as any id; it is overwritten by the container's.
const std::string kNobody(64, '-');

// In one message, so that the descriptors come with its first byte.
bool Assign(const Fd& socket, const SupervisorOrder& order, int listener, int directory) {
  uint32_t header[2] = {SPARE_MAGIC, static_cast<uint32_t>(order.id.size())};
  iovec parts[2] = {{header, sizeof header},
                    {const_cast<char*>(order.id.data()), order.id.size()}};
  alignas(cmsghdr) char space[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(2 * sizeof(int));
  int given[2] = {listener, directory};
  memcpy(CMSG_DATA(control), given, sizeof given);
  ssize_t length = static_cast<ssize_t>(sizeof header + order.id.size());
  return sendmsg(socket.get(), &message, MSG_NOSIGNAL) == length;
}

}  // namespace

SystemError PrepareSpare(int executable) {
  Spare& spare = TheSpare();
  std::lock_guard lock(spare.mutex);
  if (spare.socket.valid()) return {};
  SupervisorOrder order = {.executable = executable,
                           .directory = "/",
                           .id = kNobody,
                           .before = ""};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return {errno, "socketpair", ""};
  }
  Fd ours(ends[0]), theirs = Lift(Fd(ends[1]));
  if (SystemError error = SpawnSupervisor(order, {theirs.get()}, spare.pid)) return error;
  spare.socket = std::move(ours);
  return {};
}

bool TakeSpare(const SupervisorOrder& order, const Fd& listener, SupervisorAnswer& answer) {
  Spare& spare = TheSpare();
  pid_t pid;
  {
    std::lock_guard lock(spare.mutex);
    if (!spare.socket.valid()) return false;
    answer.socket = std::move(spare.socket);
    pid = spare.pid;
  }
  Fd directory(open(order.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  bool taken = directory.valid() && order.id.size() <= kNobody.size() &&
               Assign(answer.socket, order, listener.get(), directory.get());
  if (!taken) {  // somebody killed it
    answer.socket.Reset(-1);
    AwaitEnd(pid);
    return false;
  }
  answer.pid = pid;
  return true;
}

void DropSpare() {
  Spare& spare = TheSpare();
  std::lock_guard lock(spare.mutex);
  if (!spare.socket.valid()) return;
  spare.socket.Reset(-1);
  AwaitEnd(spare.pid);
}
