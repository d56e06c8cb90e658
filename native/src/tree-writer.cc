#include "tree-writer.h"

#include <errno.h>

namespace {

// Each level holds one descriptor.
constexpr int kMaxDepth = 2048;

class TreeWalk {
 public:
  TreeWalk(EntryWriter* writer, const TreeOptions& options, uint64_t mount)
      : writer_(writer), options_(options), mount_(mount) {}

  // What is mounted in the tree shows as an empty directory or file, unless mounts are crossed.
  LayerError Node(const TreeNode& node, const std::string& name, int depth) {
    const bool isMounted = node.facts.stx_mnt_id != mount_ && !options_.doCrossMounts;
    if (isMounted && !node.isDirectory()) return Empty(node, name);
    if (!name.empty()) {
      if (LayerError error = writer_->Write(node, name)) return error;
    }
    if (isMounted || !node.isDirectory()) return {};
    return Children(node, name, depth);
  }

 private:
  LayerError Empty(const TreeNode& node, const std::string& name) {
    TarEntry entry;
    if (LayerError error = writer_->Entry(node, name, {}, &entry)) return error;
    entry.type = '0';
    entry.size = 0;
    return writer_->WriteBare(entry);
  }

  LayerError Children(const TreeNode& directory, const std::string& name, int depth) {
    if (depth > kMaxDepth) return {name, "its directories are nested too deep", {}};
    std::vector<std::string> names;
    SystemError error = ReadNames(directory, &names);
    if (error && error.number != ENOENT) return {name, "", {error.number, error.call, name}};
    for (const std::string& each : names) {
      const std::string path = name.empty() ? each : name + "/" + each;
      TreeNode child;
      error = OpenNode(directory.fd.get(), each, &child);
      if (error.number == ENOENT) continue;  // removed since
      if (error) return {path, "", {error.number, error.call, path}};
      if (LayerError failed = Node(child, path, depth + 1)) return failed;
    }
    return {};
  }

  EntryWriter* writer_;
  const TreeOptions& options_;
  uint64_t mount_;
};

}  // namespace

LayerError WriteTree(EntryWriter* writer, int root, const TreeOptions& options) {
  TreeNode start;
  if (SystemError error = OpenInRoot(root, options.path, options.doFollow, &start)) {
    return {options.path, "", error};
  }
  if (options.name.empty() && !start.isDirectory()) {
    return {options.path, "it is not a directory, and no name was given for it", {}};
  }
  // The mount that was asked for is no foreign one, wherever it is.
  return TreeWalk(writer, options, start.facts.stx_mnt_id).Node(start, options.name, 0);
}
