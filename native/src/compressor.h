// gzip and zstd out, by the libraries Node brings. The same bytes always become the same bytes on the same version of Node.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>

#include "addon.h"

enum class Compression { kNone, kGzip, kZstd };

// Takes compressed bytes.
using ByteSink = std::function<SystemError(const uint8_t*, size_t)>;

class Compressor {
 public:
  virtual ~Compressor() = default;
  // `isLast` ends the stream; nothing may be written after it.
  virtual SystemError Write(const uint8_t* bytes, size_t length, bool isLast,
                            const ByteSink& sink) = 0;
};

// `level` 0 is the usual one. Empty for kNone, or when there is no memory.
std::unique_ptr<Compressor> MakeCompressor(Compression compression, int level);
