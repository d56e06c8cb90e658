// Owner, mode, extended attributes and times of what a layer holds.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer-root.h"

namespace {

// A file system without the attribute class, or a `user.` attribute on a link or device, is no failure: Docker skips them, too.
bool MayBeSkipped(int number, const std::string& name) {
  return number == ENOTSUP || (number == EPERM && name.starts_with("user."));
}

// `set(name, value)` is fsetxattr or lsetxattr.
template <typename Set>
LayerError SetAttributes(const TarEntry& entry, Set set) {
  for (const auto& [name, value] : entry.xattrs) {
    if (IsOverlayMark(name) || name.find('\0') != std::string::npos) continue;
    if (entry.type == '5' && name == kInherited) continue;
    if (set(name.c_str(), value) != 0 && !MayBeSkipped(errno, name)) {
      return {entry.name, "", {errno, "setxattr", entry.name + " " + name}};
    }
  }
  return {};
}

LayerError SetInherited(int fd, const std::string& entry, const std::optional<std::string>& list) {
  if (!list || fsetxattr(fd, kInherited, list->data(), list->size(), 0) == 0) return {};
  if (MayBeSkipped(errno, kInherited)) return {};
  return {entry, "", {errno, "setxattr", entry + " " + kInherited}};
}

void Times(int64_t seconds, int64_t nanos, struct timespec times[2]) {
  times[0] = times[1] = {static_cast<time_t>(seconds), static_cast<long>(nanos)};
}

}  // namespace

SystemError LayerRoot::WriteFile(const TarEntry& entry, const uint8_t* bytes, size_t length,
                                 uint64_t at) {
  while (length > 0) {
    const ssize_t written = pwrite(file_.get(), bytes, length, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {errno, "write", entry.name};
    at += static_cast<uint64_t>(written);
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return {};
}

// chown clears set-uid bits and capabilities, so: owner, mode, attributes, time.
LayerError LayerRoot::FinishFile(const TarEntry& entry) {
  const Fd file = std::move(file_);
  const int fd = file.get();
  if (entry.sparse.isSparse && ftruncate(fd, static_cast<off_t>(entry.sparse.realSize)) != 0) {
    return {entry.name, "", {errno, "ftruncate", entry.name}};
  }
  if (LayerError error = CheckOwner(entry)) return error;
  if ((entry.uid != 0 || entry.gid != 0) && fchown(fd, entry.uid, entry.gid) != 0) {
    return {entry.name, "", {errno, "fchown", entry.name}};
  }
  if (fchmod(fd, entry.mode) != 0) return {entry.name, "", {errno, "fchmod", entry.name}};
  const auto set = [fd](const char* name, const std::string& value) {
    return fsetxattr(fd, name, value.data(), value.size(), 0);
  };
  if (LayerError error = SetAttributes(entry, set)) return error;
  struct timespec times[2];
  Times(entry.mtimeSeconds, entry.mtimeNanos, times);
  if (futimens(fd, times) != 0) return {entry.name, "", {errno, "futimens", entry.name}};
  return {};
}

LayerError LayerRoot::SetNodeFacts(const TarEntry& entry, int parent, const std::string& base) {
  if (LayerError error = CheckOwner(entry)) return error;
  if (fchownat(parent, base.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return {entry.name, "", {errno, "fchownat", entry.name}};
  }
  // A link has no mode of its own; for all else `base` was just made by us and is no link.
  if (entry.type != '2' && fchmodat(parent, base.c_str(), entry.mode, 0) != 0) {
    return {entry.name, "", {errno, "fchmodat", entry.name}};
  }
  // There is no setxattrat before Linux 6.13; /proc/self/fd/N is the open parent itself.
  const std::string path = "/proc/self/fd/" + std::to_string(parent) + "/" + base;
  const auto set = [&path](const char* name, const std::string& value) {
    return lsetxattr(path.c_str(), name, value.data(), value.size(), 0);
  };
  if (LayerError error = SetAttributes(entry, set)) return error;
  struct timespec times[2];
  Times(entry.mtimeSeconds, entry.mtimeNanos, times);
  if (utimensat(parent, base.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return {entry.name, "", {errno, "utimensat", entry.name}};
  }
  return {};
}

std::string LayerRoot::MapOwner(TarEntry* entry) const {
  const auto map = [](const std::vector<IdRange>& ranges, uint64_t* id) {
    for (const auto& [inside, outside, count] : ranges) {
      if (*id < inside || *id - inside >= count) continue;
      *id = outside + (*id - inside);
      return true;
    }
    return ranges.empty();
  };
  if (rules_.uid) entry->uid = *rules_.uid;
  if (rules_.gid) entry->gid = *rules_.gid;
  if (map(rules_.uids, &entry->uid) && map(rules_.gids, &entry->gid)) return "";
  return "its owner " + std::to_string(entry->uid) + ":" + std::to_string(entry->gid) +
         " has no number in the container's user namespace";
}

LayerError LayerRoot::Finish() {
  for (const Directory& directory : directories_) {  // of a directory twice the last time, as its other facts
    const Fd fd(Resolve(directory.path, O_RDONLY | O_DIRECTORY));
    if (!fd.valid() && !rules_.isLayer) continue;  // whoever uses the tree has moved it
    if (!fd.valid()) return {directory.path, "", {errno, "openat2", directory.path}};
    if (LayerError error = SetInherited(fd.get(), directory.entry, directory.inherited)) return error;
    struct timespec times[2];
    Times(directory.seconds, directory.nanos, times);
    if (futimens(fd.get(), times) != 0) {
      return {directory.path, "", {errno, "futimens", directory.path}};
    }
  }
  return {};
}
