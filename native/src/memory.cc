// Memory of the process itself.
#include <malloc.h>

#include "addon.h"
#include "job.h"

namespace {

// releaseMemory(): Promise<void>
Napi::Value ReleaseMemory(const Napi::CallbackInfo& info) {
  return RunJob(
      info.Env(),
      [] {
        malloc_trim(0);
        return SystemError{};
      },
      Undefined);
}

}  // namespace

void InitMemory(Napi::Env env, Napi::Object exports) {
  exports["releaseMemory"] = Napi::Function::New(env, ReleaseMemory);
}
