// File work Node lacks: extended attributes, syncfs, flags of ext4.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "addon.h"
#include "job.h"
#include "fd.h"

namespace {

// getXattr(path: string, name: string): Buffer | undefined; of a link itself
Napi::Value GetXattr(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const std::string name = info[1].As<Napi::String>();
  char value[4096];
  const ssize_t length = lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
  if (length >= 0) return Napi::Buffer<char>::Copy(env, value, static_cast<size_t>(length));
  if (errno != ENODATA && errno != ENOTSUP) Throw(env, {errno, "lgetxattr", path + " " + name});
  return env.Undefined();
}

// setXattr(path: string, name: string, value: Buffer); of a link itself
Napi::Value SetXattr(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const std::string name = info[1].As<Napi::String>();
  const auto value = info[2].As<Napi::Buffer<char>>();
  if (lsetxattr(path.c_str(), name.c_str(), value.Data(), value.Length(), 0) != 0) {
    Throw(env, {errno, "lsetxattr", path + " " + name});
  }
  return env.Undefined();
}

// syncFs(path: string): Promise<void>; writes the file system that holds `path` to its disk
Napi::Value SyncFs(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  return RunJob(
      info.Env(),
      [path]() -> SystemError {
        const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd.valid()) return {errno, "open", path};
        if (syncfs(fd.get()) != 0) return {errno, "syncfs", path};
        return {};
      },
      Undefined);
}

// spreadChildren(path: string): boolean; whether the file system now spreads the directories in this one over the disk
Napi::Value SpreadChildren(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    Throw(env, {errno, "open", path});
    return env.Undefined();
  }
  int flags = 0;
  bool isSpread = ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0;
  if (isSpread && (flags & FS_TOPDIR_FL) == 0) {
    flags |= FS_TOPDIR_FL;
    isSpread = ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) == 0;
  }
  return Napi::Boolean::New(env, isSpread);
}

}  // namespace

void InitFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("getXattr", Napi::Function::New(env, GetXattr));
  exports.Set("setXattr", Napi::Function::New(env, SetXattr));
  exports.Set("spreadChildren", Napi::Function::New(env, SpreadChildren));
  exports.Set("syncFs", Napi::Function::New(env, SyncFs));
}
