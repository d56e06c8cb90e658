// Long work on a thread of its own: it may wait for a slow reader without holding up anything else.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "addon.h"
#include "events.h"

// `work` runs on the new thread and returns a failure (testable as bool, with a ToJs); `result` gives the promise's value on
// the JavaScript thread.
template <typename Work, typename Result>
Napi::Promise RunOnThread(Napi::Env env, Work work, Result result) {
  struct State {
    Napi::Promise::Deferred deferred;
    Work work;
    Result result;
  };
  auto state = std::make_shared<State>(
      State{Napi::Promise::Deferred::New(env), std::move(work), std::move(result)});
  HoldEvents(env);
  std::thread([state] {
    auto failure = state->work();
    TellJavaScript([state, failure = std::move(failure)](Napi::Env env) {
      if (failure) state->deferred.Reject(ToJs(env, failure).Value());
      else state->deferred.Resolve(state->result(env));
      LetGoEvents(env);
    });
  }).detach();
  return state->deferred.Promise();
}
