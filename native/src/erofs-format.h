// EROFS on disk, as much of it as an uncompressed image takes (Linux, Documentation/filesystems/erofs.rst). Little-endian.
//
//   block 0      1,024 bytes of nothing, the superblock
//   content      of each file, from a block's beginning
//   directories  that are too large to stand behind their inode
//   inodes       each 64 bytes, its attributes, and of small directories and links the content, of sparse files where each
//                piece stands; never across a block's end where it fits into one. A node's number is its distance from here in units of 32 bytes.
#pragma once

#include <stdint.h>

#include <string>

constexpr uint64_t kErofsBlock = 4096;
constexpr int kErofsBlockBits = 12;
constexpr uint64_t kErofsSuper = 1024;  // where the superblock begins
constexpr uint32_t kErofsMagic = 0xe0f5e1e2;
constexpr uint64_t kErofsSlot = 32;
constexpr uint64_t kErofsInode = 64;
constexpr uint64_t kErofsDirent = 12;
constexpr uint64_t kErofsXattrHeader = 12;
// The first slots stay free: a node's number is what stat(2) shows, and none has the number 0.
constexpr uint64_t kErofsFirstInode = 64;
// Bit 0: a 64-byte inode; then where its content is.
constexpr uint16_t kErofsPlain = 1 | 0 << 1;
constexpr uint16_t kErofsInline = 1 | 2 << 1;
constexpr uint16_t kErofsChunks = 1 | 4 << 1;
constexpr uint32_t kErofsHole = UINT32_MAX;       // a piece that is not there
constexpr uint32_t kErofsChunkFeature = 4;        // what a kernel must know to read sparse files
constexpr uint64_t kErofsMostBytes = kErofsBlock << 32;  // that blocks can be counted

inline uint64_t AlignUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// Appends a number's `bytes` low bytes.
inline void PutNumber(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out->push_back(static_cast<char>(value >> (8 * i)));
}
