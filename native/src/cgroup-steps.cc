#include "cgroup-steps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"

namespace {

SystemError Failed(const char* call, const std::string& path) { return {errno, call, path}; }

SystemError ReadFile(const std::string& path, std::string& content) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failed("open", path);
  char bytes[4096];
  content.clear();
  for (ssize_t got; (got = read(fd.get(), bytes, sizeof bytes)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    content.append(bytes, static_cast<size_t>(got));
  }
  return {};
}

SystemError WriteFile(const std::string& path, const std::string& content) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Failed("open", path);
  ssize_t done = write(fd.get(), content.data(), content.size());
  return done < 0 ? Failed("write", path) : SystemError{};
}

void Pause(long milliseconds) {
  timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, nullptr);
}

bool HasLine(const std::string& text, const std::string& line) {
  return ("\n" + text + "\n").find("\n" + line + "\n") != std::string::npos;
}

std::vector<std::string> Children(const std::string& directory) {
  std::vector<std::string> names;
  DIR* open = opendir(directory.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = readdir(open)) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    names.emplace_back(entry->d_name);
  }
  closedir(open);
  return names;
}

// v2 kills all at once; v1 has only the list, which is read again until nothing is in it.
void KillAll(const std::string& directory) {
  std::string list;
  if (!WriteFile(directory + "/cgroup.kill", "1")) return;
  if (ReadFile(directory + "/cgroup.procs", list)) return;
  for (const char* at = list.c_str(); *at != 0;) {
    char* end;
    pid_t pid = static_cast<pid_t>(strtol(at, &end, 10));
    if (end == at) break;
    if (pid > 0) kill(pid, SIGKILL);
    at = *end == 0 ? end : end + 1;
  }
}

constexpr long kUprootMs = 10000;

}  // namespace

SystemError Inherit(const Step& step) {
  std::string own, above;
  size_t name = step.path.rfind('/');
  size_t parent = step.path.rfind('/', name - 1);
  if (SystemError error = ReadFile(step.path, own)) return error;
  if (own.find_first_not_of(" \n") != std::string::npos) return {};
  if (SystemError error = ReadFile(step.path.substr(0, parent) + step.path.substr(name), above)) {
    return error;
  }
  return WriteFile(step.path, above);
}

SystemError WriteEither(const Step& step) {
  SystemError error{EINVAL, "write", step.path};
  for (size_t at = 0; at < step.value.size();) {
    size_t end = std::min(step.value.find('\n', at), step.value.size());
    std::string line = step.value.substr(at, end - at);
    size_t equals = std::min(line.find('='), line.size() - 1);
    error = WriteFile(step.path + "/" + line.substr(0, equals), line.substr(equals + 1));
    if (error.number != ENOENT) return error;
    at = end + 1;
  }
  return error;
}

SystemError AwaitLine(const Step& step) {
  Fd fd(open(step.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failed("open", step.path);
  for (int round = 0; round < 500; round++) {
    char bytes[1024];
    ssize_t got = pread(fd.get(), bytes, sizeof bytes, 0);
    if (got < 0) return Failed("read", step.path);
    std::string text(bytes, static_cast<size_t>(got));
    if (HasLine(text, step.value)) return {};
    // v2 files tell of changes; v1's freezer.state does not.
    pollfd wait = {fd.get(), POLLPRI, 0};
    if (poll(&wait, 1, round < 5 ? 1 : 10) > 0 && round > 5) Pause(1);
  }
  return {ETIMEDOUT, "wait for " , step.path + " to say " + step.value};
}

SystemError Uproot(const Step& step) {
  const std::string& path = step.path;
  long waited = 0;
  for (long pause = 1;; pause = std::min(pause * 2, 64L)) {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY && errno != ENOTEMPTY) return Failed("rmdir", path);
    if (waited >= kUprootMs) return Failed("rmdir", path);
    KillAll(path);
    for (const std::string& name : Children(path)) {
      if (SystemError error = Uproot({"uproot", path + "/" + name, ""})) return error;
    }
    // Busy until the kernel has let go of its last dead process.
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
    Pause(pause);
    waited += pause;
  }
}
