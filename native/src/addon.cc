// The addon's entry: gathers the concerns. Thin wrappers of system calls; no policy here.
#include "addon.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  InitBecome(env, exports);
  InitChannels(env, exports);
  InitDescriptors(env, exports);
  InitFiles(env, exports);
  InitHandOver(env, exports);
  InitKernelLog(env, exports);
  InitLayerMounts(env, exports);
  InitLayers(env, exports);
  InitMemory(env, exports);
  InitNamespaces(env, exports);
  InitSpareSandbox(env, exports);
  InitNetlink(env, exports);
  InitSockets(env, exports);
  InitSpawn(env, exports);
  InitUnpacking(env, exports);
  InitUserNamespaces(env, exports);
  return exports;
}

NODE_API_MODULE(native, Init)
