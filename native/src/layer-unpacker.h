// Applies an archive, pushed in pieces of any size, to what its entries are made in.
//
//   header -> (metadata -> header)* -> (sparse map)* -> content -> header … -> end
//
// One piece at a time, each on whatever thread; nothing is kept in memory but one header and one entry's metadata.
#pragma once

#include <memory>
#include <string>

#include "layer-target.h"

struct LayerLimits {
  uint64_t bytes = 0;    // content of all files together
  uint64_t entries = 0;  // headers
};

class LayerUnpacker {
 public:
  // `isLayer`: its whiteouts mean something.
  void Open(std::unique_ptr<LayerTarget> target, bool isLayer, const LayerLimits& limits);
  LayerError Write(const uint8_t* bytes, size_t length);
  // The archive has ended: fails when an entry is not complete.
  LayerError Finish();
  void Close();

  uint64_t bytes() const { return bytes_; }
  uint64_t entries() const { return entries_; }

 private:
  enum class State { kHeader, kMetadata, kSparse, kContent, kPadding, kEnd };

  LayerError TakeHeader();
  LayerError CheckRoom(uint64_t size) const;
  LayerError TakeMetadata();
  LayerError TakeSparseBlock();
  LayerError StartEntry();
  LayerError StartContent();
  LayerError FinishContent();
  LayerError MakeEntry(const LayerPath& path);
  LayerError WriteContent(const uint8_t* bytes, size_t length);

  std::unique_ptr<LayerTarget> target_;
  bool isLayer_ = true;
  LayerLimits limits_;
  State state_ = State::kHeader;
  uint8_t block_[kTarBlock];
  size_t blockFill_ = 0;
  TarEntry entry_;
  TarOverrides overrides_;
  std::string metadata_;
  bool isFileOpen_ = false;
  bool isSparseMore_ = false;  // type 'S': another block of the map follows
  SparseMapReader sparseMap_;
  size_t piece_ = 0;     // of a sparse file
  uint64_t written_ = 0;  // of that piece, or of the whole file
  uint64_t remaining_ = 0;  // of content or metadata
  uint64_t padding_ = 0;
  uint64_t bytes_ = 0;
  uint64_t metadataBytes_ = 0;
  uint64_t behind_ = 0;  // the end of the archive
  uint64_t entries_ = 0;
};
