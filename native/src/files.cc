// File work Node lacks: unpacking layers, extended attributes, syncfs.
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <memory>

#include "addon.h"
#include "job.h"
#include "layer-unpacker.h"

namespace {

using Unpacker = std::shared_ptr<LayerUnpacker>;

const Unpacker& UnpackerOf(const Napi::CallbackInfo& info) {
  return *info[0].As<Napi::External<Unpacker>>().Data();
}

// unpackOpen(directory: string, maxBytes: number, maxEntries: number): handle
Napi::Value UnpackOpen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  LayerLimits limits;
  limits.bytes = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  limits.entries = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  auto unpacker = std::make_shared<LayerUnpacker>();
  if (SystemError error = unpacker->Open(info[0].As<Napi::String>(), limits)) {
    Throw(env, error);
    return env.Undefined();
  }
  return Napi::External<Unpacker>::New(env, new Unpacker(std::move(unpacker)),
                                       [](Napi::Env, Unpacker* pointer) { delete pointer; });
}

// unpackWrite(handle, bytes: Uint8Array): Promise<void>; the next call only after this one has settled
Napi::Value UnpackWrite(const Napi::CallbackInfo& info) {
  auto bytes = info[1].As<Napi::Uint8Array>();
  // Shared: the job is moved, the reference keeps the bytes alive meanwhile.
  auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(bytes.As<Napi::Object>()));
  const uint8_t* start = bytes.Data();
  const size_t length = bytes.ByteLength();
  return RunJob(
      info.Env(), [unpacker = UnpackerOf(info), start, length] { return unpacker->Write(start, length); },
      [kept](Napi::Env env) { return env.Undefined(); });
}

// unpackFinish(handle): Promise<{bytes: number, entries: number}>
Napi::Value UnpackFinish(const Napi::CallbackInfo& info) {
  Unpacker unpacker = UnpackerOf(info);
  return RunJob(
      info.Env(), [unpacker] { return unpacker->Finish(); },
      [unpacker](Napi::Env env) -> Napi::Value {
        Napi::Object counts = Napi::Object::New(env);
        counts.Set("bytes", Napi::Number::New(env, static_cast<double>(unpacker->bytes())));
        counts.Set("entries", Napi::Number::New(env, static_cast<double>(unpacker->entries())));
        return counts;
      });
}

// unpackClose(handle): closes what it holds open; no call may be under way
void UnpackClose(const Napi::CallbackInfo& info) { UnpackerOf(info)->Close(); }

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

}  // namespace

void InitFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("unpackOpen", Napi::Function::New(env, UnpackOpen));
  exports.Set("unpackWrite", Napi::Function::New(env, UnpackWrite));
  exports.Set("unpackFinish", Napi::Function::New(env, UnpackFinish));
  exports.Set("unpackClose", Napi::Function::New(env, UnpackClose));
  exports.Set("getXattr", Napi::Function::New(env, GetXattr));
  exports.Set("syncFs", Napi::Function::New(env, SyncFs));
}
