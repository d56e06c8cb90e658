// The directory a layer is unpacked into, and the only way to touch what is beneath it: every path is resolved by the
// kernel (openat2) and cannot leave the directory, whatever links the layer holds.
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

#include "addon.h"
#include "fd.h"
#include "tar-header.h"

// Why a layer could not be unpacked: a failed call, or what is wrong with the archive.
struct LayerError {
  std::string entry;   // the entry's name as the archive has it; "" when it is not about one
  std::string reason;  // empty when `system` says it
  SystemError system;

  explicit operator bool() const { return !reason.empty() || static_cast<bool>(system); }
};

// {message, entry}, with the facts of a NativeError when a call failed.
Napi::Error ToJs(Napi::Env env, const LayerError& error);

// "./a//b/" -> {"a", "b"}. `reason` is set when the path may not be used.
struct LayerPath {
  std::vector<std::string> parts;
  std::string reason;

  std::string Parent() const;
  const std::string& Base() const { return parts.back(); }
};
LayerPath ParseLayerPath(const std::string& path);

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

class LayerRoot {
 public:
  void Open(Fd root, RootRules rules);

  // Makes the owner the archive names the one on disk; the answer is why it cannot.
  std::string MapOwner(TarEntry* entry) const;

  // Each makes what an entry says, with its owner, mode, attributes and time.
  // MakeFile gives the open file: the caller writes the content, then calls FinishFile.
  LayerError MakeFile(const TarEntry& entry, const LayerPath& path, Fd* file);
  LayerError FinishFile(const TarEntry& entry, const Fd& file);
  LayerError MakeDirectory(const TarEntry& entry, const LayerPath& path);
  LayerError MakeSymlink(const TarEntry& entry, const LayerPath& path);
  LayerError MakeHardLink(const TarEntry& entry, const LayerPath& path);
  LayerError MakeNode(const TarEntry& entry, const LayerPath& path);

  // ".wh.name": hides `name` of the layers below. ".wh..wh..opq": hides all the directory had there (OCI image-spec, layer.md).
  LayerError HideName(const TarEntry& entry, const LayerPath& path, const std::string& hidden);
  LayerError HideDirectory(const TarEntry& entry, const LayerPath& path);

  // Sets the times of directories, which every file made in them had changed.
  LayerError FinishDirectories();

 private:
  struct DirectoryTime {
    std::string path;
    int64_t seconds;
    int64_t nanos;
  };

  int Resolve(const std::string& path, uint64_t flags) const;
  LayerError Parent(const TarEntry& entry, const LayerPath& path, int* parent);
  LayerError MakeParents(const TarEntry& entry, const std::string& path);
  LayerError TakeName(const TarEntry& entry, const LayerPath& path, int parent, bool* wasHidden);
  LayerError MakeWay(const TarEntry& entry, const LayerPath& path, int parent, bool isDirectory);
  LayerError SetNodeFacts(const TarEntry& entry, int parent, const std::string& base);

  Fd root_;
  RootRules rules_;
  std::string parentPath_;
  Fd parent_;
  std::vector<DirectoryTime> directories_;
};
