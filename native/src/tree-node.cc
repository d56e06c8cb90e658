#include "tree-node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <algorithm>

namespace {

// The open inode itself, also for calls that refuse an O_PATH descriptor; a link is not followed once more.
std::string SelfPath(const TreeNode& node) {
  return "/proc/self/fd/" + std::to_string(node.fd.get());
}

}  // namespace

SystemError NodeOf(Fd fd, TreeNode* node) {
  node->fd = std::move(fd);
  constexpr unsigned kMask = STATX_BASIC_STATS | STATX_MNT_ID;
  if (statx(node->fd.get(), "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, kMask, &node->facts) != 0) {
    return {errno, "statx", ""};
  }
  return {};
}

SystemError OpenNode(int directory, const std::string& name, TreeNode* node) {
  Fd fd(openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return {errno, "openat", name};
  return NodeOf(std::move(fd), node);
}

SystemError ReadNames(const TreeNode& directory, std::vector<std::string>* names) {
  const int fd = openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return {errno, "open", ""};
  DIR* stream = fdopendir(fd);
  if (stream == nullptr) {
    const int number = errno;
    close(fd);
    return {number, "fdopendir", ""};
  }
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names->push_back(name);
    errno = 0;
  }
  const int number = errno;
  closedir(stream);
  if (number != 0) return {number, "readdir", ""};
  std::sort(names->begin(), names->end());
  return {};
}

std::string ReadXattr(const TreeNode& node, const char* name) {
  char value[4096];
  const ssize_t length = getxattr(SelfPath(node).c_str(), name, value, sizeof value);
  return length < 0 ? "" : std::string(value, static_cast<size_t>(length));
}

SystemError ReadXattrs(const TreeNode& node, std::map<std::string, std::string>* xattrs) {
  const std::string path = SelfPath(node);
  char few[1024];
  std::vector<char> many;
  char* list = few;
  ssize_t size = listxattr(path.c_str(), few, sizeof few);
  if (size < 0 && errno == ERANGE) {
    many.resize(XATTR_LIST_MAX);
    list = many.data();
    size = listxattr(path.c_str(), list, many.size());
  }
  if (size < 0) return errno == ENOTSUP ? SystemError{} : SystemError{errno, "listxattr", ""};
  std::vector<char> value;
  for (const char* name = list; name < list + size; name += strlen(name) + 1) {
    value.resize(XATTR_SIZE_MAX);
    const ssize_t length = getxattr(path.c_str(), name, value.data(), value.size());
    if (length >= 0) {
      (*xattrs)[name] = std::string(value.data(), static_cast<size_t>(length));
    } else if (errno != ENODATA && errno != ENOTSUP) {  // removed, or not for reading
      return {errno, "getxattr", name};
    }
  }
  return {};
}

SystemError ReadLink(const TreeNode& node, std::string* target) {
  char text[PATH_MAX];
  const ssize_t length = readlinkat(node.fd.get(), "", text, sizeof text);
  if (length < 0) return {errno, "readlinkat", ""};
  *target = std::string(text, static_cast<size_t>(length));
  return {};
}

SystemError OpenContent(const TreeNode& node, Fd* content) {
  if (node.type() != S_IFREG) return {EINVAL, "open", "what is not a file"};
  content->Reset(open(SelfPath(node).c_str(), O_RDONLY | O_CLOEXEC | O_NOATIME));
  if (!content->valid() && errno == EPERM) {  // O_NOATIME is for owners only
    content->Reset(open(SelfPath(node).c_str(), O_RDONLY | O_CLOEXEC));
  }
  return content->valid() ? SystemError{} : SystemError{errno, "open", ""};
}

SystemError OpenInRoot(int root, const std::string& path, bool doFollow, TreeNode* node) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (doFollow ? 0u : static_cast<unsigned>(O_NOFOLLOW));
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const char* name = path.empty() ? "/" : path.c_str();
  for (;;) {
    const int fd = static_cast<int>(syscall(SYS_openat2, root, name, &how, sizeof how));
    if (fd >= 0) return NodeOf(Fd(fd), node);
    if (errno != EAGAIN) return {errno, "openat2", path};  // EAGAIN: a rename raced with the walk
  }
}
