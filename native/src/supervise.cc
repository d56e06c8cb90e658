#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <utility>

#include "protocol.h"
#include "spare.h"

namespace {

constexpr int kAnswerTimeoutMs = 60000;
constexpr int kQueue = 1024;  // a full queue refuses; a supervisor serves 32 connections at a time

}  // namespace

Fd Lift(Fd fd) { return Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 10)); }

void AwaitEnd(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

// The socket listens before the supervisor exists: whoever finds it can wait in its queue, and once
// nobody holds it (supervisor and agent gone) it refuses. The path goes through a descriptor, since
// socket paths end at 107 bytes.
SystemError ListenIn(const std::string& directory, const char* name, Fd& listener) {
  Fd place(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.valid()) return {errno, "open", directory};
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::string path = "/proc/self/fd/" + std::to_string(place.get()) + "/" + name;
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  listener = Lift(Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), kQueue) != 0) {
    return {errno, "bind", directory + "/" + name};
  }
  return {};
}

SystemError SpawnSupervisor(const SupervisorOrder& order, const std::vector<int>& given,
                            pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  // All three always: what Node left close-on-exec would be free for the next descriptor to land
  // on.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  for (size_t i = 0; i < given.size(); i++)
    posix_spawn_file_actions_adddup2(&actions, given[i], 3 + static_cast<int>(i));
  posix_spawn_file_actions_addchdir_np(&actions, order.directory.c_str());
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::string program = "/proc/self/fd/" + std::to_string(order.executable);
  std::string name = "bay-supervisor", id = order.id;
  char* arguments[] = {name.data(), id.data(), nullptr};
  char* environment[] = {nullptr};
  int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return {error, "posix_spawn", program};
}

namespace {

SystemError SendAll(const Fd& socket, const void* bytes, size_t length) {
  const char* at = static_cast<const char*>(bytes);
  while (length > 0) {
    ssize_t done = send(socket.get(), at, length, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return {errno, "send", "to the supervisor"};
    at += done;
    length -= static_cast<size_t>(done);
  }
  return {};
}

SystemError ReceiveAll(const Fd& socket, char* at, size_t length) {
  while (length > 0) {
    pollfd wait = {socket.get(), POLLIN, 0};
    int ready = poll(&wait, 1, kAnswerTimeoutMs);
    if (ready < 0 && errno == EINTR) continue;
    ssize_t got = ready > 0 ? recv(socket.get(), at, length, 0) : -1;
    if (ready == 0) errno = ETIMEDOUT;
    if (ready > 0 && got == 0) errno = ECONNRESET;
    if (got <= 0) return {errno, "receive", "the supervisor's answer"};
    at += got;
    length -= static_cast<size_t>(got);
  }
  return {};
}

}  // namespace

SystemError ReceiveFrame(const Fd& socket, std::string& frame) {
  uint32_t length = 0;
  frame.resize(FRAME_HEADER);
  if (SystemError error = ReceiveAll(socket, frame.data(), FRAME_HEADER)) return error;
  memcpy(&length, frame.data(), sizeof length);
  if (length > 4096) return {EPROTO, "receive", "the supervisor's answer"};
  frame.resize(FRAME_HEADER + length);
  return ReceiveAll(socket, frame.data() + FRAME_HEADER, length);
}

SystemError SendSpec(uint32_t magic, const std::string& spec, const Fd& socket) {
  uint32_t header[2] = {magic, static_cast<uint32_t>(spec.size())};
  if (SystemError error = SendAll(socket, header, sizeof header)) return error;
  return SendAll(socket, spec.data(), spec.size());
}

SystemError SendContinue(const Fd& socket) {
  const char header[FRAME_HEADER] = {0, 0, 0, 0, FRAME_CONTINUE, 0, 0, 0};
  return SendAll(socket, header, sizeof header);
}

namespace {

SystemError SpawnFor(const SupervisorOrder& order, const Fd& listener, SupervisorAnswer& answer) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return {errno, "socketpair", ""};
  }
  answer.socket = Fd(ends[0]);
  Fd theirs = Lift(Fd(ends[1]));
  return SpawnSupervisor(order, {theirs.get(), listener.get()}, answer.pid);
}

// The cgroups are made while the container's process is: it waits for them. Where the supervisor was woken on this very
// processor it goes first: its child is born on another one.
SystemError Finish(const SupervisorRest& rest, SupervisorAnswer& answer) {
  if (SystemError error = SendSpec(SPEC_MAGIC, rest.spec, answer.socket)) return error;
  sched_yield();
  if (SystemError error = RunSteps(rest.meanwhile)) return error;
  // One that has ended said why before.
  SystemError error = SendContinue(answer.socket);
  if (error && error.number != EPIPE) return error;
  return ReceiveFrame(answer.socket, answer.frame);
}

}  // namespace

void PendingRest::Settle(State state) {
  state_ = state;
  change_.notify_all();
}

void PendingRest::Give(SupervisorRest rest) {
  const std::lock_guard lock(mutex_);
  rest_ = std::move(rest);
  Settle(State::kGiven);
}

void PendingRest::Withhold() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kPending) Settle(State::kWithheld);
}

bool PendingRest::Take(SupervisorRest& rest) {
  std::unique_lock lock(mutex_);
  change_.wait(lock, [this] { return state_ != State::kPending; });
  if (state_ == State::kGiven) rest = std::move(rest_);
  return state_ == State::kGiven;
}

SystemError StartSupervisor(const SupervisorOrder& order, PendingRest& pending,
                            SupervisorAnswer& answer) {
  Fd listener;
  if (SystemError error = RunSteps(order.before)) return error;
  if (SystemError error = ListenIn(order.directory, "ctl.sock", listener)) return error;
  // No supervisor is without its order for longer than it takes to send it, whoever is killed meanwhile.
  SupervisorRest rest;
  if (!pending.Take(rest)) return {ECANCELED, "await", "the rest of the order"};
  if (!TakeSpare(order, listener, answer)) {
    if (SystemError error = SpawnFor(order, listener, answer)) return error;
  }
  listener.Reset(-1);
  SystemError error = Finish(rest, answer);
  uint8_t said = error ? 0 : static_cast<uint8_t>(answer.frame[4]);
  if (said == FRAME_STARTED || said == FRAME_PREPARED) return {};
  // Without its order it ends by itself; one that said why it failed has ended; one that hangs is
  // ended.
  answer.socket.Reset(-1);
  if (error.number == ETIMEDOUT) kill(answer.pid, SIGKILL);
  AwaitEnd(answer.pid);
  return error;
}
