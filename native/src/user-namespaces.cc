// A user namespace that a small program is in until it is killed: as long as that takes its maps are written and it is
// entered by who builds a container.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "addon.h"

namespace {

struct Holder {
  std::string path;
  int error = 0;
};

// Shares our memory until it has become its program, and nothing after.
int BecomeHolder(void* argument) {
  auto* holder = static_cast<Holder*>(argument);
  char name[] = "bay-namespace";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  setsid();
  // Whoever is to kill it may be killed before.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execve(holder->path.c_str(), arguments, environment);
  holder->error = errno;
  _exit(127);
}

// (executable) -> pid, a child of ours, in a user namespace that has no maps yet
Napi::Value HoldUserNamespace(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Holder holder{"/proc/self/fd/" + std::to_string(info[0].As<Napi::Number>().Int32Value())};
  std::vector<char> stack(64 << 10);
  int flags = CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | SIGCHLD;
  pid_t pid = clone(BecomeHolder, stack.data() + stack.size(), flags, &holder);
  if (pid < 0) {
    Throw(env, {errno, "make a user namespace", ""});
    return env.Undefined();
  }
  if (holder.error != 0) {
    Throw(env, {holder.error, "execve", holder.path});
    return env.Undefined();
  }
  return Napi::Number::New(env, pid);
}

}  // namespace

void InitUserNamespaces(Napi::Env env, Napi::Object exports) {
  exports.Set("holdUserNamespace", Napi::Function::New(env, HoldUserNamespace));
}
