// The kernel's log, as far as it is kept.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "addon.h"
#include "fd.h"
#include "job.h"

namespace {

// Each read gives one record: "priority,sequence,microseconds,flags;text\n KEY=value\n".
SystemError Read(const std::string& wanted, std::string& found) {
  Fd fd(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return {errno, "open", "/dev/kmsg"};
  for (char record[8192];;) {
    ssize_t got = read(fd.get(), record, sizeof record);
    // EPIPE: the next was overwritten meanwhile; the one after it comes.
    if (got < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (got < 0 && errno != EAGAIN) return {errno, "read", "/dev/kmsg"};
    if (got <= 0) return {};
    std::string text(record, static_cast<size_t>(got));
    text.resize(std::min(text.find('\n'), text.size()));
    if (text.find(wanted) != std::string::npos) found += text + "\n";
  }
}

// (wanted) -> promise of the lines that contain it
Napi::Value ReadKernelLog(const Napi::CallbackInfo& info) {
  auto found = std::make_shared<std::string>();
  return RunJob(
      info.Env(),
      [wanted = info[0].As<Napi::String>().Utf8Value(), found] { return Read(wanted, *found); },
      [found](Napi::Env env) -> Napi::Value { return Napi::String::New(env, *found); });
}

}  // namespace

void InitKernelLog(Napi::Env env, Napi::Object exports) {
  exports.Set("readKernelLog", Napi::Function::New(env, ReadKernelLog));
}
