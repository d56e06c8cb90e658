// JavaScript's side of starting supervisors.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "addon.h"
#include "fd.h"
#include "job.h"
#include "pool.h"
#include "protocol.h"
#include "spare.h"
#include "steps.h"
#include "supervise.h"

namespace {

// (path) -> descriptor of a copy of the program that nobody can ever write to: a container that
// gets hold of the file it was started by (CVE-2019-5736) holds this.
Napi::Value SealedCopy(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>().Utf8Value();
  Fd from(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts;
  if (!from.valid() || fstat(from.get(), &facts) != 0) {
    Throw(env, {errno, "open", path});
    return env.Undefined();
  }
  Fd to(memfd_create("bay-supervisor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  off_t done = 0;
  while (to.valid() && done < facts.st_size) {
    size_t left = static_cast<size_t>(facts.st_size - done);
    if (sendfile(to.get(), from.get(), &done, left) <= 0) break;
  }
  int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (done != facts.st_size || fchmod(to.get(), 0500) != 0 ||
      fcntl(to.get(), F_ADD_SEALS, seals) != 0) {
    Throw(env, {errno, "copy to a sealed memfd", path});
    return env.Undefined();
  }
  return Napi::Number::New(env, to.Release());
}

std::string BytesOf(const Napi::Value& value) {
  auto bytes = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
}

using Pending = std::shared_ptr<PendingRest>;

// () -> what `startSupervisor` waits for, once its first steps are done
Napi::Value NewRest(const Napi::CallbackInfo& info) {
  return Napi::External<Pending>::New(info.Env(), new Pending(std::make_shared<PendingRest>()),
                                      [](Napi::Env, Pending* pending) { delete pending; });
}

PendingRest& RestOf(const Napi::Value& value) { return **value.As<Napi::External<Pending>>().Data(); }

// (rest, meanwhile, spec)
Napi::Value GiveRest(const Napi::CallbackInfo& info) {
  RestOf(info[0]).Give({info[1].As<Napi::String>().Utf8Value(), BytesOf(info[2])});
  return info.Env().Undefined();
}

// (rest)
Napi::Value WithholdRest(const Napi::CallbackInfo& info) {
  RestOf(info[0]).Withhold();
  return info.Env().Undefined();
}

// (executable, directory, id, before, rest) -> promise of {pid, socket, frame}; socket is -1 if it
// failed
Napi::Value Start(const Napi::CallbackInfo& info) {
  struct All {
    SupervisorOrder order;
    Pending pending;
    SupervisorAnswer answer;
  };
  auto all = std::make_shared<All>();
  all->order = {
      .executable = info[0].As<Napi::Number>().Int32Value(),
      .directory = info[1].As<Napi::String>().Utf8Value(),
      .id = info[2].As<Napi::String>().Utf8Value(),
      .before = info[3].As<Napi::String>().Utf8Value(),
  };
  all->pending = *info[4].As<Napi::External<Pending>>().Data();
  return RunPooled(
      info.Env(), [all] { return StartSupervisor(all->order, *all->pending, all->answer); },
      [all](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        const std::string& frame = all->answer.frame;
        result.Set("pid", Napi::Number::New(env, all->answer.pid));
        result.Set("socket", Napi::Number::New(env, all->answer.socket.Release()));
        result.Set("frame", Napi::Buffer<char>::Copy(env, frame.data(), frame.size()));
        return result;
      });
}

// (executable) -> promise
Napi::Value Prepare(const Napi::CallbackInfo& info) {
  int executable = info[0].As<Napi::Number>().Int32Value();
  return RunPooled(
      info.Env(), [executable] { return PrepareSpare(executable); }, Undefined);
}

// () -> promise
Napi::Value Drop(const Napi::CallbackInfo& info) {
  return RunPooled(
      info.Env(),
      []() -> SystemError {
        DropSpare();
        return {};
      },
      Undefined);
}

// (steps) -> promise
Napi::Value Steps(const Napi::CallbackInfo& info) {
  return RunJob(
      info.Env(), [steps = info[0].As<Napi::String>().Utf8Value()] { return RunSteps(steps); }, Undefined);
}

// (pid) -> promise, when a child that is about to end has ended; not our child is no error
Napi::Value Reap(const Napi::CallbackInfo& info) {
  pid_t pid = info[0].As<Napi::Number>().Int32Value();
  return RunJob(
      info.Env(),
      [pid]() -> SystemError {
        while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
        return {};
      },
      Undefined);
}

}  // namespace

void InitSpawn(Napi::Env env, Napi::Object exports) {
  exports.Set("sealedCopy", Napi::Function::New(env, SealedCopy));
  exports.Set("newRest", Napi::Function::New(env, NewRest));
  exports.Set("giveRest", Napi::Function::New(env, GiveRest));
  exports.Set("withholdRest", Napi::Function::New(env, WithholdRest));
  exports.Set("startSupervisor", Napi::Function::New(env, Start));
  exports.Set("prepareSupervisor", Napi::Function::New(env, Prepare));
  exports.Set("dropSpareSupervisor", Napi::Function::New(env, Drop));
  exports.Set("runSteps", Napi::Function::New(env, Steps));
  exports.Set("reap", Napi::Function::New(env, Reap));
}
