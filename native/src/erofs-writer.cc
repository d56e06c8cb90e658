#include "erofs-writer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "erofs-format.h"
#include "hash.h"

namespace {

using Names = std::vector<std::pair<std::string, uint32_t>>;

struct Place {
  bool isKnown = false;
  uint64_t inode = 0;      // from the beginning of the inodes
  bool isInline = false;   // the content stands behind it
  uint64_t content = 0;    // of a directory or link that does not: where, in the image
  uint64_t size = 0;       // of the content
};

// With itself and the directory above, in the order of their bytes.
Names NamesIn(const ErofsNode& directory, uint32_t self) {
  Names names(directory.children.begin(), directory.children.end());
  for (const auto& [name, node] : {std::pair<std::string, uint32_t>{".", self}, {"..", directory.parent}}) {
    auto at = names.begin();
    while (at != names.end() && at->first < name) ++at;
    names.insert(at, {name, node});
  }
  return names;
}

// Calls `block(first, last, bytes)` for the names that fit into each block and how many bytes they take.
template <typename Block>
void InBlocks(const Names& names, Block block) {
  size_t first = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < names.size(); i++) {
    const uint64_t more = kErofsDirent + names[i].first.size();
    if (bytes + more > kErofsBlock) {
      block(first, i, bytes);
      first = i;
      bytes = 0;
    }
    bytes += more;
  }
  block(first, names.size(), bytes);
}

uint64_t DirectorySize(const Names& names) {
  uint64_t size = 0;
  InBlocks(names, [&](size_t, size_t last, uint64_t bytes) {
    size += last == names.size() ? bytes : kErofsBlock;
  });
  return size;
}

uint8_t DirentType(uint16_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 1;
    case S_IFDIR:
      return 2;
    case S_IFCHR:
      return 3;
    case S_IFBLK:
      return 4;
    case S_IFIFO:
      return 5;
    default:
      return 7;
  }
}

// 16 bytes of "sha256:<hex>".
void PutUuid(std::string* out, const std::string& digest) {
  const std::string hex = digest.substr(digest.find(':') + 1, 32);
  for (size_t i = 0; i < hex.size(); i += 2) PutNumber(out, strtoul(hex.substr(i, 2).c_str(), nullptr, 16), 1);
}

class Writer {
 public:
  Writer(const ErofsNodes& nodes, uint64_t end, ImageOutput* output)
      : nodes_(nodes), output_(output), places_(nodes.size()), end_(AlignUp(end, kErofsBlock)) {}

  SystemError Run() {
    for (size_t i = 0; i < order_.size(); i++) Lay(order_[i]);
    start_ = end_;
    const uint64_t blocks = AlignUp(start_ + inodes_, kErofsBlock) / kErofsBlock;
    if (blocks > UINT32_MAX) return {EFBIG, "write", "the layer's image"};
    for (const uint32_t node : order_) {
      if (SystemError error = WriteContent(node)) return error;
    }
    for (const uint32_t node : order_) {
      if (SystemError error = WriteInode(node)) return error;
    }
    if (SystemError error = output_->SetSize(blocks * kErofsBlock)) return error;
    return WriteSuper(static_cast<uint32_t>(blocks));
  }

 private:
  // Finds the place of a node, and who comes after it.
  void Lay(uint32_t node) {
    const ErofsNode& facts = nodes_[node];
    Place& place = places_[node];
    place.size = facts.size;
    const bool isDirectory = S_ISDIR(facts.mode);
    if (isDirectory) {
      place.size = DirectorySize(NamesIn(facts, node));
      for (const auto& [name, child] : facts.children) {
        if (std::exchange(places_[child].isKnown, true)) continue;
        order_.push_back(child);
      }
    }
    if (S_ISLNK(facts.mode)) place.size = facts.link.size();
    uint64_t whole = kErofsInode + ErofsXattrs(facts).size() + 4 * facts.chunks.size();
    if (!facts.chunks.empty()) features_ |= kErofsChunkFeature;
    if (isDirectory || S_ISLNK(facts.mode)) {
      place.isInline = whole + place.size <= kErofsBlock;
      if (place.isInline) {
        whole += place.size;
      } else {
        place.content = end_;
        end_ += AlignUp(place.size, kErofsBlock);
      }
    }
    if (inodes_ % kErofsBlock + whole > kErofsBlock) inodes_ = AlignUp(inodes_, kErofsBlock);
    place.inode = inodes_;
    inodes_ += AlignUp(whole, kErofsSlot);
  }

  uint64_t Number(uint32_t node) const { return places_[node].inode / kErofsSlot; }

  std::string Content(uint32_t node) const {
    const ErofsNode& facts = nodes_[node];
    if (S_ISLNK(facts.mode)) return facts.link;
    std::string bytes;
    const Names names = NamesIn(facts, node);
    InBlocks(names, [&](size_t first, size_t last, uint64_t) {
      bytes.resize(AlignUp(bytes.size(), kErofsBlock));
      uint64_t name = (last - first) * kErofsDirent;
      for (size_t i = first; i < last; i++) {
        PutNumber(&bytes, Number(names[i].second), 8);
        PutNumber(&bytes, name, 2);
        PutNumber(&bytes, DirentType(nodes_[names[i].second].mode), 1);
        PutNumber(&bytes, 0, 1);
        name += names[i].first.size();
      }
      for (size_t i = first; i < last; i++) bytes += names[i].first;
    });
    return bytes;
  }

  SystemError WriteContent(uint32_t node) {
    const Place& place = places_[node];
    if (place.content == 0) return {};
    const std::string bytes = Content(node);
    return output_->Write(place.content, bytes.data(), bytes.size());
  }

  SystemError WriteInode(uint32_t node) {
    const ErofsNode& facts = nodes_[node];
    const Place& place = places_[node];
    const std::string xattrs = ErofsXattrs(facts);
    const bool isDevice = S_ISCHR(facts.mode) || S_ISBLK(facts.mode);
    const bool isSparse = !facts.chunks.empty();
    const uint64_t content = S_ISREG(facts.mode) ? facts.start : place.content;
    const uint64_t where = isDevice   ? facts.device
                           : isSparse ? facts.chunkBits - kErofsBlockBits
                                      : content / kErofsBlock;
    std::string bytes;
    PutNumber(&bytes, isSparse ? kErofsChunks : place.isInline ? kErofsInline : kErofsPlain, 2);
    PutNumber(&bytes, xattrs.empty() ? 0 : (xattrs.size() - kErofsXattrHeader) / 4 + 1, 2);
    PutNumber(&bytes, facts.mode, 2);
    PutNumber(&bytes, 0, 2);
    PutNumber(&bytes, place.size, 8);
    PutNumber(&bytes, where, 4);
    PutNumber(&bytes, Number(node), 4);
    PutNumber(&bytes, facts.uid, 4);
    PutNumber(&bytes, facts.gid, 4);
    PutNumber(&bytes, static_cast<uint64_t>(facts.seconds), 8);
    PutNumber(&bytes, facts.nanos, 4);
    PutNumber(&bytes, facts.links, 4);
    bytes.resize(kErofsInode);
    bytes += xattrs;
    for (const uint32_t chunk : facts.chunks) PutNumber(&bytes, chunk, 4);
    if (place.isInline) bytes += Content(node);
    identity_.Update(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    return output_->Write(start_ + place.inode, bytes.data(), bytes.size());
  }

  SystemError WriteSuper(uint32_t blocks) {
    std::string bytes;
    PutNumber(&bytes, kErofsMagic, 4);
    PutNumber(&bytes, 0, 8);  // no checksum, no compatible features
    PutNumber(&bytes, kErofsBlockBits, 2);
    PutNumber(&bytes, Number(0), 2);
    PutNumber(&bytes, nodes_.size(), 8);
    bytes.resize(bytes.size() + 12);  // nobody's time
    PutNumber(&bytes, blocks, 4);
    PutNumber(&bytes, start_ / kErofsBlock, 4);
    bytes.resize(bytes.size() + 4);  // no shared attributes
    // Overlayfs tells file systems apart by this, and warns of two that have the same.
    PutUuid(&bytes, identity_.Digest());
    bytes.resize(80);
    PutNumber(&bytes, features_, 4);
    bytes.resize(128);
    if (SystemError error = output_->Write(kErofsSuper, bytes.data(), bytes.size())) return error;
    return output_->Flush();
  }

  const ErofsNodes& nodes_;
  ImageOutput* output_;
  Hash identity_{"sha256"};  // of the inodes
  std::vector<Place> places_;
  std::vector<uint32_t> order_{0};
  uint64_t end_;  // of content and directories
  uint64_t start_ = 0;  // of the inodes
  uint64_t inodes_ = kErofsFirstInode;
  uint32_t features_ = 0;
};

}  // namespace

SystemError WriteErofs(const ErofsNodes& nodes, uint64_t end, ImageOutput* output) {
  return Writer(nodes, end, output).Run();
}
