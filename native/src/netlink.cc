// Network namespaces, and the transport of netlink messages; TypeScript writes and reads the messages (netlink-message.ts).
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "addon.h"
#include "fd.h"
#include "job.h"

namespace {

// Namespaces belong to threads: what enters one runs in a thread of its own, which ends with it.
template <typename Call>
void InOwnThread(Call call) {
  std::thread(call).join();
}

SystemError MakeNetns(Fd* fd) {
  SystemError error;
  InOwnThread([&error, fd] {
    if (unshare(CLONE_NEWNET) != 0) {
      error = {errno, "unshare", "CLONE_NEWNET"};
      return;
    }
    fd->Reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd->valid()) error = {errno, "open", "/proc/thread-self/ns/net"};
  });
  return error;
}

// A socket stays in the namespace it was made in, whoever uses it. `netns` -1: this process's own.
SystemError OpenSocket(int netns, int protocol, Fd* fd) {
  SystemError error;
  const auto make = [&error, fd, protocol] {
    fd->Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd->valid()) error = {errno, "socket", "AF_NETLINK"};
  };
  if (netns < 0) {
    make();
  } else {
    InOwnThread([&error, netns, &make] {
      if (setns(netns, CLONE_NEWNET) != 0) {
        error = {errno, "setns", "network namespace"};
        return;
      }
      make();
    });
  }
  if (error) return error;
  const int on = 1;
  setsockopt(fd->get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);  // short acknowledgements
  setsockopt(fd->get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);  // with the reason in words
  const int room = 8 << 20;  // a transaction is one datagram; a buffer is counted only while it is used
  setsockopt(fd->get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  const timeval patience{10, 0};  // the kernel answers at once; never wait for ever for a lost answer
  setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return {};
}

// Ends of answers (NLMSG_ERROR, also for success, or NLMSG_DONE) among complete messages.
size_t CountEnds(const uint8_t* bytes, size_t length) {
  size_t ends = 0;
  size_t at = 0;
  while (length - at >= sizeof(nlmsghdr)) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(bytes + at);
    if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > length - at) break;
    if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) ends++;
    at += NLMSG_ALIGN(header->nlmsg_len);
    if (at > length) break;
  }
  return ends;
}

// Sends `requests` in one call and receives until each of the `expected` has its end.
SystemError Talk(int netns, int protocol, const std::vector<uint8_t>& requests, size_t expected,
                 std::vector<uint8_t>* answers) {
  Fd fd;
  if (SystemError error = OpenSocket(netns, protocol, &fd)) return error;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = sendto(fd.get(), requests.data(), requests.size(), 0,
                              reinterpret_cast<sockaddr*>(&kernel), sizeof kernel);
  if (sent < 0) return {errno, "sendto", "netlink"};
  size_t ends = 0;
  while (ends < expected) {
    alignas(nlmsghdr) uint8_t piece[32768];  // the kernel's largest datagram of a dump
    const ssize_t received = recv(fd.get(), piece, sizeof piece, MSG_TRUNC);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return {errno == EAGAIN ? ETIMEDOUT : errno, "recv", "netlink"};
    if (static_cast<size_t>(received) > sizeof piece) return {EMSGSIZE, "recv", "netlink"};
    ends += CountEnds(piece, static_cast<size_t>(received));
    answers->insert(answers->end(), piece, piece + received);
  }
  return {};
}

// createNetns(): Promise<number>; the namespace lives while the descriptor, a process in it or a mount of it does
Napi::Value CreateNetns(const Napi::CallbackInfo& info) {
  auto fd = std::make_shared<Fd>();
  return RunJob(
      info.Env(), [fd] { return MakeNetns(fd.get()); },
      [fd](Napi::Env env) { return Napi::Number::New(env, fd->Release()); });
}

// bindNetns(fd: number, path: string): Promise<void>
Napi::Value BindNetns(const Napi::CallbackInfo& info) {
  const int netns = info[0].As<Napi::Number>().Int32Value();
  const std::string path = info[1].As<Napi::String>();
  return RunJob(
      info.Env(),
      [netns, path]() -> SystemError {
        const Fd file(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
        if (!file.valid()) return {errno, "open", path};
        const std::string source = "/proc/self/fd/" + std::to_string(netns);
        if (mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
        const SystemError error{errno, "mount", path};
        unlink(path.c_str());
        return error;
      },
      Undefined);
}

// removeNetns(path: string): Promise<void>; nothing there is no error
Napi::Value RemoveNetns(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  return RunJob(
      info.Env(),
      [path]() -> SystemError {
        // EINVAL: a file without a mount on it.
        if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL &&
            errno != ENOENT) {
          return {errno, "umount2", path};
        }
        if (unlink(path.c_str()) != 0 && errno != ENOENT) return {errno, "unlink", path};
        return {};
      },
      Undefined);
}

// netlinkTalk(netns: number, protocol: number, requests: Uint8Array, expected: number): Promise<Buffer>
Napi::Value NetlinkTalk(const Napi::CallbackInfo& info) {
  const int netns = info[0].As<Napi::Number>().Int32Value();
  const int protocol = info[1].As<Napi::Number>().Int32Value();
  const auto bytes = info[2].As<Napi::Uint8Array>();
  const size_t expected = info[3].As<Napi::Number>().Uint32Value();
  std::vector<uint8_t> requests(bytes.Data(), bytes.Data() + bytes.ByteLength());
  auto answers = std::make_shared<std::vector<uint8_t>>();
  return RunJob(
      info.Env(),
      [netns, protocol, requests = std::move(requests), expected, answers] {
        return Talk(netns, protocol, requests, expected, answers.get());
      },
      [answers](Napi::Env env) -> Napi::Value {
        return Napi::Buffer<uint8_t>::Copy(env, answers->data(), answers->size());
      });
}

}  // namespace

void InitNetlink(Napi::Env env, Napi::Object exports) {
  exports.Set("createNetns", Napi::Function::New(env, CreateNetns));
  exports.Set("bindNetns", Napi::Function::New(env, BindNetns));
  exports.Set("removeNetns", Napi::Function::New(env, RemoveNetns));
  exports.Set("netlinkTalk", Napi::Function::New(env, NetlinkTalk));
}
