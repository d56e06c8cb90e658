#include "tar-sparse.h"

#include <charconv>

#include "tar-header.h"

namespace {

constexpr uint64_t kMaxPieces = 1'000'000;
const std::string kMalformed = "its map of a sparse file is malformed";
const std::string kTooMany = "its map of a sparse file has more than 1000000 pieces";

bool Parse(const std::string& text, uint64_t* value) {
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, *value);
  return failure == std::errc{} && at == end && !text.empty();
}

// Pairs of offset and length in a block; a pair of nothing ends them.
std::string Pairs(const uint8_t* block, size_t at, int count, SparseFile* sparse) {
  for (int i = 0; i < count; i++, at += 24) {
    if (block[at] == 0 || block[at + 12] == 0) return "";
    const auto offset = TarNumber(block, at, 12);
    const auto length = TarNumber(block, at + 12, 12);
    if (!offset || !length || *offset < 0 || *length < 0) return kMalformed;
    if (sparse->map.size() >= kMaxPieces) return kTooMany;
    sparse->map.push_back({static_cast<uint64_t>(*offset), static_cast<uint64_t>(*length)});
  }
  return "";
}

std::string MapFromText(const std::string& text, SparseFile* sparse) {
  size_t at = 0;
  bool isOffset = true;
  uint64_t offset = 0;
  while (at < text.size()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    uint64_t value = 0;
    if (!Parse(text.substr(at, comma - at), &value)) return kMalformed;
    if (isOffset) offset = value;
    else sparse->map.push_back({offset, value});
    isOffset = !isOffset;
    at = comma + 1;
  }
  return isOffset ? "" : kMalformed;
}

}  // namespace

std::string SparseFromPax(const std::map<std::string, std::string>& pax, SparseFile* sparse) {
  const auto value = [&pax](const char* key) -> const std::string* {
    const auto found = pax.find(key);
    return found == pax.end() ? nullptr : &found->second;
  };
  const std::string* map = value("GNU.sparse.map");
  const std::string* major = value("GNU.sparse.major");
  const std::string* size = value(major != nullptr ? "GNU.sparse.realsize" : "GNU.sparse.size");
  if (map == nullptr && major == nullptr && size == nullptr) return "";
  if (size == nullptr || !Parse(*size, &sparse->realSize)) return kMalformed;
  sparse->isSparse = true;
  if (major == nullptr || *major == "0") return map == nullptr ? "" : MapFromText(*map, sparse);
  if (*major != "1") return "it is a sparse file of format " + major->substr(0, 16) + ", which is not known";
  sparse->isMapInContent = true;
  return "";
}

std::string SparseFromHeader(const uint8_t* block, SparseFile* sparse, bool* isMore) {
  const auto size = TarNumber(block, 483, 12);
  if (!size || *size < 0) return kMalformed;
  sparse->isSparse = true;
  sparse->realSize = static_cast<uint64_t>(*size);
  *isMore = block[482] != 0;
  return Pairs(block, 386, 4, sparse);
}

std::string SparseFromExtension(const uint8_t* block, SparseFile* sparse, bool* isMore) {
  *isMore = block[504] != 0;
  return Pairs(block, 0, 21, sparse);
}

std::string CheckSparse(const SparseFile& sparse, uint64_t stored) {
  if (sparse.realSize > INT64_MAX) return kMalformed;
  uint64_t end = 0;
  uint64_t content = 0;
  for (const auto& [offset, length] : sparse.map) {
    if (offset < end || offset > sparse.realSize || length > sparse.realSize - offset) {
      return kMalformed;
    }
    end = offset + length;
    content += length;
  }
  return content == stored ? "" : "its map of a sparse file does not fit its content";
}

std::string SparseMapReader::Number(uint64_t value, SparseFile* sparse) {
  if (!isCounted_) {
    if (value > kMaxPieces) return kTooMany;
    isCounted_ = true;
    count_ = value;
    return "";
  }
  if (numbers_ % 2 == 0) offset_ = value;
  else sparse->map.push_back({offset_, value});
  numbers_++;
  return "";
}

std::string SparseMapReader::Block(const uint8_t* block, SparseFile* sparse) {
  for (size_t i = 0; i < kTarBlock && !isDone(); i++) {
    if (block[i] != '\n') {
      digits_ += static_cast<char>(block[i]);
      if (digits_.size() > 20) return kMalformed;
      continue;
    }
    uint64_t value = 0;
    if (!Parse(digits_, &value)) return kMalformed;
    digits_.clear();
    const std::string reason = Number(value, sparse);
    if (!reason.empty()) return reason;
  }
  return "";
}
