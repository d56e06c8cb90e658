// Finds and makes the directories of a layer's entries without ever following a link out of the layer.
#include "layer-root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "remove-tree.h"

namespace {

LayerError Failed(const TarEntry& entry, const char* call, const std::string& path) {
  return PathFailed(entry, errno, call, path);
}

bool IsWhiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

SystemError SetOpaque(int parent, const std::string& name) {
  const Fd directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid()) return {errno, "openat", name};
  if (fsetxattr(directory.get(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
    return {errno, "fsetxattr trusted.overlay.opaque", name};
  }
  return {};
}

}  // namespace

// RESOLVE_BENEATH also refuses absolute links, RESOLVE_IN_ROOT follows them as a process in the container would; magic
// links are those of /proc. Linux >= 5.6.
int LayerRoot::Resolve(const std::string& path, uint64_t flags) const {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = rules_.isLayer ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
                               : RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const std::string full = rules_.base.empty() ? path : rules_.base + "/" + path;
  for (;;) {
    const int fd = static_cast<int>(syscall(SYS_openat2, root_.get(),
                                            full.empty() ? "." : full.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN) return fd;  // EAGAIN: a rename raced with the walk
  }
}

// Entries of one directory follow each other, so the last parent stays open.
LayerError LayerRoot::Parent(const TarEntry& entry, const LayerPath& path, int* parent) {
  const std::string parentPath = path.Parent();
  if (!parent_.valid() || parentPath != parentPath_) {
    int fd = Resolve(parentPath, O_PATH | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT) {
      if (LayerError error = MakeParents(entry, parentPath)) return error;
      fd = Resolve(parentPath, O_PATH | O_DIRECTORY);
    }
    if (fd < 0) return Failed(entry, "openat2", parentPath);
    parent_.Reset(fd);
    parentPath_ = parentPath;
  }
  *parent = parent_.get();
  return {};
}

// A layer may leave out the entries of directories: they are made as root's, mode 0755. Where the first is missing is found by
// halving: a path has room for 2,000 parts, and each look walks all of them.
LayerError LayerRoot::MakeParents(const TarEntry& entry, const std::string& path) {
  std::vector<size_t> ends{0};  // of the parts
  for (size_t at = 0; at < path.size(); at++) ends.push_back(at = std::min(path.find('/', at), path.size()));
  Fd parent(Resolve("", O_PATH | O_DIRECTORY));
  size_t there = 0, missing = ends.size() - 1;
  int why = ENOENT;
  while (missing - there > 1) {
    const size_t middle = (there + missing) / 2;
    Fd directory(Resolve(path.substr(0, ends[middle]), O_PATH | O_DIRECTORY));
    (directory.valid() ? there : missing) = middle;
    if (directory.valid()) parent = std::move(directory);
    else why = errno;
  }
  if (errno = why; why != ENOENT) return Failed(entry, "openat2", path.substr(0, ends[missing]));
  for (; missing < ends.size(); missing++) {
    const std::string above = path.substr(0, ends[missing]);
    const std::string name = above.substr(above.rfind('/') + 1);
    if (mkdirat(parent.get(), name.c_str(), 0755) != 0) {
      if (errno == EEXIST) return {entry.name, "its path leads through a link to nothing", {}};
      return Failed(entry, "mkdirat", above);
    }
    // Whatever the umask is; and the name was just made by us.
    if (fchmodat(parent.get(), name.c_str(), 0755, 0) != 0) return Failed(entry, "fchmodat", above);
    parent.Reset(openat(parent.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!parent.valid()) return Failed(entry, "openat", above);
  }
  return {};
}

// Makes sure that nothing stands where the entry goes. A whiteout of this layer gives way: it hides what is below, and the
// entry is what is shown instead (`wasHidden`).
LayerError LayerRoot::TakeName(const TarEntry& entry, const LayerPath& path, int parent,
                               bool* wasHidden) {
  *wasHidden = false;
  struct stat status;
  if (fstatat(parent, path.Base().c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? LayerError{} : Failed(entry, "fstatat", entry.name);
  }
  if (!rules_.isLayer) return MakeWay(entry, path, parent, S_ISDIR(status.st_mode));
  if (!IsWhiteout(status)) return {entry.name, "the layer holds this path more than once", {}};
  if (unlinkat(parent, path.Base().c_str(), 0) != 0) return Failed(entry, "unlinkat", entry.name);
  *wasHidden = true;
  return {};
}

// As Docker's cp: what is there goes, whatever it holds, unless it was asked that kinds are kept.
LayerError LayerRoot::MakeWay(const TarEntry& entry, const LayerPath& path, int parent,
                              bool isDirectory) {
  if (rules_.doKeepKinds && isDirectory != (entry.type == '5')) {
    return {entry.name,
            isDirectory ? "there is a directory of that name, which it would replace"
                        : "there is something else than a directory of that name",
            {}};
  }
  return {entry.name, "", RemoveTree(parent, path.Base())};
}

LayerError LayerRoot::StartFile(const TarEntry& entry, const LayerPath& path) {
  int parent = -1;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file_.Reset(openat(parent, path.Base().c_str(), kFlags, 0600));
  if (!file_.valid() && errno == EEXIST) {
    bool wasHidden = false;
    if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
    file_.Reset(openat(parent, path.Base().c_str(), kFlags, 0600));
  }
  return file_.valid() ? LayerError{} : Failed(entry, "openat", entry.name);
}

LayerError LayerRoot::HideName(const TarEntry& entry, const LayerPath& path,
                               const std::string& hidden) {
  int parent = -1;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (mknodat(parent, hidden.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
  if (errno != EEXIST) return Failed(entry, "mknodat", entry.name);
  // The same layer has something of that name: a directory must not let the one below shine through.
  struct stat status;
  if (fstatat(parent, hidden.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failed(entry, "fstatat", entry.name);
  }
  if (!S_ISDIR(status.st_mode)) return {};
  return {entry.name, "", SetOpaque(parent, hidden)};
}

LayerError LayerRoot::HideDirectory(const TarEntry& entry, const LayerPath& path) {
  int parent = -1;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  return {entry.name, "", SetOpaque(parent, ".")};
}

LayerError LayerRoot::MakeDirectory(const TarEntry& entry, const LayerPath& path) {
  // "./": the layer's own root, whose attributes are those of "/".
  const bool isRoot = path.parts.empty();
  if (isRoot && !rules_.isLayer) return {};  // the place itself stays as it is
  int parent = root_.get();
  const std::string base = isRoot ? "." : path.Base();
  if (!isRoot) {
    if (LayerError error = Parent(entry, path, &parent)) return error;
    struct stat status;
    if (mkdirat(parent, base.c_str(), 0700) != 0) {
      if (errno != EEXIST) return Failed(entry, "mkdirat", entry.name);
      if (fstatat(parent, base.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return Failed(entry, "fstatat", entry.name);
      }
      if (!S_ISDIR(status.st_mode)) {  // a directory twice is the same directory
        bool wasHidden = false;
        if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
        if (mkdirat(parent, base.c_str(), 0700) != 0) return Failed(entry, "mkdirat", entry.name);
        const bool isLayer = rules_.isLayer;
        if (SystemError error = isLayer ? SetOpaque(parent, base) : SystemError{}) return {entry.name, "", error};
      }
    }
  }
  std::string full = path.Parent();
  if (!isRoot) full += (full.empty() ? "" : "/") + base;
  directories_.push_back({full, entry.mtimeSeconds, entry.mtimeNanos, entry.name, {}});
  const auto inherited = entry.xattrs.find(kInherited);
  if (inherited != entry.xattrs.end()) directories_.back().inherited = inherited->second;
  return SetNodeFacts(entry, parent, base);
}

LayerError LayerRoot::MakeSymlink(const TarEntry& entry, const LayerPath& path) {
  int parent = -1;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (entry.link.empty() || entry.link.find('\0') != std::string::npos) {
    return {entry.name, "its link target is empty or malformed", {}};
  }
  if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
  if (symlinkat(entry.link.c_str(), parent, path.Base().c_str()) != 0) {
    return Failed(entry, "symlinkat", entry.name);
  }
  return SetNodeFacts(entry, parent, path.Base());
}

LayerError LayerRoot::MakeHardLink(const TarEntry& entry, const LayerPath& path) {
  const LayerPath target = ParseLayerPath(entry.link);
  if (!target.reason.empty() || target.parts.empty()) {
    return {entry.name, "it is a hard link to '" + entry.link + "', which is not in the layer", {}};
  }
  int parent = -1;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
  const Fd from(Resolve(target.Parent(), O_PATH | O_DIRECTORY));
  if (!from.valid() && errno != ENOENT) return Failed(entry, "openat2", entry.link);
  if (from.valid() &&
      linkat(from.get(), target.Base().c_str(), parent, path.Base().c_str(), 0) == 0) {
    return {};
  }
  if (errno == ENOENT) {
    return {entry.name, "it is a hard link to '" + entry.link + "', which is not in the layer", {}};
  }
  return Failed(entry, "linkat", entry.name);
}

LayerError LayerRoot::MakeNode(const TarEntry& entry, const LayerPath& path) {
  int parent = -1;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
  const mode_t kind = entry.type == '3' ? S_IFCHR : entry.type == '4' ? S_IFBLK : S_IFIFO;
  const dev_t device = entry.type == '6' ? 0 : makedev(entry.devMajor, entry.devMinor);
  if (mknodat(parent, path.Base().c_str(), kind | 0600, device) != 0) {
    return Failed(entry, "mknodat", entry.name);
  }
  return SetNodeFacts(entry, parent, path.Base());
}
