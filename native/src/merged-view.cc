#include "merged-view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "open-layer.h"

namespace {

constexpr char kLayer[] = "lowerdir+";  // Linux >= 6.5

long Configure(int fs, unsigned command, const char* key, const char* value) {
  return syscall(SYS_fsconfig, fs, command, key, value, 0);
}

}  // namespace

SystemError OpenMerged(const std::vector<std::string>& layers, const Writable& writable, Fd* root) {
  const bool isReadOnly = writable.upper.empty();
  if (layers.size() == 1 && isReadOnly) {
    // An overlay needs two; of one layer there is nothing to merge.
    return OpenLayer(layers[0], root);
  }
  const Fd fs(static_cast<int>(syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (!fs.valid()) return {errno, "fsopen", "overlay"};
  for (const std::string& layer : layers) {
    // A path over 255 bytes is refused there; that of a descriptor is short.
    Fd directory;
    if (SystemError error = OpenLayer(layer, &directory)) return error;
    const std::string path = "/proc/self/fd/" + std::to_string(directory.get());
    if (Configure(fs.get(), FSCONFIG_SET_STRING, kLayer, path.c_str()) != 0) {
      return {errno, "fsconfig lowerdir+", layer};
    }
  }
  if (!isReadOnly) {
    const char* keys[] = {"upperdir", "workdir"};
    const std::string* paths[] = {&writable.upper, &writable.work};
    for (int i = 0; i < 2; ++i) {
      const Fd directory(open(paths[i]->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!directory.valid()) return {errno, "open", *paths[i]};
      const std::string path = "/proc/self/fd/" + std::to_string(directory.get());
      if (Configure(fs.get(), FSCONFIG_SET_STRING, keys[i], path.c_str()) != 0) {
        return {errno, i == 0 ? "fsconfig upperdir" : "fsconfig workdir", *paths[i]};
      }
    }
    // As the supervisor mounts it: else its end would wait until all of the file system is on its disk.
    if (Configure(fs.get(), FSCONFIG_SET_FLAG, "volatile", nullptr) != 0) {
      return {errno, "fsconfig volatile", writable.upper};
    }
  }
  if (Configure(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    return {errno, "fsconfig create", layers[0]};
  }
  const unsigned attributes = MOUNT_ATTR_NODEV | (isReadOnly ? MOUNT_ATTR_RDONLY : 0u);
  root->Reset(static_cast<int>(syscall(SYS_fsmount, fs.get(), FSMOUNT_CLOEXEC, attributes)));
  return root->valid() ? SystemError{} : SystemError{errno, "fsmount", layers[0]};
}
