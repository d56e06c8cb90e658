// The directory a layer is unpacked into, and the only way to touch what is beneath it: every path is resolved by the
// kernel (openat2) and cannot leave the directory, whatever links the layer holds.
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fd.h"
#include "layer-target.h"

constexpr const char* kInherited = "system.posix_acl_default";

// Ids outside a user namespace and what they are inside: `count` of them from each first one.
struct IdRange {
  uint64_t inside;
  uint64_t outside;
  uint64_t count;
};

// What an archive is for. A layer goes into an empty directory, and its whiteouts mean something; anything else goes into a
// tree that is in use: links are followed as in a container, what stands in the way is replaced.
struct RootRules {
  bool isLayer = true;
  std::string base;          // where in the root it goes
  bool doKeepKinds = false;  // no directory gives way to anything else, nor the other way round
  std::vector<IdRange> uids;
  std::vector<IdRange> gids;
  std::optional<uint64_t> uid;  // for every entry
  std::optional<uint64_t> gid;
};

class LayerRoot final : public LayerTarget {
 public:
  LayerRoot(Fd root, RootRules rules) : root_(std::move(root)), rules_(std::move(rules)) {}

  std::string MapOwner(TarEntry* entry) const override;
  LayerError StartFile(const TarEntry& entry, const LayerPath& path) override;
  SystemError WriteFile(const TarEntry& entry, const uint8_t* bytes, size_t length,
                        uint64_t at) override;
  LayerError FinishFile(const TarEntry& entry) override;
  LayerError MakeDirectory(const TarEntry& entry, const LayerPath& path) override;
  LayerError MakeSymlink(const TarEntry& entry, const LayerPath& path) override;
  LayerError MakeHardLink(const TarEntry& entry, const LayerPath& path) override;
  LayerError MakeNode(const TarEntry& entry, const LayerPath& path) override;
  LayerError HideName(const TarEntry& entry, const LayerPath& path,
                      const std::string& hidden) override;
  LayerError HideDirectory(const TarEntry& entry, const LayerPath& path) override;
  // Sets the times of directories, which every file made in them had changed, and what these would have inherited.
  LayerError Finish() override;

 private:
  struct Directory {
    std::string path;
    int64_t seconds;
    int64_t nanos;
    std::string entry;                     // as the archive names it
    std::optional<std::string> inherited;  // the access control list for what is made in it
  };

  int Resolve(const std::string& path, uint64_t flags) const;
  LayerError Parent(const TarEntry& entry, const LayerPath& path, int* parent);
  LayerError MakeParents(const TarEntry& entry, const std::string& path);
  LayerError TakeName(const TarEntry& entry, const LayerPath& path, int parent, bool* wasHidden);
  LayerError MakeWay(const TarEntry& entry, const LayerPath& path, int parent, bool isDirectory);
  LayerError SetNodeFacts(const TarEntry& entry, int parent, const std::string& base);

  Fd root_;
  RootRules rules_;
  Fd file_;  // whose content is coming
  std::string parentPath_;
  Fd parent_;
  std::vector<Directory> directories_;
};
