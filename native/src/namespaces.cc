// Namespaces that stay while nobody is in them, kept by a bind mount of their file.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "addon.h"
#include "fd.h"
#include "job.h"

namespace {

SystemError Keep(const char* kind, const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return {errno, "open", path};
  std::string own = std::string("/proc/thread-self/ns/") + kind;
  if (mount(own.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return {errno, "mount", path};
  }
  return {};
}

SystemError Make(const std::string& ipc, const std::string& uts, const std::string& hostname) {
  int flags = (ipc.empty() ? 0 : CLONE_NEWIPC) | (uts.empty() ? 0 : CLONE_NEWUTS);
  if (unshare(flags) != 0) return {errno, "unshare", ipc.empty() ? uts : ipc};
  if (!uts.empty() && sethostname(hostname.data(), hostname.size()) != 0) {
    return {errno, "sethostname", hostname};
  }
  if (!ipc.empty()) {
    if (SystemError error = Keep("ipc", ipc)) return error;
  }
  return uts.empty() ? SystemError{} : Keep("uts", uts);
}

// (ipc path or "", uts path or "", hostname) -> promise. A thread of its own enters them and ends:
// none of ours may stay in there.
Napi::Value CreateNamespaces(const Napi::CallbackInfo& info) {
  auto text = [&](size_t at) { return info[at].As<Napi::String>().Utf8Value(); };
  return RunJob(
      info.Env(),
      [ipc = text(0), uts = text(1), hostname = text(2)] {
        SystemError result;
        std::thread([&] { result = Make(ipc, uts, hostname); }).join();
        return result;
      },
      Undefined);
}

}  // namespace

void InitNamespaces(Napi::Env env, Napi::Object exports) {
  exports.Set("createNamespaces", Napi::Function::New(env, CreateNamespaces));
}
