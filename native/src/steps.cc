#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "cgroup-steps.h"
#include "fd.h"
#include "remove-tree.h"
#include "spare-sandbox.h"

namespace {

SystemError Failed(const char* call, const std::string& path) { return {errno, call, path}; }

SystemError MakeDirectory(const Step& step) {
  mode_t mode = static_cast<mode_t>(strtoul(step.value.c_str(), nullptr, 8));
  if (mkdir(step.path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return Failed("mkdir", step.path);
}

SystemError WriteAll(const Step& step, const std::string& path, int flags) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0600));
  if (!fd.valid()) return Failed("open", path);
  ssize_t done = write(fd.get(), step.value.data(), step.value.size());
  if (done == static_cast<ssize_t>(step.value.size())) return {};
  if (done >= 0) errno = ENOSPC;
  return Failed("write", path);
}

SystemError Create(const Step& step) {
  std::string temporary = step.path + ".tmp";
  if (SystemError error = WriteAll(step, temporary, O_CREAT | O_TRUNC)) return error;
  if (rename(temporary.c_str(), step.path.c_str()) == 0) return {};
  return Failed("rename", step.path);
}

// A cgroup stays busy until the kernel has let go of its last dead process: a few milliseconds.
SystemError RemoveCgroup(const Step& step) {
  for (long milliseconds = 1; milliseconds <= 512; milliseconds *= 2) {
    if (rmdir(step.path.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY) break;
    timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, nullptr);
  }
  return Failed("rmdir", step.path);
}

SystemError Remove(const Step& step) {
  std::string path = step.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Fd parent(open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent.valid()) return errno == ENOENT ? SystemError{} : Failed("remove", step.path);
  const SystemError error = RemoveTree(parent.get(), path.substr(slash + 1));
  return error ? SystemError{error.number, "remove", step.path} : error;
}

SystemError Unmount(const Step& step) {
  if (umount2(step.path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  return errno == EINVAL || errno == ENOENT ? SystemError{} : Failed("umount2", step.path);
}

SystemError MountTmpfs(const Step& step, unsigned long more) {
  unsigned long flags = MS_NOSUID | MS_NODEV | more;
  if (mount(step.what.c_str(), step.path.c_str(), "tmpfs", flags, step.value.c_str()) == 0) return {};
  return Failed("mount", step.path);
}

SystemError Bind(const Step& step) {
  Fd file(open(step.path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return Failed("open", step.path);
  if (mount(step.value.c_str(), step.path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
  return Failed("mount", step.path);
}

SystemError RunStep(const Step& step) {
  // `value`: the mode in octal. What is there already is no error.
  if (step.what == "mkdir") return MakeDirectory(step);
  // Into a file that exists.
  if (step.what == "write") return WriteAll(step, step.path, 0);
  // A file whole or not at all.
  if (step.what == "create") return Create(step);
  // Of what is removed and unmounted, nothing there is no error.
  if (step.what == "rmdir") return RemoveCgroup(step);
  if (step.what == "remove") return Remove(step);
  if (step.what == "unmount") return Unmount(step);
  // `value`: a file that is mounted on this one, made if missing.
  if (step.what == "bind") return Bind(step);
  // `value`: mount options.
  if (step.what == "tmpfs") return MountTmpfs(step, 0);
  // The same for memory that programs share and none is kept in.
  if (step.what == "shm") return MountTmpfs(step, MS_NOEXEC);
  // `value`: a descriptor, from MakeSandboxParts.
  if (step.what == "attach") return Attach(step);
  // `value`: the host name.
  if (step.what == "name-host") return NameHost(step);
  if (step.what == "inherit") return Inherit(step);
  if (step.what == "write-either") return WriteEither(step);
  if (step.what == "await") return AwaitLine(step);
  if (step.what == "uproot") return Uproot(step);
  if (step.what == "devices") return RestrictDevices(step);
  return {EINVAL, "run step", step.what};
}

}  // namespace

SystemError RunSteps(const std::string& joined) {
  size_t at = 0;
  auto text = [&] {
    size_t end = std::min(joined.find('\0', at), joined.size());
    std::string part = joined.substr(at, end - at);
    at = end + 1;
    return part;
  };
  while (at < joined.size()) {
    Step step;
    step.what = text();
    step.path = text();
    step.value = text();
    if (SystemError error = RunStep(step)) return error;
  }
  return {};
}
