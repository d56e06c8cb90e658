#include "remove-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tree-node.h"

namespace {

SystemError Remove(int parent, const std::string& name, uint64_t mount, int depth) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return {errno, "unlinkat", name};
  TreeNode directory;
  SystemError error = OpenNode(parent, name, &directory);
  if (error.number == ENOENT) return {};
  if (error) return error;
  if (!directory.isDirectory()) return {EPERM, "unlinkat", name};
  if (directory.facts.stx_mnt_id != mount) return {EBUSY, "unlinkat", name};
  if (depth > 2048) return {ELOOP, "unlinkat", name};
  std::vector<std::string> names;
  if ((error = ReadNames(directory, &names))) return error;
  for (const std::string& each : names) {
    if ((error = Remove(directory.fd.get(), each, mount, depth + 1))) return error;
  }
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return {errno, "unlinkat", name};
  }
  return {};
}

}  // namespace

SystemError RemoveTree(int parent, const std::string& name) {
  TreeNode above;
  Fd again(openat(parent, ".", O_PATH | O_CLOEXEC));
  if (!again.valid()) return {errno, "openat", name};
  if (SystemError error = NodeOf(std::move(again), &above)) return error;
  return Remove(parent, name, above.facts.stx_mnt_id, 0);
}
