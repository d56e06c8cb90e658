// Faults that are made on purpose, in an addon of their own: what the sanitizers are for must be found.
#include <napi.h>

// The linker's --wrap, by the name that the compiler gives: InitFiles(Napi::Env, Napi::Object).
#define REAL __real__Z9InitFilesN4Napi3EnvENS_6ObjectE
#define WRAP __wrap__Z9InitFilesN4Napi3EnvENS_6ObjectE
extern "C" void REAL(Napi::Env env, Napi::Object exports);
extern "C" __attribute__((visibility("default"))) void WRAP(Napi::Env env, Napi::Object exports);

namespace {

// Not known when this is compiled.
volatile int large = 0x7fffffff;
volatile size_t beyond = 8;

Napi::Value Address(const Napi::CallbackInfo& info) {
  volatile char* volatile place = new char[8];
  place[beyond] = 1;
  return info.Env().Undefined();
}

Napi::Value Undefined(const Napi::CallbackInfo& info) {
  large = large + 1;
  return info.Env().Undefined();
}

}  // namespace

void WRAP(Napi::Env env, Napi::Object exports) {
  REAL(env, exports);
  exports.Set("plantedAddress", Napi::Function::New(env, Address));
  exports.Set("plantedUndefined", Napi::Function::New(env, Undefined));
}
