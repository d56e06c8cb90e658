// The state machine over a layer's tar.
#include "layer-unpacker.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

namespace {

constexpr uint64_t kMaxMetadata = 1 << 20;  // a PAX header or a GNU long name
const std::string kWhiteout = ".wh.";
const std::string kOpaque = ".wh..wh..opq";
const std::string kAufs = ".wh..wh.";

bool IsMetadata(char type) { return type == 'x' || type == 'g' || type == 'L' || type == 'K'; }

uint64_t Padding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

// GNU long names end with a NUL.
std::string WithoutNul(const std::string& text) { return text.substr(0, text.find('\0')); }

}  // namespace

SystemError LayerUnpacker::Open(const std::string& path, const LayerLimits& limits) {
  limits_ = limits;
  return root_.Open(path);
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
      case State::kEnd:
        break;  // what follows the end of the archive has no meaning
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
  remaining_ = entry_.size;
  padding_ = Padding(entry_.size);
  metadata_.clear();
  state_ = State::kMetadata;
  return remaining_ == 0 ? TakeMetadata() : LayerError{};
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

LayerError LayerUnpacker::StartEntry() {
  const std::string reason = ApplyOverrides(overrides_, &entry_);
  overrides_ = TarOverrides{};
  if (!reason.empty()) return {entry_.name, reason, {}};
  const bool isFile = entry_.type == '0';
  if (isFile && entry_.name.ends_with('/')) entry_.type = '5';  // as tars of before 1988 said it
  // Links and directories have no content, whatever their size field says.
  if (!isFile || entry_.type == '5') entry_.size = 0;
  if (entry_.size > limits_.bytes - bytes_) {
    return {entry_.name, "the layer unpacks to more than " + std::to_string(limits_.bytes) + " bytes", {}};
  }
  bytes_ += entry_.size;
  remaining_ = entry_.size;
  padding_ = Padding(entry_.size);
  const LayerPath path = ParseLayerPath(entry_.name);
  if (!path.reason.empty()) return {entry_.name, path.reason, {}};
  if (LayerError error = MakeEntry(path)) return error;
  if (remaining_ == 0) return FinishContent();
  state_ = State::kContent;
  return {};
}

LayerError LayerUnpacker::MakeEntry(const LayerPath& path) {
  if (path.parts.empty() && entry_.type != '5') {
    return {entry_.name, "it would replace the root directory", {}};
  }
  if (!path.parts.empty() && path.Base().starts_with(kWhiteout)) {
    if (path.Base() == kOpaque) return root_.HideDirectory(entry_, path);
    if (path.Base().starts_with(kAufs)) return {};  // AUFS's own bookkeeping in old images
    const std::string hidden = path.Base().substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..") {
      return {entry_.name, "it is a whiteout of nothing that can be hidden", {}};
    }
    return root_.HideName(entry_, path, hidden);
  }
  switch (entry_.type) {
    case '0':
      return root_.MakeFile(entry_, path, &file_);
    case '1':
      return root_.MakeHardLink(entry_, path);
    case '2':
      return root_.MakeSymlink(entry_, path);
    case '3':
    case '4':
    case '6':
      return root_.MakeNode(entry_, path);
    case '5':
      return root_.MakeDirectory(entry_, path);
    default:
      return {entry_.name, std::string("its tar type '") + entry_.type + "' is not supported", {}};
  }
}

// `file_` is closed for a whiteout that comes with content: it is passed over.
LayerError LayerUnpacker::WriteContent(const uint8_t* bytes, size_t length) {
  while (file_.valid() && length > 0) {
    const ssize_t written = write(file_.get(), bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return {entry_.name, "", {errno, "write", entry_.name}};
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return {};
}

LayerError LayerUnpacker::FinishContent() {
  state_ = padding_ > 0 ? State::kPadding : State::kHeader;
  if (!file_.valid()) return {};
  LayerError error = root_.FinishFile(entry_, file_);
  file_.Reset(-1);
  return error;
}

LayerError LayerUnpacker::Finish() {
  const bool atEntry = state_ == State::kHeader && blockFill_ == 0;
  if (!atEntry && state_ != State::kEnd) {
    return {entry_.name, "the archive ends in the middle of it: it is truncated", {}};
  }
  return root_.FinishDirectories();
}

void LayerUnpacker::Close() {
  file_.Reset(-1);
  root_ = LayerRoot{};
}
