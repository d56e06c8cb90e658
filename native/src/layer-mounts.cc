// The face of layers in either form to JavaScript.
#include "addon.h"
#include "archive-options.h"
#include "job.h"
#include "open-layer.h"

namespace {

// openLayerFiles(paths: string[]): number[] | undefined; -1 for what is no file, undefined when one is not mounted yet
Napi::Value OpenFiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Fd> roots;
  for (const std::string& path : Texts(info[0])) {
    if (!OpenLayerFile(path, &roots.emplace_back())) return env.Undefined();
  }
  Napi::Array opened = Napi::Array::New(env, roots.size());
  for (uint32_t i = 0; i < roots.size(); i++) opened.Set(i, Napi::Number::New(env, roots[i].Release()));
  return opened;
}

// mountLayers(paths: string[]): Promise<void>
Napi::Value MountAll(const Napi::CallbackInfo& info) {
  return RunJob(
      info.Env(),
      [paths = Texts(info[0])]() -> SystemError {
        for (const std::string& path : paths) {
          Fd root;
          if (SystemError error = OpenLayer(path, &root)) return error;
        }
        return {};
      },
      Undefined);
}

// forgetLayer(path: string)
void Forget(const Napi::CallbackInfo& info) { ForgetLayer(info[0].As<Napi::String>()); }

// isLayerFileOpen(path: string): boolean
Napi::Value IsFileOpen(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsLayerFileOpen(info[0].As<Napi::String>()));
}

}  // namespace

void InitLayerMounts(Napi::Env env, Napi::Object exports) {
  exports.Set("openLayerFiles", Napi::Function::New(env, OpenFiles));
  exports.Set("mountLayers", Napi::Function::New(env, MountAll));
  exports.Set("forgetLayer", Napi::Function::New(env, Forget));
  exports.Set("isLayerFileOpen", Napi::Function::New(env, IsFileOpen));
}
