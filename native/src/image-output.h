// A file that is written from its beginning to its end, in large pieces; what is left out reads as zeros.
#pragma once

#include <stdint.h>

#include <utility>
#include <vector>

#include "addon.h"
#include "fd.h"

class ImageOutput {
 public:
  explicit ImageOutput(Fd file) : file_(std::move(file)) {}

  SystemError Write(uint64_t at, const void* bytes, size_t length);
  SystemError Flush();
  // Also what was left out at the end is there.
  SystemError SetSize(uint64_t size);

 private:
  SystemError WriteThrough(uint64_t at, const uint8_t* bytes, size_t length);

  Fd file_;
  uint64_t start_ = 0;  // of what is gathered
  std::vector<uint8_t> gathered_;
};
