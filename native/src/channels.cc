// Connections to supervisors, watched by one thread of our own. A node has hundreds of them that
// are silent for days; Node's sockets cost each start 0.2 ms of the event loop.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "addon.h"
#include "events.h"
#include "fd.h"

namespace {

// Numbers of our own name the channels: a descriptor's number may be another's by the time
// JavaScript hears of it.
struct Channels {
  std::mutex mutex;
  std::unordered_map<uint32_t, Fd> open;
  uint32_t last = 0;
  int epoll = -1;
};

// Never destroyed: the thread that watches lives as long as the process.
Channels& TheChannels() {
  static Channels* channels = new Channels;
  return *channels;
}

Napi::FunctionReference* listener = nullptr;

void Tell(uint32_t id, std::string bytes) {
  TellJavaScript([id, bytes = std::move(bytes)](Napi::Env env) {
    Napi::Value data = env.Null();
    if (!bytes.empty()) data = Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
    listener->Call({Napi::Number::New(env, id), data});
    if (bytes.empty()) LetGoEvents(env);
  });
}

// Calls `use` with the descriptor of an open channel, which stays open meanwhile.
template <typename Use>
void WithDescriptor(const Napi::Value& id, Use use) {
  Channels& channels = TheChannels();
  std::lock_guard lock(channels.mutex);
  auto found = channels.open.find(id.As<Napi::Number>().Uint32Value());
  if (found != channels.open.end()) use(found->second.get());
}

// Only the watching thread closes descriptors, so that none is read that was closed. Taken out of
// the set by hand: a child that is just being spawned holds a copy, which would keep a closed one
// there.
void End(uint32_t id) {
  Channels& channels = TheChannels();
  {
    std::lock_guard lock(channels.mutex);
    epoll_ctl(channels.epoll, EPOLL_CTL_DEL, channels.open.at(id).get(), nullptr);
    channels.open.erase(id);
  }
  Tell(id, "");
}

void Serve(uint32_t id) {
  Channels& channels = TheChannels();
  char bytes[4096];
  int fd;
  {
    std::lock_guard lock(channels.mutex);
    fd = channels.open.at(id).get();
  }
  ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) Tell(id, std::string(bytes, static_cast<size_t>(got)));
  else End(id);
}

void Watch() {
  Channels& channels = TheChannels();
  epoll_event ready[32];
  for (;;) {
    int count = epoll_wait(channels.epoll, ready, 32, -1);
    for (int i = 0; i < count; i++) Serve(ready[i].data.u32);
  }
}

uint32_t Add(Napi::Env env, Fd fd) {
  Channels& channels = TheChannels();
  HoldEvents(env);
  std::lock_guard lock(channels.mutex);
  if (channels.epoll < 0) {
    channels.epoll = epoll_create1(EPOLL_CLOEXEC);
    std::thread(Watch).detach();
  }
  uint32_t id = ++channels.last;
  epoll_event event = {.events = EPOLLIN, .data = {.u32 = id}};
  epoll_ctl(channels.epoll, EPOLL_CTL_ADD, fd.get(), &event);
  channels.open.emplace(id, std::move(fd));
  return id;
}

// (callback): hears (id, bytes) and, last, (id, null) of every channel
Napi::Value Listen(const Napi::CallbackInfo& info) {
  listener = new Napi::FunctionReference(Napi::Persistent(info[0].As<Napi::Function>()));
  return info.Env().Undefined();
}

// (descriptor) -> id
Napi::Value Open(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Add(info.Env(), Fd(info[0].As<Napi::Number>())));
}

// Through a descriptor, since a socket's address holds only 107 bytes.
SystemError ConnectTo(const std::string& directory, Fd& fd) {
  Fd place(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  fd = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::string path = "/proc/self/fd/" + std::to_string(place.get()) + "/ctl.sock";
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!place.valid() ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return {errno, "connect", directory + "/ctl.sock"};
  }
  return {};
}

// (state directory) -> id
Napi::Value Connect(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Fd fd;
  if (SystemError error = ConnectTo(info[0].As<Napi::String>().Utf8Value(), fd)) {
    Throw(env, error);
    return env.Undefined();
  }
  return Napi::Number::New(env, Add(env, std::move(fd)));
}

// (state directory, bytes) -> descriptor of a connection that is the caller's, and how many of the
// bytes were sent on it: what the supervisor does for them goes on while JavaScript makes a socket
Napi::Value Reach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Fd fd;
  if (SystemError error = ConnectTo(info[0].As<Napi::String>().Utf8Value(), fd)) {
    Throw(env, error);
    return env.Undefined();
  }
  auto bytes = info[1].As<Napi::Uint8Array>();
  ssize_t sent = send(fd.get(), bytes.Data(), bytes.ByteLength(), MSG_DONTWAIT | MSG_NOSIGNAL);
  Napi::Object reached = Napi::Object::New(env);
  reached.Set("descriptor", fd.Release());
  // Whoever sends the rest meets the failure.
  reached.Set("sent", sent < 0 ? 0 : static_cast<double>(sent));
  return reached;
}

constexpr int kAttempts = 3;

// (id, bytes): a few bytes always fit; to one that is gone they are lost, and its end is told
// anyway. What fails for another reason, a signal or want of memory, is tried again: somebody waits
// for the answer.
Napi::Value Send(const Napi::CallbackInfo& info) {
  auto bytes = info[1].As<Napi::Uint8Array>();
  WithDescriptor(info[0], [&](int fd) {
    for (int attempt = 0; attempt < kAttempts; attempt++) {
      if (send(fd, bytes.Data(), bytes.ByteLength(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
      if (errno == EPIPE || errno == ECONNRESET || errno == EBADF) return;
    }
  });
  return info.Env().Undefined();
}

// (id): its end is told like any other
Napi::Value Close(const Napi::CallbackInfo& info) {
  WithDescriptor(info[0], [](int fd) { shutdown(fd, SHUT_RDWR); });
  return info.Env().Undefined();
}

}  // namespace

void InitChannels(Napi::Env env, Napi::Object exports) {
  exports.Set("listenToChannels", Napi::Function::New(env, Listen));
  exports.Set("openChannel", Napi::Function::New(env, Open));
  exports.Set("connectChannel", Napi::Function::New(env, Connect));
  exports.Set("reachSupervisor", Napi::Function::New(env, Reach));
  exports.Set("sendToChannel", Napi::Function::New(env, Send));
  exports.Set("closeChannel", Napi::Function::New(env, Close));
}
