// zstd's streaming calls, which Node exports without their header: the stable part of zstd's API, unchanged since 1.4
// (facebook/zstd, lib/zstd.h).
#pragma once

#include <stddef.h>

extern "C" {
struct ZSTD_CCtx;
struct ZSTD_DCtx;
struct ZSTD_inBuffer {
  const void* src;
  size_t size;
  size_t pos;
};
struct ZSTD_outBuffer {
  void* dst;
  size_t size;
  size_t pos;
};
constexpr int kZstdCompressionLevel = 100;  // ZSTD_c_compressionLevel
constexpr int kZstdChecksum = 201;          // ZSTD_c_checksumFlag
constexpr int kZstdContinue = 0;            // ZSTD_e_continue
constexpr int kZstdEnd = 2;                 // ZSTD_e_end

ZSTD_CCtx* ZSTD_createCCtx(void);
size_t ZSTD_freeCCtx(ZSTD_CCtx*);
size_t ZSTD_CCtx_setParameter(ZSTD_CCtx*, int parameter, int value);
size_t ZSTD_compressStream2(ZSTD_CCtx*, ZSTD_outBuffer*, ZSTD_inBuffer*, int operation);
ZSTD_DCtx* ZSTD_createDCtx(void);
size_t ZSTD_freeDCtx(ZSTD_DCtx*);
size_t ZSTD_decompressStream(ZSTD_DCtx*, ZSTD_outBuffer*, ZSTD_inBuffer*);
unsigned ZSTD_isError(size_t code);
const char* ZSTD_getErrorName(size_t code);
}
