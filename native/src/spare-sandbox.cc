#include "spare-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "addon.h"
#include "job.h"

namespace {

SystemError OpenOwn(const char* kind, Fd* ns) {
  const std::string path = std::string("/proc/thread-self/ns/") + kind;
  *ns = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return ns->valid() ? SystemError{} : SystemError{errno, "open", path};
}

SystemError MakeMemory(const std::string& options, Fd* root) {
  const Fd fs(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!fs.valid()) return {errno, "fsopen", "tmpfs"};
  const auto set = [&](unsigned command, const char* name, const char* value) {
    return syscall(SYS_fsconfig, fs.get(), command, name, value, 0) == 0;
  };
  if (!set(FSCONFIG_SET_STRING, "source", "shm")) return {errno, "fsconfig", "source=shm"};
  for (size_t at = 0; at < options.size();) {
    const size_t end = std::min(options.find(',', at), options.size());
    const std::string option = options.substr(at, end - at);
    const size_t sign = option.find('=');
    if (sign == std::string::npos) return {EINVAL, "fsconfig", option};
    const std::string name = option.substr(0, sign), value = option.substr(sign + 1);
    if (!set(FSCONFIG_SET_STRING, name.c_str(), value.c_str())) return {errno, "fsconfig", option};
    at = end + 1;
  }
  if (!set(FSCONFIG_CMD_CREATE, nullptr, nullptr)) return {errno, "fsconfig", "tmpfs"};
  const unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  *root = Fd(static_cast<int>(syscall(SYS_fsmount, fs.get(), FSMOUNT_CLOEXEC, attributes)));
  return root->valid() ? SystemError{} : SystemError{errno, "fsmount", "tmpfs"};
}

}  // namespace

SystemError MakeSandboxParts(const std::string& memory, SandboxParts* parts) {
  if (unshare(CLONE_NEWIPC | CLONE_NEWUTS) != 0) return {errno, "unshare", "ipc and uts"};
  if (SystemError error = OpenOwn("ipc", &parts->ipc)) return error;
  if (SystemError error = OpenOwn("uts", &parts->uts)) return error;
  return MakeMemory(memory, &parts->shm);
}

SystemError Attach(const Step& step) {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH;
  const int from = atoi(step.value.c_str());
  if (syscall(SYS_move_mount, from, "", AT_FDCWD, step.path.c_str(), flags) == 0) return {};
  return {errno, "move_mount", step.path};
}

// A thread of its own enters it and ends: none of ours may stay in there.
SystemError NameHost(const Step& step) {
  SystemError result;
  std::thread([&] {
    const Fd ns(open(step.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!ns.valid()) {
      result = {errno, "open", step.path};
    } else if (setns(ns.get(), CLONE_NEWUTS) != 0) {
      result = {errno, "setns", step.path};
    } else if (sethostname(step.value.data(), step.value.size()) != 0) {
      result = {errno, "sethostname", step.value};
    }
  }).join();
  return result;
}

namespace {

// (options of the memory) -> promise of {ipc, uts, shm}, descriptors that the caller closes
Napi::Value MakeParts(const Napi::CallbackInfo& info) {
  auto parts = std::make_shared<SandboxParts>();
  return RunJob(
      info.Env(),
      [memory = info[0].As<Napi::String>().Utf8Value(), parts] {
        SystemError result;
        std::thread([&] { result = MakeSandboxParts(memory, parts.get()); }).join();
        return result;
      },
      [parts](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("ipc", Napi::Number::New(env, parts->ipc.Release()));
        result.Set("uts", Napi::Number::New(env, parts->uts.Release()));
        result.Set("shm", Napi::Number::New(env, parts->shm.Release()));
        return result;
      });
}

}  // namespace

void InitSpareSandbox(Napi::Env env, Napi::Object exports) {
  exports.Set("makeSandboxParts", Napi::Function::New(env, MakeParts));
}
