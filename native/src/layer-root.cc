// Finds and makes the directories of a layer's entries without ever following a link out of the layer.
#include "layer-root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace {

// RESOLVE_BENEATH also refuses absolute links; magic links are those of /proc. Linux >= 5.6.
int OpenBeneath(int directory, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (;;) {
    const int fd = static_cast<int>(
        syscall(SYS_openat2, directory, path.empty() ? "." : path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN) return fd;  // EAGAIN: a rename raced with the walk
  }
}

LayerError Failed(const TarEntry& entry, const char* call, const std::string& path) {
  const int number = errno;
  if (number == EXDEV) {
    return {entry.name, "its path leads out of the layer through a link", {}};
  }
  if (number == ELOOP) return {entry.name, "its path leads through a loop of links", {}};
  if (number == ENOTDIR) {
    return {entry.name, "its path leads through something that is not a directory", {}};
  }
  return {entry.name, "", {number, call, path}};
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

SystemError LayerRoot::Open(const std::string& path) {
  root_.Reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root_.valid()) return {errno, "open", path};
  return {};
}

// Entries of one directory follow each other, so the last parent stays open.
LayerError LayerRoot::Parent(const TarEntry& entry, const LayerPath& path, int* parent) {
  const std::string parentPath = path.Parent();
  if (!parent_.valid() || parentPath != parentPath_) {
    int fd = OpenBeneath(root_.get(), parentPath, O_PATH | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT) {
      if (LayerError error = MakeParents(entry, parentPath)) return error;
      fd = OpenBeneath(root_.get(), parentPath, O_PATH | O_DIRECTORY);
    }
    if (fd < 0) return Failed(entry, "openat2", parentPath);
    parent_.Reset(fd);
    parentPath_ = parentPath;
  }
  *parent = parent_.get();
  return {};
}

// A layer may leave out the entries of directories: they are made as root's, mode 0755.
LayerError LayerRoot::MakeParents(const TarEntry& entry, const std::string& path) {
  size_t end = 0;
  while (end < path.size()) {
    const size_t start = end == 0 ? 0 : end + 1;
    end = std::min(path.find('/', start), path.size());
    const Fd there(OpenBeneath(root_.get(), path.substr(0, end), O_PATH | O_DIRECTORY));
    if (there.valid()) continue;
    if (errno != ENOENT) return Failed(entry, "openat2", path.substr(0, end));
    const std::string above = path.substr(0, start == 0 ? 0 : start - 1);
    const Fd parent(OpenBeneath(root_.get(), above, O_PATH | O_DIRECTORY));
    if (!parent.valid()) return Failed(entry, "openat2", above);
    const std::string name = path.substr(start, end - start);
    if (mkdirat(parent.get(), name.c_str(), 0755) != 0) {
      if (errno == EEXIST) return {entry.name, "its path leads through a link to nothing", {}};
      return Failed(entry, "mkdirat", path.substr(0, end));
    }
    // Whatever the umask is; and the name was just made by us.
    if (fchmodat(parent.get(), name.c_str(), 0755, 0) != 0) {
      return Failed(entry, "fchmodat", path.substr(0, end));
    }
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
  if (!IsWhiteout(status)) return {entry.name, "the layer holds this path more than once", {}};
  if (unlinkat(parent, path.Base().c_str(), 0) != 0) return Failed(entry, "unlinkat", entry.name);
  *wasHidden = true;
  return {};
}

LayerError LayerRoot::MakeFile(const TarEntry& entry, const LayerPath& path, Fd* file) {
  int parent = -1;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  file->Reset(openat(parent, path.Base().c_str(), kFlags, 0600));
  if (!file->valid() && errno == EEXIST) {
    bool wasHidden = false;
    if (LayerError error = TakeName(entry, path, parent, &wasHidden)) return error;
    file->Reset(openat(parent, path.Base().c_str(), kFlags, 0600));
  }
  return file->valid() ? LayerError{} : Failed(entry, "openat", entry.name);
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
        if (SystemError error = SetOpaque(parent, base)) return {entry.name, "", error};
      }
    }
  }
  std::string full = path.Parent();
  if (!isRoot) full += (full.empty() ? "" : "/") + base;
  directories_.push_back({full, entry.mtimeSeconds, entry.mtimeNanos});
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
  const Fd from(OpenBeneath(root_.get(), target.Parent(), O_PATH | O_DIRECTORY));
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
