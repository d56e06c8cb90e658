// Turns a failed system call into a JavaScript error with its facts.
#include <string.h>

#include "addon.h"

Napi::Error ToJs(Napi::Env env, const SystemError& error) {
  std::string message = std::string(error.call) + (error.path.empty() ? "" : " " + error.path) +
                        ": " + strerror(error.number);
  if (*error.advice != '\0') message += std::string("; ") + error.advice;
  Napi::Error js = Napi::Error::New(env, message);
  const char* code = strerrorname_np(error.number);
  Napi::Object facts = js.Value();
  facts.Set("errno", Napi::Number::New(env, error.number));
  facts.Set("code", Napi::String::New(env, code == nullptr ? "EUNKNOWN" : code));
  facts.Set("syscall", Napi::String::New(env, error.call));
  facts.Set("path", Napi::String::New(env, error.path));
  return js;
}

void Throw(Napi::Env env, const SystemError& error) {
  ToJs(env, error).ThrowAsJavaScriptException();
}
