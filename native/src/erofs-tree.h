// A layer as an EROFS image: the content of files goes into the image as it comes, the tree is kept in memory (some 300 bytes
// an entry and its names, at most half a gigabyte in all) and written behind it at the end. The same archive gives the same bytes.
#pragma once

#include <stdint.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fd.h"
#include "image-output.h"
#include "layer-target.h"

constexpr size_t kLongestName = 255;
constexpr size_t kLongestPath = 4095;

struct ErofsNode {
  uint16_t mode = 0;  // with the type
  bool isOpaque = false;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 1;
  uint32_t device = 0;  // as the kernel encodes it
  int64_t seconds = 0;
  uint32_t nanos = 0;
  uint32_t parent = 0;  // of a directory
  uint64_t size = 0;
  uint64_t start = 0;  // of the content in the image
  // Of a sparse file: the block where each piece of `1 << chunkBits` bytes stands, or kErofsHole.
  std::vector<uint32_t> chunks;
  uint8_t chunkBits = 0;
  std::string link;    // a symbolic link's target
  std::map<std::string, std::string> xattrs;
  std::map<std::string, uint32_t> children;  // sorted as EROFS has them: by bytes
};

// The root is the first.
using ErofsNodes = std::deque<ErofsNode>;

class ErofsTree final : public LayerTarget {
 public:
  // `image`: an empty file.
  explicit ErofsTree(Fd image);

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
  LayerError Finish() override;

 private:
  enum class Missing { kFails, kIsMade };

  LayerError Parent(const TarEntry& entry, const LayerPath& path, uint32_t* parent);
  int Walk(const std::vector<std::string>& parts, size_t count, Missing missing, uint32_t* found);
  int Step(uint32_t from, const std::string& part, int* links, uint32_t* found);
  LayerError Add(const TarEntry& entry, uint32_t parent, const std::string& name, uint16_t mode,
                 uint32_t* made);
  LayerError TakeName(const TarEntry& entry, const std::string& name, uint32_t parent,
                      bool* wasHidden);
  LayerError SetFacts(const TarEntry& entry, ErofsNode* node);
  SystemError MapSparse(const TarEntry& entry);
  SystemError WriteSparse(const TarEntry& entry, const uint8_t* bytes, size_t length, uint64_t at);
  LayerError CheckText(const TarEntry& entry, uint64_t more);
  bool IsDirectory(uint32_t node) const;

  ImageOutput output_;
  ErofsNodes nodes_;
  uint64_t end_;         // of the content
  uint64_t textBytes_ = 0;  // of names, targets and attributes
  uint32_t file_ = 0;    // whose content is coming
  std::string parentPath_;
  uint32_t parent_ = 0;
};
