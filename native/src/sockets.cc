// Sockets of other network namespaces.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "addon.h"
#include "fd.h"
#include "job.h"

namespace {

// A socket stays in the namespace it was made in, whoever connects it. Namespaces belong to threads:
// one of its own enters, and ends.
SystemError Make(const std::string& path, int family, Fd* made) {
  const Fd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return {errno, "open", path};
  SystemError error;
  std::thread([&] {
    if (setns(netns.get(), CLONE_NEWNET) != 0) {
      error = {errno, "setns", path};
      return;
    }
    made->Reset(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made->valid()) error = {errno, "socket", path};
  }).join();
  return error;
}

// socketInside(netnsPath: string, family: 4 | 6): Promise<number>; the caller closes it
Napi::Value SocketInside(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  const int family = info[1].As<Napi::Number>().Int32Value() == 6 ? AF_INET6 : AF_INET;
  auto made = std::make_shared<Fd>();
  return RunJob(
      info.Env(), [path, family, made] { return Make(path, family, made.get()); },
      [made](Napi::Env env) { return Napi::Number::New(env, made->Release()); });
}

}  // namespace

void InitSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("socketInside", Napi::Function::New(env, SocketInside));
}
