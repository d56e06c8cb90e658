#include "remove-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tree-node.h"

namespace {

// What lies deeper is moved up first. A container may nest directories deeper than any path is long
// and than descriptors can be had.
constexpr int kMostOpen = 64;
constexpr unsigned kRenameNoReplace = 1;

class Removal {
 public:
  // `top`: what is removed; it takes in what lies too deep.
  explicit Removal(TreeNode top) : top_(std::move(top)) {}

  SystemError Empty() {
    if (SystemError error = Children(top_, 0)) return error;
    while (!moved_.empty()) {
      const std::string name = moved_.back();
      moved_.pop_back();
      if (SystemError error = Remove(top_.fd.get(), name, 1)) return error;
    }
    return {};
  }

 private:
  SystemError Children(const TreeNode& directory, int depth) {
    std::vector<std::string> names;
    if (SystemError error = ReadNames(directory, &names)) return error;
    for (const std::string& name : names) {
      if (SystemError error = Remove(directory.fd.get(), name, depth + 1)) return error;
    }
    return {};
  }

  SystemError Remove(int parent, const std::string& name, int depth) {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return {errno, "unlinkat", name};
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno != ENOTEMPTY && errno != EEXIST) return {errno, "unlinkat", name};
    if (depth > kMostOpen) return MoveUp(parent, name);
    TreeNode directory;
    SystemError error = OpenNode(parent, name, &directory);
    if (error.number == ENOENT) return {};
    if (error) return error;
    if (!directory.isDirectory()) return {EPERM, "unlinkat", name};
    if (directory.facts.stx_mnt_id != top_.facts.stx_mnt_id) return {EBUSY, "unlinkat", name};
    if ((error = Children(directory, depth))) return error;
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    return {errno, "unlinkat", name};
  }

  SystemError MoveUp(int parent, const std::string& name) {
    for (;;) {
      const std::string above = ".deep-" + std::to_string(number_++);
      if (syscall(SYS_renameat2, parent, name.c_str(), top_.fd.get(), above.c_str(),
                  kRenameNoReplace) == 0) {
        moved_.push_back(above);
        return {};
      }
      if (errno == ENOENT) return {};
      if (errno != EEXIST) return {errno, "renameat2", name};
    }
  }

  TreeNode top_;
  std::vector<std::string> moved_;
  unsigned number_ = 0;
};

}  // namespace

SystemError RemoveTree(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return {errno, "unlinkat", name};
  TreeNode above, top;
  Fd again(openat(parent, ".", O_PATH | O_CLOEXEC));
  if (!again.valid()) return {errno, "openat", name};
  if (SystemError error = NodeOf(std::move(again), &above)) return error;
  SystemError error = OpenNode(parent, name, &top);
  if (error.number == ENOENT) return {};
  if (error) return error;
  if (!top.isDirectory()) return {EPERM, "unlinkat", name};
  if (top.facts.stx_mnt_id != above.facts.stx_mnt_id) return {EBUSY, "unlinkat", name};
  if ((error = Removal(std::move(top)).Empty())) return error;
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return {errno, "unlinkat", name};
}
