#include "image-output.h"

#include <errno.h>
#include <unistd.h>

namespace {

constexpr size_t kGathered = 1 << 20;
constexpr size_t kLarge = 64 << 10;  // is not copied before it is written
constexpr uint64_t kGap = 4096;      // is filled with zeros rather than left out

}  // namespace

SystemError ImageOutput::WriteThrough(uint64_t at, const uint8_t* bytes, size_t length) {
  while (length > 0) {
    const ssize_t written = pwrite(file_.get(), bytes, length, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {errno, "write", "the layer's image"};
    at += static_cast<uint64_t>(written);
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return {};
}

SystemError ImageOutput::Flush() {
  const SystemError error = WriteThrough(start_, gathered_.data(), gathered_.size());
  start_ += gathered_.size();
  gathered_.clear();
  return error;
}

SystemError ImageOutput::Write(uint64_t at, const void* bytes, size_t length) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  const uint64_t end = start_ + gathered_.size();
  if (!gathered_.empty() && at >= end && at - end < kGap) gathered_.resize(at - start_);
  const bool isNext = at == start_ + gathered_.size();
  if (!isNext || gathered_.size() + length > kGathered || length >= kLarge) {
    if (SystemError error = Flush()) return error;
    start_ = at;
  }
  if (length < kLarge) {
    gathered_.insert(gathered_.end(), from, from + length);
    return {};
  }
  start_ = at + length;
  return WriteThrough(at, from, length);
}

SystemError ImageOutput::SetSize(uint64_t size) {
  if (SystemError error = Flush()) return error;
  if (ftruncate(file_.get(), static_cast<off_t>(size)) == 0) return {};
  return {errno, "ftruncate", "the layer's image"};
}
