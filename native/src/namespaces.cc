// Namespaces that stay while nobody is in them, kept by a bind mount of their file.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
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

// Runs in a thread of its own, which ends in there.
SystemError Enter(const std::string& file) {
  Fd ns(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.valid()) return {errno, "open", file};
  // A mount namespace is entered by who shares his working directory with nobody.
  if (unshare(CLONE_FS) != 0) return {errno, "unshare", "CLONE_FS"};
  return setns(ns.get(), CLONE_NEWNS) == 0 ? SystemError{} : SystemError{errno, "setns", file};
}

// The number of the mount that `path` is on; 0: there is no such path.
uint64_t MountAt(const std::string& path) {
  struct statx facts = {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return statx(AT_FDCWD, path.c_str(), flags, STATX_MNT_ID, &facts) == 0 ? facts.stx_mnt_id : 0;
}

template <typename Call>
Napi::Value InMounts(const Napi::CallbackInfo& info, Call call) {
  auto found = std::make_shared<uint64_t>(0);
  return RunJob(
      info.Env(),
      [file = info[0].As<Napi::String>().Utf8Value(), path = info[1].As<Napi::String>().Utf8Value(),
       call, found] {
        SystemError result;
        std::thread([&] {
          result = Enter(file);
          if (!result) result = call(path, found.get());
        }).join();
        return result;
      },
      [found](Napi::Env env) -> Napi::Value {
        return Napi::Number::New(env, static_cast<double>(*found));
      });
}

// (file of a mount namespace, path in it) -> promise of the number of its mount, or 0
Napi::Value MountIn(const Napi::CallbackInfo& info) {
  return InMounts(info, [](const std::string& path, uint64_t* found) -> SystemError {
    *found = MountAt(path);
    return {};
  });
}

// (file of a mount namespace, path in it) -> promise; what is mounted on it is taken away with all below
Napi::Value UnmountIn(const Napi::CallbackInfo& info) {
  return InMounts(info, [](const std::string& path, uint64_t*) -> SystemError {
    if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
    return {errno, "umount2", path};
  });
}

}  // namespace

void InitNamespaces(Napi::Env env, Napi::Object exports) {
  exports.Set("createNamespaces", Napi::Function::New(env, CreateNamespaces));
  exports.Set("mountIn", Napi::Function::New(env, MountIn));
  exports.Set("unmountIn", Napi::Function::New(env, UnmountIn));
}
