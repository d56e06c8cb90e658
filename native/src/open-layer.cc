#include "open-layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <mutex>

namespace {

constexpr char kAdvice[] =
    "it is a layer in the form of an EROFS image, damaged or not for this kernel; remove its image and pull or load it again";

// A file that is mounted keeps its number, also when it was removed.
using FileId = std::pair<dev_t, ino_t>;

struct Mounts {
  std::mutex mutex;
  std::map<FileId, Fd> roots;
};

// Never destroyed: threads may outlive the environment that made it.
Mounts& TheMounts() {
  static Mounts* mounts = new Mounts;
  return *mounts;
}

SystemError FileOf(const std::string& path, Fd* file, FileId* id) {
  struct stat facts;
  file->Reset(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file->valid() || fstat(file->get(), &facts) != 0) return {errno, "open", path};
  if (!S_ISREG(facts.st_mode)) return {ENOTDIR, "open", path};
  *id = {facts.st_dev, facts.st_ino};
  return {};
}

bool Copy(const FileId& id, Fd* root) {
  Mounts& mounts = TheMounts();
  std::lock_guard lock(mounts.mutex);
  const auto found = mounts.roots.find(id);
  if (found == mounts.roots.end()) return false;
  root->Reset(fcntl(found->second.get(), F_DUPFD_CLOEXEC, 3));
  return root->valid();
}

SystemError Mount(const Fd& file, const std::string& path, Fd* root) {
  const Fd fs(static_cast<int>(syscall(SYS_fsopen, "erofs", FSOPEN_CLOEXEC)));
  if (!fs.valid()) return {errno, "fsopen erofs", path, kAdvice};
  // A value over 255 bytes is refused there; that of a descriptor is short.
  const std::string source = "/proc/self/fd/" + std::to_string(file.get());
  if (syscall(SYS_fsconfig, fs.get(), FSCONFIG_SET_STRING, "source", source.c_str(), 0) != 0 ||
      syscall(SYS_fsconfig, fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return {errno, "mount", path, kAdvice};
  }
  constexpr unsigned kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV;
  root->Reset(static_cast<int>(syscall(SYS_fsmount, fs.get(), FSMOUNT_CLOEXEC, kAttributes)));
  return root->valid() ? SystemError{} : SystemError{errno, "fsmount", path};
}

}  // namespace

SystemError OpenLayer(const std::string& path, Fd* root) {
  root->Reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root->valid()) return {};
  if (errno != ENOTDIR) return {errno, "open", path};
  Fd file;
  FileId id;
  if (SystemError error = FileOf(path, &file, &id)) return error;
  if (Copy(id, root)) return {};
  Fd mounted;
  if (SystemError error = Mount(file, path, &mounted)) return error;
  {
    Mounts& mounts = TheMounts();
    std::lock_guard lock(mounts.mutex);
    mounts.roots.try_emplace(id, std::move(mounted));  // another thread may have been faster
  }
  if (Copy(id, root)) return {};
  return {errno, "fcntl", path};
}

bool OpenLayerFile(const std::string& path, Fd* root) {
  Fd file;
  FileId id;
  return bool(FileOf(path, &file, &id)) || Copy(id, root);
}

void ForgetLayer(const std::string& path) {
  Fd file;
  FileId id;
  if (FileOf(path, &file, &id)) return;
  Mounts& mounts = TheMounts();
  std::lock_guard lock(mounts.mutex);
  mounts.roots.erase(id);
}

// Only a file that nobody else has open can be leased for writing. Who opens it meanwhile waits until it is closed here, and
// is announced by a signal, whose usual kind would end this process.
bool IsLayerFileOpen(const std::string& path) {
  struct stat facts;
  const Fd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return errno != ENOENT;
  if (fstat(file.get(), &facts) == 0 && S_ISDIR(facts.st_mode)) return false;
  return fcntl(file.get(), F_SETSIG, SIGURG) != 0 ||
         fcntl(file.get(), F_SETLEASE, F_WRLCK) != 0;
}
