// The face of unpacking to JavaScript: an archive pushed in pieces, or a layer's whole file.
#include <errno.h>
#include <sys/stat.h>

#include <memory>

#include "addon.h"
#include "archive-options.h"
#include "layer-root.h"
#include "job.h"
#include "layer-unpacker.h"
#include "thread-job.h"
#include "unpack-file.h"

namespace {

using Unpacker = std::shared_ptr<LayerUnpacker>;

const Unpacker& UnpackerOf(const Napi::CallbackInfo& info) {
  return *info[0].As<Napi::External<Unpacker>>().Data();
}

LayerLimits LimitsOf(const Napi::Object& options) {
  LayerLimits limits;
  limits.bytes = Number(options.Get("maxBytes")).value_or(UINT64_MAX);
  limits.entries = Number(options.Get("maxEntries")).value_or(UINT64_MAX);
  return limits;
}

// unpackOpen({root: string | number, layer: boolean, …RootRules, maxBytes, maxEntries}): handle
Napi::Value UnpackOpen(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  Fd root;
  SystemError error = DirectoryOf(options.Get("root"), &root);
  struct stat link;
  if (!error && Flag(options, "layer") && lstat(Text(options, "root").c_str(), &link) == 0 &&
      S_ISLNK(link.st_mode)) {
    error = {ENOTDIR, "open", Text(options, "root")};
  }
  if (error) {
    Throw(env, error);
    return env.Undefined();
  }
  RootRules rules;
  rules.isLayer = Flag(options, "layer");
  rules.base = Text(options, "path");
  rules.doKeepKinds = Flag(options, "keepKinds");
  rules.uids = Ranges(options.Get("uids"));
  rules.gids = Ranges(options.Get("gids"));
  rules.uid = Number(options.Get("uid"));
  rules.gid = Number(options.Get("gid"));
  auto unpacker = std::make_shared<LayerUnpacker>();
  const bool isLayer = rules.isLayer;
  auto target = std::make_unique<LayerRoot>(std::move(root), std::move(rules));
  unpacker->Open(std::move(target), isLayer, LimitsOf(options));
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

// unpackFile({file, root, image?, tarDigests, fileDigests?, maxBytes, maxEntries}): Promise<facts>, on threads of its own
Napi::Value UnpackLayerFile(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  UnpackFileOptions options;
  options.file = Text(given, "file");
  options.place = Text(given, "root");
  options.isImage = Flag(given, "image");
  options.limits = LimitsOf(given);
  options.algorithm = Text(given, "tarDigests");
  options.fileAlgorithm = Text(given, "fileDigests");
  auto facts = std::make_shared<FileUnpacked>();
  return RunOnThread(
      info.Env(), [options, facts] { return UnpackFile(options, facts.get()); },
      [facts](Napi::Env env) -> Napi::Value {
        Napi::Object js = Napi::Object::New(env);
        const auto number = [&](const char* name, uint64_t value) {
          js.Set(name, Napi::Number::New(env, static_cast<double>(value)));
        };
        number("bytes", facts->bytes);
        number("entries", facts->entries);
        number("fileBytes", facts->fileBytes);
        number("tarBytes", facts->tarBytes);
        js.Set("fileDigest", Napi::String::New(env, facts->digest));
        js.Set("tarDigest", Napi::String::New(env, facts->tarDigest));
        return js;
      });
}

}  // namespace

void InitUnpacking(Napi::Env env, Napi::Object exports) {
  exports.Set("unpackOpen", Napi::Function::New(env, UnpackOpen));
  exports.Set("unpackWrite", Napi::Function::New(env, UnpackWrite));
  exports.Set("unpackFinish", Napi::Function::New(env, UnpackFinish));
  exports.Set("unpackClose", Napi::Function::New(env, UnpackClose));
  exports.Set("unpackFile", Napi::Function::New(env, UnpackLayerFile));
}
