// Threads of our own for work that waits milliseconds (starting containers): libuv's four serve
// files and names and must not be held up, and no more than these run at once, because more starts
// at a time only make each slower.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>

#include "addon.h"
#include "events.h"

// Runs `work` on a thread of the pool, in order of arrival.
void RunOnPool(std::function<void()> work);

template <typename Work, typename Result>
struct PooledJob {
  Napi::Promise::Deferred deferred;
  Work work;
  Result result;
  SystemError failure;
};

// `work` runs on the pool and returns a SystemError; `result` gives the promise's value on the
// JavaScript thread.
template <typename Work, typename Result>
Napi::Promise RunPooled(Napi::Env env, Work work, Result result) {
  using Job = PooledJob<Work, Result>;
  auto job = std::make_shared<Job>(
      Job{Napi::Promise::Deferred::New(env), std::move(work), std::move(result), {}});
  HoldEvents(env);
  RunOnPool([job] {
    job->failure = job->work();
    TellJavaScript([job](Napi::Env env) {
      if (job->failure) job->deferred.Reject(ToJs(env, job->failure).Value());
      else job->deferred.Resolve(job->result(env));
      LetGoEvents(env);
    });
  });
  return job->deferred.Promise();
}
