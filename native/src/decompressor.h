// Undoes gzip and zstd, told apart by their first bytes: media types of the wild are not to be relied upon. gzip by isa-l
// where the machine had it when the addon was built (twice as fast), else by Node's zlib.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>
#include <string>

// Takes plain bytes; false ends the work.
using PlainSink = std::function<bool(const uint8_t*, size_t)>;

class Decompressor {
 public:
  // By the first bytes; fewer than six only when the file is shorter. `reason` when it is a kind nobody here reads.
  static std::unique_ptr<Decompressor> For(const uint8_t* start, size_t length, std::string* reason);

  virtual ~Decompressor() = default;
  // The next compressed bytes; the answer is what is wrong with them ("" when nothing).
  virtual std::string Write(const uint8_t* bytes, size_t length, const PlainSink& sink) = 0;
  // The file has ended; the answer is why it may not end there.
  virtual std::string Finish() { return ""; }
};
