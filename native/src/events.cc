#include "events.h"

#include <utility>

namespace {

// One environment loads the addon; making a queue for every job would cost more than the jobs.
Napi::ThreadSafeFunction* queue = nullptr;
int holders = 0;

}  // namespace

void HoldEvents(Napi::Env env) {
  if (queue == nullptr) {
    queue = new Napi::ThreadSafeFunction(
        Napi::ThreadSafeFunction::New(env, Napi::Function(), "native events", 0, 1));
    queue->Unref(env);
  }
  if (holders++ == 0) queue->Ref(env);
}

void LetGoEvents(Napi::Env env) {
  if (--holders == 0) queue->Unref(env);
}

void TellJavaScript(std::function<void(Napi::Env)> call) {
  queue->NonBlockingCall([call = std::move(call)](Napi::Env env, Napi::Function) {
    Napi::HandleScope scope(env);
    call(env);
  });
}
