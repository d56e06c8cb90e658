// The state machine over a layer's tar.
#include "layer-unpacker.h"

#include <string.h>

#include <algorithm>
#include <utility>

namespace {

constexpr uint64_t kMaxMetadata = 1 << 20;  // a PAX header or a GNU long name
constexpr uint64_t kMaxBehind = 64 << 20;   // tar pads to whole records, of 10 KiB unless told otherwise

bool IsMetadata(char type) { return type == 'x' || type == 'g' || type == 'L' || type == 'K'; }

// GNU long names end with a NUL.
std::string WithoutNul(const std::string& text) { return text.substr(0, text.find('\0')); }

}  // namespace

void LayerUnpacker::Open(std::unique_ptr<LayerTarget> target, bool isLayer,
                         const LayerLimits& limits) {
  limits_ = limits;
  isLayer_ = isLayer;
  target_ = std::move(target);
}

LayerError LayerUnpacker::Write(const uint8_t* bytes, size_t length) {
  while (length > 0) {
    size_t used = length;
    LayerError error;
    switch (state_) {
      case State::kHeader:
        used = std::min(length, kTarBlock - blockFill_);
        memcpy(block_ + blockFill_, bytes, used);
        blockFill_ += used;
        if (blockFill_ == kTarBlock) error = TakeHeader();
        break;
      case State::kSparse:
        used = std::min(length, kTarBlock - blockFill_);
        memcpy(block_ + blockFill_, bytes, used);
        blockFill_ += used;
        if (blockFill_ == kTarBlock) error = TakeSparseBlock();
        break;
      case State::kMetadata:
        used = std::min<uint64_t>(length, remaining_);
        metadata_.append(reinterpret_cast<const char*>(bytes), used);
        remaining_ -= used;
        if (remaining_ == 0) error = TakeMetadata();
        break;
      case State::kContent:
        used = std::min<uint64_t>(length, remaining_);
        error = WriteContent(bytes, used);
        remaining_ -= used;
        if (!error && remaining_ == 0) error = FinishContent();
        break;
      case State::kPadding:
        used = std::min<uint64_t>(length, padding_);
        padding_ -= used;
        if (padding_ == 0) state_ = State::kHeader;
        break;
      case State::kEnd:  // what follows the end of the archive has no meaning
        behind_ += length;
        if (behind_ > kMaxBehind) error = {"", "more than 64 MiB follow the end of the archive", {}};
        break;
    }
    if (error) return error;
    bytes += used;
    length -= used;
  }
  return {};
}

LayerError LayerUnpacker::TakeHeader() {
  blockFill_ = 0;
  if (IsZeroBlock(block_)) {
    state_ = State::kEnd;
    return {};
  }
  const std::string lastName = entry_.name;
  entry_ = TarEntry{};
  const std::string reason = ParseTarHeader(block_, &entry_);
  if (!reason.empty()) return {entry_.name, reason + (lastName.empty() ? "" : ", after '" + lastName + "'"), {}};
  if (++entries_ > limits_.entries) {
    return {entry_.name, "the layer holds more than " + std::to_string(limits_.entries) + " entries", {}};
  }
  if (!IsMetadata(entry_.type)) return StartEntry();
  if (entry_.size > kMaxMetadata) return {entry_.name, "its metadata is larger than 1 MiB", {}};
  if (LayerError error = CheckRoom(entry_.size)) return error;
  metadataBytes_ += entry_.size;
  remaining_ = entry_.size;
  padding_ = TarPadding(entry_.size);
  metadata_.clear();
  state_ = State::kMetadata;
  return remaining_ == 0 ? TakeMetadata() : LayerError{};
}

// Metadata is read and thrown away, but also that must end.
LayerError LayerUnpacker::CheckRoom(uint64_t size) const {
  if (size <= limits_.bytes - bytes_ && metadataBytes_ <= limits_.bytes - bytes_ - size) return {};
  return {entry_.name, "the layer unpacks to more than " + std::to_string(limits_.bytes) + " bytes", {}};
}

LayerError LayerUnpacker::TakeMetadata() {
  state_ = padding_ > 0 ? State::kPadding : State::kHeader;
  std::string reason;
  if (entry_.type == 'x') {
    reason = ParsePaxRecords(metadata_, &overrides_.pax);
  } else if (entry_.type == 'L') {
    overrides_.longName = WithoutNul(metadata_);
  } else if (entry_.type == 'K') {
    overrides_.longLink = WithoutNul(metadata_);
  }  // 'g' speaks of all later entries; no layer writer says anything there that concerns files
  return {entry_.name, reason, {}};
}

// No file is open for a whiteout that comes with content: it is passed over.
LayerError LayerUnpacker::WriteContent(const uint8_t* bytes, size_t length) {
  if (!isFileOpen_) return {};
  const SparseMap& map = entry_.sparse.map;
  while (length > 0) {
    size_t part = length;
    uint64_t start = 0;
    if (entry_.sparse.isSparse) {
      while (map[piece_].second == written_) {
        piece_++;
        written_ = 0;
      }
      part = std::min<uint64_t>(length, map[piece_].second - written_);
      start = map[piece_].first;
    }
    if (SystemError error = target_->WriteFile(entry_, bytes, part, start + written_)) {
      return {entry_.name, "", error};
    }
    written_ += part;
    bytes += part;
    length -= part;
  }
  return {};
}

LayerError LayerUnpacker::FinishContent() {
  state_ = padding_ > 0 ? State::kPadding : State::kHeader;
  if (!isFileOpen_) return {};
  isFileOpen_ = false;
  return target_->FinishFile(entry_);
}

LayerError LayerUnpacker::Finish() {
  const bool atEntry = state_ == State::kHeader && blockFill_ == 0;
  if (!atEntry && state_ != State::kEnd) {
    return {entry_.name, "the archive ends in the middle of it: it is truncated", {}};
  }
  return target_->Finish();
}

void LayerUnpacker::Close() { target_.reset(); }
