// What Node cannot do with descriptors and processes: locks, passing descriptors, terminals' sizes,
// pidfds, waiting for a process that is our child without Node having made it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <memory>

#include "addon.h"
#include "fd.h"
#include "job.h"

namespace {

int IntOf(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

Napi::Value Given(Napi::Env env, int fd, const char* call, const std::string& path) {
  if (fd >= 0) return Napi::Number::New(env, fd);
  Throw(env, {errno, call, path});
  return env.Undefined();
}

// (path of a directory) -> promise of a descriptor that holds the exclusive lock
Napi::Value Lock(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  auto held = std::make_shared<Fd>();
  return RunJob(
      info.Env(),
      [path, held]() -> SystemError {
        *held = Fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!held->valid()) return {errno, "open", path};
        while (flock(held->get(), LOCK_EX) != 0) {
          if (errno != EINTR) return {errno, "flock", path};
        }
        return {};
      },
      [held](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, held->Release()); });
}

// (path of a file, made if missing) -> a descriptor that holds its exclusive lock, or -1: somebody else does
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return Given(info.Env(), -1, "open", path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return Napi::Number::New(info.Env(), file.Release());
  if (errno == EWOULDBLOCK) return Napi::Number::New(info.Env(), -1);
  return Given(info.Env(), -1, "flock", path);
}

// (directory, name) -> a descriptor connected to that socket, however long its path
Napi::Value Connect(const Napi::CallbackInfo& info) {
  std::string directory = info[0].As<Napi::String>(), name = info[1].As<Napi::String>();
  Fd place(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.valid()) return Given(info.Env(), -1, "open", directory);
  std::string path = "/proc/self/fd/" + std::to_string(place.get()) + "/" + name;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  errno = ENAMETOOLONG;
  if (path.size() >= sizeof address.sun_path) {
    return Given(info.Env(), -1, "connect", directory + "/" + name);
  }
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Given(info.Env(), -1, "connect", directory + "/" + name);
  }
  return Given(info.Env(), fd.Release(), "socket", "");
}

// () -> [descriptor, descriptor] of one connection
Napi::Value Pair(const Napi::CallbackInfo& info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Given(info.Env(), -1, "socketpair", "");
  }
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair[0u] = Napi::Number::New(info.Env(), ends[0]);
  pair[1u] = Napi::Number::New(info.Env(), ends[1]);
  return pair;
}

struct Received {
  int fd = -1;
  ucred sender = {};
};

void TakeControl(msghdr* message, Received* out) {
  for (cmsghdr* at = CMSG_FIRSTHDR(message); at != nullptr; at = CMSG_NXTHDR(message, at)) {
    if (at->cmsg_type == SCM_RIGHTS) memcpy(&out->fd, CMSG_DATA(at), sizeof out->fd);
    if (at->cmsg_type == SCM_CREDENTIALS) memcpy(&out->sender, CMSG_DATA(at), sizeof out->sender);
  }
}

// (socket) -> promise of [descriptor that is sent on it, pid of who sends it]
Napi::Value Receive(const Napi::CallbackInfo& info) {
  int socket = IntOf(info[0]), on = 1;
  auto received = std::make_shared<Received>();
  // Before anything can come: the kernel notes who sends, by the number we know him by.
  setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  return RunJob(
      info.Env(),
      [socket, received]() -> SystemError {
        char byte, control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
        iovec data = {&byte, 1};
        msghdr message = {};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        pollfd wait = {socket, POLLIN, 0};  // it may be one that does not wait by itself
        while (poll(&wait, 1, -1) < 0 && errno == EINTR) continue;
        // Looked at first: what comes without a descriptor is left for who can read it.
        ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_PEEK);
        if (got < 0) return {errno, "receive", "a descriptor"};
        if (got > 0) TakeControl(&message, received.get());
        if (received->fd < 0) return {ECONNRESET, "receive", "a descriptor"};
        if (recv(socket, &byte, 1, 0) < 0) return {errno, "receive", "a descriptor"};
        return {};
      },
      [received](Napi::Env env) -> Napi::Value {
        Napi::Array both = Napi::Array::New(env, 2);
        both[0u] = Napi::Number::New(env, received->fd);
        both[1u] = Napi::Number::New(env, received->sender.pid);
        return both;
      });
}

// (socket, descriptor, text): sends both in one message
Napi::Value Send(const Napi::CallbackInfo& info) {
  std::string text = info[2].As<Napi::String>().Utf8Value();
  int fd = IntOf(info[1]);
  char control[CMSG_SPACE(sizeof(int))] = {};
  iovec data = {text.data(), text.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ssize_t sent = sendmsg(IntOf(info[0]), &message, MSG_NOSIGNAL);
  if (sent < 0) Throw(info.Env(), {errno, "send", "a descriptor"});
  return info.Env().Undefined();
}

// (terminal, columns, rows)
Napi::Value Resize(const Napi::CallbackInfo& info) {
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(IntOf(info[1]));
  size.ws_row = static_cast<unsigned short>(IntOf(info[2]));
  if (ioctl(IntOf(info[0]), TIOCSWINSZ, &size) != 0) Throw(info.Env(), {errno, "resize", "pty"});
  return info.Env().Undefined();
}

// (pid) -> its pidfd
Napi::Value OpenPidfd(const Napi::CallbackInfo& info) {
  int pid = IntOf(info[0]);
  int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  return Given(info.Env(), fd, "pidfd_open", std::to_string(pid));
}

// (pidfd, signal)
Napi::Value SignalPidfd(const Napi::CallbackInfo& info) {
  if (syscall(SYS_pidfd_send_signal, IntOf(info[0]), IntOf(info[1]), nullptr, 0) != 0) {
    Throw(info.Env(), {errno, "signal", "the process"});
  }
  return info.Env().Undefined();
}

// (pid of a child) -> promise of its status as waitpid(2) gives it
Napi::Value WaitChild(const Napi::CallbackInfo& info) {
  pid_t pid = IntOf(info[0]);
  auto status = std::make_shared<int>(0);
  return RunJob(
      info.Env(),
      [pid, status]() -> SystemError {
        while (waitpid(pid, status.get(), __WALL) < 0) {
          if (errno != EINTR) return {errno, "waitpid", std::to_string(pid)};
        }
        return {};
      },
      [status](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *status); });
}

}  // namespace

void InitDescriptors(Napi::Env env, Napi::Object exports) {
  exports.Set("lockDirectory", Napi::Function::New(env, Lock));
  exports.Set("tryLockFile", Napi::Function::New(env, TryLock));
  exports.Set("connectSocket", Napi::Function::New(env, Connect));
  exports.Set("socketPair", Napi::Function::New(env, Pair));
  exports.Set("sendDescriptor", Napi::Function::New(env, Send));
  exports.Set("receiveDescriptor", Napi::Function::New(env, Receive));
  exports.Set("resizeTerminal", Napi::Function::New(env, Resize));
  exports.Set("openPidfd", Napi::Function::New(env, OpenPidfd));
  exports.Set("signalPidfd", Napi::Function::New(env, SignalPidfd));
  exports.Set("waitChild", Napi::Function::New(env, WaitChild));
}
