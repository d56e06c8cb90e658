// What becomes of one entry of an archive: its checks, its map when it is sparse, and what is made of it.
#include <algorithm>

#include "layer-unpacker.h"

namespace {

const std::string kWhiteout = ".wh.";
const std::string kOpaque = ".wh..wh..opq";
const std::string kAufs = ".wh..wh.";

}  // namespace

LayerError LayerUnpacker::StartEntry() {
  std::string reason = ApplyOverrides(overrides_, &entry_);
  overrides_ = TarOverrides{};
  isSparseMore_ = false;
  if (entry_.type == 'S') {
    entry_.type = '0';
    entry_.sparse = SparseFile{};
    if (reason.empty()) reason = SparseFromHeader(block_, &entry_.sparse, &isSparseMore_);
  }
  if (reason.empty()) reason = target_->MapOwner(&entry_);
  if (!reason.empty()) return {entry_.name, reason, {}};
  const bool isFile = entry_.type == '0';
  if (isFile && entry_.name.ends_with('/')) entry_.type = '5';  // as tars of before 1988 said it
  // Links and directories have no content, whatever their size field says.
  if (!isFile || entry_.type == '5') entry_.size = 0;
  if (entry_.type != '0') entry_.sparse = SparseFile{};
  if (LayerError error = CheckRoom(entry_.size)) return error;
  bytes_ += entry_.size;
  remaining_ = entry_.size;
  padding_ = TarPadding(entry_.size);
  const LayerPath path = ParseLayerPath(entry_.name);
  if (!path.reason.empty()) return {entry_.name, path.reason, {}};
  if (LayerError error = MakeEntry(path)) return error;
  sparseMap_ = SparseMapReader{};
  if (!isSparseMore_ && !entry_.sparse.isMapInContent) return StartContent();
  state_ = State::kSparse;
  return {};
}

// A map comes in blocks of its own: behind the header of type 'S', or at the beginning of the content.
LayerError LayerUnpacker::TakeSparseBlock() {
  blockFill_ = 0;
  SparseFile& sparse = entry_.sparse;
  std::string reason;
  if (sparse.isMapInContent) {
    if (remaining_ < kTarBlock) return {entry_.name, "its map of a sparse file is cut short", {}};
    remaining_ -= kTarBlock;
    reason = sparseMap_.Block(block_, &sparse);
    isSparseMore_ = !sparseMap_.isDone();
  } else {
    reason = SparseFromExtension(block_, &sparse, &isSparseMore_);
  }
  if (!reason.empty()) return {entry_.name, reason, {}};
  return isSparseMore_ ? LayerError{} : StartContent();
}

LayerError LayerUnpacker::StartContent() {
  piece_ = 0;
  written_ = 0;
  if (entry_.sparse.isSparse) {
    const std::string reason = CheckSparse(entry_.sparse, remaining_);
    if (!reason.empty()) return {entry_.name, reason, {}};
  }
  if (remaining_ == 0) return FinishContent();
  state_ = State::kContent;
  return {};
}

LayerError LayerUnpacker::MakeEntry(const LayerPath& path) {
  if (path.parts.empty() && entry_.type != '5') {
    return {entry_.name, "it would replace the root directory", {}};
  }
  if (isLayer_ && !path.parts.empty() && path.Base().starts_with(kWhiteout)) {
    if (path.Base() == kOpaque) return target_->HideDirectory(entry_, path);
    if (path.Base().starts_with(kAufs)) return {};  // AUFS's own bookkeeping in old images
    const std::string hidden = path.Base().substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..") {
      return {entry_.name, "it is a whiteout of nothing that can be hidden", {}};
    }
    return target_->HideName(entry_, path, hidden);
  }
  switch (entry_.type) {
    case '0':
      if (LayerError error = target_->StartFile(entry_, path)) return error;
      isFileOpen_ = true;
      return {};
    case '1':
      return target_->MakeHardLink(entry_, path);
    case '2':
      return target_->MakeSymlink(entry_, path);
    case '3':
    case '4':
    case '6':
      return target_->MakeNode(entry_, path);
    case '5':
      return target_->MakeDirectory(entry_, path);
    default:
      return {entry_.name, std::string("its tar type '") + entry_.type + "' is not supported", {}};
  }
}
