#include "decompressor.h"

#include <string.h>

#include "gunzip.h"
#include "zstd-calls.h"

namespace {

constexpr size_t kPiece = 256 * 1024;
constexpr char kTruncated[] = "the compressed data end too early";

class Plain final : public Decompressor {
 public:
  std::string Write(const uint8_t* bytes, size_t length, const PlainSink& sink) override {
    sink(bytes, length);
    return "";
  }
};

// Members follow each other, as pigz and stargz write them; zeros behind the last are filling.
class Gzip final : public Decompressor {
 public:
  std::string Write(const uint8_t* bytes, size_t length, const PlainSink& sink) override {
    while (length > 0) {
      if (isBetween_) {
        if (*bytes == 0 && isAnyDone_) {
          bytes++;
          length--;
          continue;
        }
        if (!gunzip_.Start()) return "there is no memory to decompress it";
        isBetween_ = false;
      }
      bool isDone = false;
      const size_t before = length;
      std::string reason = Some(&bytes, &length, sink, &isDone);
      if (!reason.empty()) return reason;
      if (isDone) isBetween_ = isAnyDone_ = true;
      else if (length == before) return "the gzip data make no sense";
    }
    return "";
  }

  std::string Finish() override { return isBetween_ && isAnyDone_ ? "" : kTruncated; }

 private:
  std::string Some(const uint8_t** bytes, size_t* length, const PlainSink& sink, bool* isDone) {
    for (;;) {
      size_t made = 0;
      const char* reason = gunzip_.Next(bytes, length, out_, kPiece, &made, isDone);
      if (reason != nullptr) return reason;
      if (made > 0 && !sink(out_, made)) {
        *length = 0;
        return "";
      }
      if (*isDone || made < kPiece) return "";
    }
  }

  Gunzip gunzip_;
  bool isBetween_ = true;
  bool isAnyDone_ = false;
  uint8_t out_[kPiece];
};

// Frames follow each other, skippable ones among them.
class Zstd final : public Decompressor {
 public:
  Zstd() : context_(ZSTD_createDCtx()) {}
  ~Zstd() override { ZSTD_freeDCtx(context_); }

  std::string Write(const uint8_t* bytes, size_t length, const PlainSink& sink) override {
    if (context_ == nullptr) return "there is no memory to decompress it";
    ZSTD_inBuffer in{bytes, length, 0};
    for (;;) {
      ZSTD_outBuffer out{out_, kPiece, 0};
      left_ = ZSTD_decompressStream(context_, &out, &in);
      if (ZSTD_isError(left_)) return std::string("zstd: ") + ZSTD_getErrorName(left_);
      if (out.pos > 0 && !sink(out_, out.pos)) return "";
      if (in.pos == in.size && out.pos < kPiece) return "";
    }
  }

  std::string Finish() override { return left_ == 0 ? "" : kTruncated; }

 private:
  ZSTD_DCtx* context_;
  size_t left_ = 1;
  uint8_t out_[kPiece];
};

bool Begins(const uint8_t* start, size_t length, const char* magic, size_t size) {
  return length >= size && memcmp(start, magic, size) == 0;
}

}  // namespace

std::unique_ptr<Decompressor> Decompressor::For(const uint8_t* start, size_t length,
                                                std::string* reason) {
  // zstd's skippable frames also begin a zstd file.
  const bool isSkippable = length >= 4 && (start[0] & 0xf0) == 0x50 &&
                           memcmp(start + 1, "\x2a\x4d\x18", 3) == 0;
  if (Begins(start, length, "\x1f\x8b\x08", 3)) return std::make_unique<Gzip>();
  if (isSkippable || Begins(start, length, "\x28\xb5\x2f\xfd", 4)) return std::make_unique<Zstd>();
  const char* other = Begins(start, length, "\xfd" "7zXZ\0", 6) ? "xz"
                      : Begins(start, length, "BZh", 3)         ? "bzip2"
                                                                : nullptr;
  if (other == nullptr) return std::make_unique<Plain>();
  *reason = std::string("it is compressed with ") + other +
            "; only gzip and zstd are supported, compress it anew";
  return nullptr;
}
