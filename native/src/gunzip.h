// One gzip member after another: isa-l or zlib beneath the same few words.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef BAYPLAN_ISAL
#include <isa-l/igzip_lib.h>

#include <memory>
#else
#include <zlib.h>
#endif

class Gunzip {
 public:
  Gunzip() = default;
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip();

  // Begins a member; false without memory.
  bool Start();
  // Fills `out` as far as the input goes; `made` below `capacity` means that more input is wanted, or the member `isDone`
  // (its checksum was right). The answer is what is wrong with the data.
  const char* Next(const uint8_t** in, size_t* length, uint8_t* out, size_t capacity, size_t* made,
                   bool* isDone);

 private:
#ifdef BAYPLAN_ISAL
  std::unique_ptr<inflate_state> state_;
#else
  z_stream stream_{};
  bool isReady_ = false;
#endif
};
