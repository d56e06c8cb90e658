// Where a tar goes: gathered into large pieces, hashed, compressed, hashed again and written, all in one pass.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compressor.h"
#include "fd.h"
#include "hash.h"

struct TarOutputOptions {
  Compression compression = Compression::kNone;
  int level = 0;
  std::string algorithm;  // "" computes no digests
};

class TarOutput {
 public:
  // Set to something else than 0 by JavaScript to end the work with ECANCELED.
  using Cancelled = const volatile uint8_t*;

  TarOutput(Fd file, const TarOutputOptions& options, Cancelled cancelled);

  SystemError Write(const void* bytes, size_t length);
  SystemError WriteZeros(uint64_t length);
  // Up to the next multiple of a tar block.
  SystemError Pad();
  // Reads `length` bytes of `file` from `offset` straight into the buffer; what is missing is written as zeros, and said
  // in `isShort`.
  SystemError WriteFile(int file, uint64_t offset, uint64_t length, bool* isShort);
  SystemError Finish();

  // Of what was written: as it is in the file, and beneath the compression.
  uint64_t size() const { return size_; }
  uint64_t tarSize() const { return tarSize_; }
  const std::string& digest() const { return digest_; }
  const std::string& tarDigest() const { return tarDigest_; }

 private:
  SystemError Flush(bool isLast);
  SystemError WriteOut(const uint8_t* bytes, size_t length);

  Fd file_;
  Cancelled cancelled_;
  std::unique_ptr<Compressor> compressor_;
  std::optional<Hash> hash_;
  std::optional<Hash> tarHash_;
  std::vector<uint8_t> buffer_;
  size_t fill_ = 0;
  uint64_t size_ = 0;
  uint64_t tarSize_ = 0;
  std::string digest_;
  std::string tarDigest_;
};
