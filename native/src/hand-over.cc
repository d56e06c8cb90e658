// Making a process that is handed over to whoever started us (protocol.h: HANDOVER_*), and talking
// with its supervisor while hooks run.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <memory>

#include "addon.h"
#include "fd.h"
#include "job.h"
#include "pool.h"
#include "protocol.h"
#include "steps.h"
#include "supervise.h"

namespace {

struct HandOver {
  SupervisorOrder order;
  SupervisorRest rest;
  // As they come: the gate's place or a pidfd, the three streams, console or -1, who wants the
  // listener or -1, preserved ones.
  std::vector<int> given;
  SupervisorAnswer answer;
};

// Copies, since the originals may lie where the copies are to go.
SystemError LiftAll(const std::vector<int>& given, std::vector<Fd>& lifted) {
  int least = 4 + static_cast<int>(given.size());
  for (int fd : given) {
    lifted.emplace_back(fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC)
                               : fcntl(fd, F_DUPFD_CLOEXEC, least));
    if (fd < 0) lifted.back() = Fd(fcntl(lifted.back().get(), F_DUPFD_CLOEXEC, least));
    if (!lifted.back().valid()) return {errno, "duplicate", "descriptor " + std::to_string(fd)};
  }
  return {};
}

SystemError Start(HandOver& work) {
  std::vector<Fd> lifted(1);
  std::vector<int> given;
  int ends[2];
  if (SystemError error = RunSteps(work.order.before)) return error;
  Fd gate;
  if (work.given[0] < 0) {
    if (SystemError error = ListenIn(work.order.directory, "gate", gate)) return error;
    work.given[0] = gate.get();
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return {errno, "socketpair", ""};
  }
  work.answer.socket = Fd(ends[0]);
  lifted[0] = Fd(fcntl(ends[1], F_DUPFD_CLOEXEC, 4 + static_cast<int>(work.given.size())));
  close(ends[1]);
  if (SystemError error = LiftAll(work.given, lifted)) return error;
  Fd program(fcntl(work.order.executable, F_DUPFD_CLOEXEC, 4 + static_cast<int>(lifted.size())));
  work.order.executable = program.get();
  for (const Fd& fd : lifted) given.push_back(fd.get());
  if (SystemError error = SpawnSupervisor(work.order, given, work.answer.pid)) return error;
  gate.Reset(-1);
  lifted.clear();
  if (SystemError error = RunSteps(work.rest.meanwhile)) return error;
  if (SystemError error = SendSpec(HANDOVER_MAGIC, work.rest.spec, work.answer.socket)) return error;
  return ReceiveFrame(work.answer.socket, work.answer.frame);
}

// (executable, directory, id, before, meanwhile, order, given: number[])
// -> promise of {pid, socket, frame}; the caller reaps `pid` and closes `socket`
Napi::Value StartHandOver(const Napi::CallbackInfo& info) {
  auto work = std::make_shared<HandOver>();
  auto bytes = info[5].As<Napi::Uint8Array>();
  auto given = info[6].As<Napi::Array>();
  work->order = {
      .executable = info[0].As<Napi::Number>().Int32Value(),
      .directory = info[1].As<Napi::String>().Utf8Value(),
      .id = info[2].As<Napi::String>().Utf8Value(),
      .before = info[3].As<Napi::String>().Utf8Value(),
  };
  work->rest = {
      .meanwhile = info[4].As<Napi::String>().Utf8Value(),
      .spec = std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()),
  };
  for (uint32_t i = 0; i < given.Length(); i++) {
    work->given.push_back(Napi::Value(given[i]).As<Napi::Number>().Int32Value());
  }
  return RunPooled(
      info.Env(), [work] { return Start(*work); },
      [work](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        const std::string& frame = work->answer.frame;
        result.Set("pid", Napi::Number::New(env, work->answer.pid));
        result.Set("socket", Napi::Number::New(env, work->answer.socket.Release()));
        result.Set("frame", Napi::Buffer<char>::Copy(env, frame.data(), frame.size()));
        return result;
      });
}

// (socket) -> promise of the frame that comes after the hooks have run
Napi::Value GoOn(const Napi::CallbackInfo& info) {
  int socket = info[0].As<Napi::Number>().Int32Value();
  auto frame = std::make_shared<std::string>();
  return RunJob(
      info.Env(),
      [socket, frame]() -> SystemError {
        Fd held(socket);
        SystemError error = SendContinue(held);
        if (!error) error = ReceiveFrame(held, *frame);
        held.Release();
        return error;
      },
      [frame](Napi::Env env) -> Napi::Value {
        return Napi::Buffer<char>::Copy(env, frame->data(), frame->size());
      });
}

}  // namespace

void InitHandOver(Napi::Env env, Napi::Object exports) {
  exports.Set("startHandOver", Napi::Function::New(env, StartHandOver));
  exports.Set("goOn", Napi::Function::New(env, GoOn));
}
