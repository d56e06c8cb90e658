// A process that becomes another program and misses no signal on the way.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "addon.h"

namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};

int kept_signals = -1;  // where they are written, a byte each

void KeepSignal(int number) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(number);
  // The pipe is empty before: there is room.
  if (write(kept_signals, &byte, 1) < 0) errno = before;
  errno = before;
}

// keepSignals(): number, the descriptor from which signals that come from now on can be read. It lives on in the
// program that the process becomes.
Napi::Value KeepSignals(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int ends[2];
  if (pipe2(ends, O_NONBLOCK) != 0) {
    Throw(env, {errno, "pipe2", ""});
    return env.Undefined();
  }
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  kept_signals = ends[1];
  struct sigaction action = {};
  action.sa_handler = KeepSignal;
  action.sa_flags = SA_RESTART;
  for (int number : kSignals) sigaction(number, &action, nullptr);
  return Napi::Number::New(env, ends[0]);
}

// becomeProgram(path: string, arguments: string[]): never
Napi::Value BecomeProgram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  auto given = info[1].As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < given.Length(); i++) {
    texts.push_back(given.Get(i).As<Napi::String>().Utf8Value());
  }
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  // Node closes even these three on exec.
  for (int fd = 0; fd <= 2; fd++) fcntl(fd, F_SETFD, 0);
  // Pending from here on: the program finds them when it looks.
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  for (int number : kSignals) sigaddset(&blocked, number);
  sigaddset(&blocked, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  execv(path.c_str(), arguments.data());
  const int reason = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Throw(env, {reason, "execve", path});
  return env.Undefined();
}

}  // namespace

void InitBecome(Napi::Env env, Napi::Object exports) {
  exports["keepSignals"] = Napi::Function::New(env, KeepSignals);
  exports["becomeProgram"] = Napi::Function::New(env, BecomeProgram);
}
