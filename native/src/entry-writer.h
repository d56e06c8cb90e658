// Turns what stands in a tree into tar entries, with everything a tar can say of it.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>

#include "layer-root.h"
#include "tar-writer.h"
#include "tree-node.h"

struct EntryOptions {
  enum class Times { kExact, kSeconds, kFixed };

  std::vector<IdRange> uids;  // none: ids are written as they are
  std::vector<IdRange> gids;
  std::optional<uint64_t> uid;  // for every entry
  std::optional<uint64_t> gid;
  Times times = Times::kExact;
  int64_t fixedTime = 0;
  bool isSparse = false;  // holes are left out (PAX 1.0), not written as zeros
};

// Attributes that mean the same on another machine: not overlayfs's marks, not labels of this machine's security modules.
bool IsPortableXattr(const std::string& name);

class EntryWriter {
 public:
  EntryWriter(TarOutput* output, EntryOptions options)
      : output_(output), options_(std::move(options)) {}

  // The entry of a node without its content; `xattrs` are all it has. `name` without a slash at the end.
  LayerError Entry(const TreeNode& node, const std::string& name,
                   std::map<std::string, std::string> xattrs, TarEntry* entry) const;
  // Writes an entry and its content. The second and later names of one inode become hard links to the first.
  LayerError Write(const TreeNode& node, TarEntry entry);
  LayerError Write(const TreeNode& node, const std::string& name);
  // Writes an entry that has no content.
  LayerError WriteBare(const TarEntry& entry);

  uint64_t entries() const { return entries_; }
  // Files that had become shorter when they were read; the rest of each is zeros.
  uint64_t shortened() const { return shortened_; }

 private:
  LayerError WriteContent(const TreeNode& node, const TarEntry& entry);
  uint64_t Mapped(const std::vector<IdRange>& ranges, uint64_t id) const;

  TarOutput* output_;
  EntryOptions options_;
  std::map<std::pair<uint64_t, uint64_t>, std::string> firstNames_;  // by device and inode
  uint64_t entries_ = 0;
  uint64_t shortened_ = 0;
};
