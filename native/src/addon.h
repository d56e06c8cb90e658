// What every concern of the addon shares: one Init function per concern, and one way to report a
// failed system call.
#pragma once

#include <napi.h>

#include <string>

// Each concern lives in its own file and puts its functions on `exports`.
void InitBecome(Napi::Env env, Napi::Object exports);
void InitChannels(Napi::Env env, Napi::Object exports);
void InitDescriptors(Napi::Env env, Napi::Object exports);
void InitFiles(Napi::Env env, Napi::Object exports);
void InitHandOver(Napi::Env env, Napi::Object exports);
void InitKernelLog(Napi::Env env, Napi::Object exports);
void InitLayerMounts(Napi::Env env, Napi::Object exports);
void InitLayers(Napi::Env env, Napi::Object exports);
void InitMemory(Napi::Env env, Napi::Object exports);
void InitNamespaces(Napi::Env env, Napi::Object exports);
void InitSpareSandbox(Napi::Env env, Napi::Object exports);
void InitNetlink(Napi::Env env, Napi::Object exports);
void InitSockets(Napi::Env env, Napi::Object exports);
void InitSpawn(Napi::Env env, Napi::Object exports);
void InitUnpacking(Napi::Env env, Napi::Object exports);
void InitUserNamespaces(Napi::Env env, Napi::Object exports);

// A failed system call, made where it failed (also on a worker thread) and thrown or rejected
// later.
struct SystemError {
  int number = 0;  // errno; 0 means there was no failure
  const char* call = "";
  std::string path;
  const char* advice = "";  // what to do about it, if the number does not say

  explicit operator bool() const { return number != 0; }
};

// The Error object load.ts turns into a NativeError: {message, errno, code, syscall, path}.
Napi::Error ToJs(Napi::Env env, const SystemError& error);

// Throws `error` into JavaScript; the caller returns at once.
void Throw(Napi::Env env, const SystemError& error);
