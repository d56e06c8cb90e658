// Sparse files in an image: in pieces of one size, of which only those with content are there.
#include <errno.h>

#include <algorithm>

#include "erofs-format.h"
#include "erofs-tree.h"

namespace {

constexpr uint64_t kMostChunks = 1 << 16;  // of one file: its map takes four bytes of each

}  // namespace

// The map of the file whose content is coming, as soon as it is needed.
SystemError ErofsTree::MapSparse(const TarEntry& entry) {
  ErofsNode& node = nodes_[file_];
  const uint64_t size = entry.sparse.realSize;
  if (!node.chunks.empty() || size == 0) return {};
  if (size > kErofsMostBytes) return {EFBIG, "ftruncate", entry.name};
  node.chunkBits = kErofsBlockBits;
  while (AlignUp(size, 1ull << node.chunkBits) >> node.chunkBits > kMostChunks) node.chunkBits++;
  const uint64_t count = AlignUp(size, 1ull << node.chunkBits) >> node.chunkBits;
  if (LayerError error = CheckText(entry, count * sizeof(uint32_t))) return error.system;
  node.chunks.assign(count, kErofsHole);
  return {};
}

// `at`: from the beginning of the file, never before what was written last.
SystemError ErofsTree::WriteSparse(const TarEntry& entry, const uint8_t* bytes, size_t length,
                                   uint64_t at) {
  if (SystemError error = MapSparse(entry)) return error;
  ErofsNode& node = nodes_[file_];
  const uint64_t size = 1ull << node.chunkBits;
  while (length > 0) {
    uint32_t& chunk = node.chunks[at >> node.chunkBits];
    const uint64_t within = at & (size - 1);
    if (chunk == kErofsHole) {
      const uint64_t left = entry.sparse.realSize - (at - within);
      const uint64_t taken = AlignUp(std::min(size, left), kErofsBlock);
      if (end_ > kErofsMostBytes - taken) return {EFBIG, "write", entry.name};
      chunk = static_cast<uint32_t>(end_ / kErofsBlock);
      end_ += taken;
    }
    const size_t part = std::min<uint64_t>(length, size - within);
    if (SystemError error = output_.Write(chunk * kErofsBlock + within, bytes, part)) return error;
    at += part;
    bytes += part;
    length -= part;
  }
  return {};
}
