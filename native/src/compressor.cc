#include "compressor.h"

#include <errno.h>
#include <zlib.h>

#include "zstd-calls.h"

namespace {

constexpr size_t kPiece = 128 * 1024;

class GzipCompressor final : public Compressor {
 public:
  // 15 + 16: a gzip header without a name and a time, so that nothing in it varies.
  explicit GzipCompressor(int level) {
    isReady_ = deflateInit2(&stream_, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                            15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipCompressor() override {
    if (isReady_) deflateEnd(&stream_);
  }

  SystemError Write(const uint8_t* bytes, size_t length, bool isLast,
                    const ByteSink& sink) override {
    if (!isReady_) return {ENOMEM, "deflateInit2", ""};
    stream_.next_in = const_cast<uint8_t*>(bytes);
    stream_.avail_in = static_cast<uInt>(length);
    for (;;) {
      stream_.next_out = out_;
      stream_.avail_out = kPiece;
      const int result = deflate(&stream_, isLast ? Z_FINISH : Z_NO_FLUSH);
      const size_t made = kPiece - stream_.avail_out;
      if (made > 0) {
        if (SystemError error = sink(out_, made)) return error;
      }
      if (isLast ? result == Z_STREAM_END : stream_.avail_out > 0) return {};
    }
  }

 private:
  z_stream stream_{};
  bool isReady_ = false;
  uint8_t out_[kPiece];
};

class ZstdCompressor final : public Compressor {
 public:
  explicit ZstdCompressor(int level) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    ZSTD_CCtx_setParameter(context_, kZstdCompressionLevel, level == 0 ? 3 : level);
    ZSTD_CCtx_setParameter(context_, kZstdChecksum, 1);
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }

  SystemError Write(const uint8_t* bytes, size_t length, bool isLast,
                    const ByteSink& sink) override {
    if (context_ == nullptr) return {ENOMEM, "ZSTD_createCCtx", ""};
    ZSTD_inBuffer in{bytes, length, 0};
    for (;;) {
      ZSTD_outBuffer out{out_, kPiece, 0};
      const size_t left =
          ZSTD_compressStream2(context_, &out, &in, isLast ? kZstdEnd : kZstdContinue);
      if (ZSTD_isError(left)) return {ENOMEM, "ZSTD_compressStream2", ZSTD_getErrorName(left)};
      if (out.pos > 0) {
        if (SystemError error = sink(out_, out.pos)) return error;
      }
      if (isLast ? left == 0 : in.pos == in.size) return {};
    }
  }

 private:
  ZSTD_CCtx* context_;
  uint8_t out_[kPiece];
};

}  // namespace

std::unique_ptr<Compressor> MakeCompressor(Compression compression, int level) {
  if (compression == Compression::kGzip) return std::make_unique<GzipCompressor>(level);
  if (compression == Compression::kZstd) return std::make_unique<ZstdCompressor>(level);
  return nullptr;
}
