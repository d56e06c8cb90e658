#include "gunzip.h"

#include <new>

#ifdef BAYPLAN_ISAL

Gunzip::~Gunzip() = default;

bool Gunzip::Start() {
  if (!state_) state_.reset(new (std::nothrow) inflate_state);
  if (!state_) return false;
  isal_inflate_init(state_.get());
  state_->crc_flag = ISAL_GZIP;
  return true;
}

const char* Gunzip::Next(const uint8_t** in, size_t* length, uint8_t* out, size_t capacity,
                         size_t* made, bool* isDone) {
  state_->next_in = const_cast<uint8_t*>(*in);
  state_->avail_in = static_cast<uint32_t>(*length);
  state_->next_out = out;
  state_->avail_out = static_cast<uint32_t>(capacity);
  const int result = isal_inflate(state_.get());
  *in = state_->next_in;
  *length = state_->avail_in;
  *made = capacity - state_->avail_out;
  *isDone = state_->block_state == ISAL_BLOCK_FINISH;
  if (result == ISAL_INCORRECT_CHECKSUM) return "the gzip checksum is wrong";
  if (result < 0) return "the gzip data are damaged";
  return nullptr;
}

#else

Gunzip::~Gunzip() {
  if (isReady_) inflateEnd(&stream_);
}

bool Gunzip::Start() {
  if (isReady_) return inflateReset(&stream_) == Z_OK;
  isReady_ = inflateInit2(&stream_, 15 + 16) == Z_OK;  // + 16: gzip only
  return isReady_;
}

const char* Gunzip::Next(const uint8_t** in, size_t* length, uint8_t* out, size_t capacity,
                         size_t* made, bool* isDone) {
  stream_.next_in = const_cast<uint8_t*>(*in);
  stream_.avail_in = static_cast<uInt>(*length);
  stream_.next_out = out;
  stream_.avail_out = static_cast<uInt>(capacity);
  const int result = inflate(&stream_, Z_NO_FLUSH);
  *in = stream_.next_in;
  *length = stream_.avail_in;
  *made = capacity - stream_.avail_out;
  *isDone = result == Z_STREAM_END;
  return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR
             ? nullptr
             : "the gzip data are damaged";
}

#endif
