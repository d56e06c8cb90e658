// Work on a libuv worker thread whose outcome settles a promise: the event loop never waits for it.
#pragma once

#include <napi.h>

#include <utility>

#include "addon.h"

// `Work` is called on the worker thread and returns a failure (SystemError, LayerError: testable as bool, with a ToJs).
// `Result` is called on the JavaScript thread after a success and gives the promise's value.
template <typename Work, typename Result>
class Job final : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, Work work, Result result)
      : AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { failure_ = work_(); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (failure_) {
      deferred_.Reject(ToJs(Env(), failure_).Value());
    } else {
      deferred_.Resolve(result_(Env()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Result result_;
  decltype(std::declval<Work>()()) failure_;
};

template <typename Work, typename Result>
Napi::Promise RunJob(Napi::Env env, Work work, Result result) {
  auto* job = new Job<Work, Result>(env, std::move(work), std::move(result));
  Napi::Promise promise = job->Promise();
  job->Queue();  // deletes itself when settled
  return promise;
}

// For work without a value.
inline Napi::Value Undefined(Napi::Env env) { return env.Undefined(); }
