#include "tar-output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "tar-header.h"

namespace {

constexpr size_t kBuffer = 256 * 1024;  // stays in the second-level cache between reading, hashing and writing

}  // namespace

TarOutput::TarOutput(Fd file, const TarOutputOptions& options, Cancelled cancelled)
    : file_(std::move(file)),
      cancelled_(cancelled),
      compressor_(MakeCompressor(options.compression, options.level)),
      buffer_(kBuffer) {
  if (options.algorithm.empty()) return;
  tarHash_.emplace(options.algorithm);
  if (compressor_) hash_.emplace(options.algorithm);
}

SystemError TarOutput::Write(const void* bytes, size_t length) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  while (length > 0) {
    const size_t used = std::min(length, kBuffer - fill_);
    memcpy(buffer_.data() + fill_, from, used);
    fill_ += used;
    from += used;
    length -= used;
    if (fill_ == kBuffer) {
      if (SystemError error = Flush(false)) return error;
    }
  }
  return {};
}

SystemError TarOutput::WriteZeros(uint64_t length) {
  while (length > 0) {
    const size_t used = std::min<uint64_t>(length, kBuffer - fill_);
    memset(buffer_.data() + fill_, 0, used);
    fill_ += used;
    length -= used;
    if (fill_ == kBuffer) {
      if (SystemError error = Flush(false)) return error;
    }
  }
  return {};
}

SystemError TarOutput::Pad() {
  return WriteZeros((kTarBlock - (tarSize_ + fill_) % kTarBlock) % kTarBlock);
}

SystemError TarOutput::WriteFile(int file, uint64_t offset, uint64_t length, bool* isShort) {
  while (length > 0) {
    const size_t wanted = std::min<uint64_t>(length, kBuffer - fill_);
    const ssize_t got =
        pread(file, buffer_.data() + fill_, wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {errno, "pread", ""};
    if (got == 0) {
      *isShort = true;
      return WriteZeros(length);
    }
    fill_ += static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
    length -= static_cast<uint64_t>(got);
    if (fill_ == kBuffer) {
      if (SystemError error = Flush(false)) return error;
    }
  }
  return {};
}

SystemError TarOutput::Flush(bool isLast) {
  if (cancelled_ != nullptr && *cancelled_ != 0) return {ECANCELED, "write", "the archive"};
  const size_t length = std::exchange(fill_, 0);
  tarSize_ += length;
  if (tarHash_) tarHash_->Update(buffer_.data(), length);
  if (!compressor_) return WriteOut(buffer_.data(), length);
  return compressor_->Write(buffer_.data(), length, isLast, [this](const uint8_t* bytes, size_t size) {
    if (hash_) hash_->Update(bytes, size);
    return WriteOut(bytes, size);
  });
}

SystemError TarOutput::WriteOut(const uint8_t* bytes, size_t length) {
  size_ += length;
  while (length > 0) {
    const ssize_t written = write(file_.get(), bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {errno, "write", "the archive"};
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return {};
}

SystemError TarOutput::Finish() {
  if (SystemError error = WriteZeros(2 * kTarBlock)) return error;
  if (SystemError error = Flush(true)) return error;
  if (tarHash_) tarDigest_ = tarHash_->Digest();
  digest_ = hash_ ? hash_->Digest() : tarDigest_;
  file_.Reset(-1);
  return {};
}
