// Parses tar headers. Everything here is a stranger's bytes: each number and length is checked.
#include "tar-header.h"

#include <string.h>

#include <charconv>

namespace {

// Offsets and lengths of the ustar header block.
struct Field {
  size_t at;
  size_t length;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kMtime{136, 12}, kChecksum{148, 8}, kLink{157, 100}, kMajor{329, 8}, kMinor{337, 8},
    kPrefix{345, 155};
constexpr size_t kType = 156;
constexpr size_t kMagic = 257;

std::string Text(const uint8_t* block, Field field) {
  const char* start = reinterpret_cast<const char*>(block + field.at);
  return std::string(start, strnlen(start, field.length));
}

// Octal digits between spaces or NULs, or base-256 when the first bit is set (GNU; two's complement).
std::optional<int64_t> Number(const uint8_t* block, Field field) {
  const uint8_t* bytes = block + field.at;
  if (bytes[0] & 0x80) {
    const bool negative = bytes[0] & 0x40;
    uint64_t value = negative ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < field.length; i++) {
      const uint8_t byte = i == 0 ? (negative ? bytes[0] : bytes[0] & 0x7f) : bytes[i];
      const uint64_t lost = value >> 55;
      if (lost != (negative ? 0x1ff : 0)) return std::nullopt;
      value = (value << 8) | byte;
    }
    return static_cast<int64_t>(value);
  }
  size_t i = 0;
  while (i < field.length && (bytes[i] == ' ' || bytes[i] == 0)) i++;
  uint64_t value = 0;
  for (; i < field.length && bytes[i] >= '0' && bytes[i] <= '7'; i++) {
    value = value * 8 + (bytes[i] - '0');
  }
  for (; i < field.length; i++) {
    if (bytes[i] != ' ' && bytes[i] != 0) return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

// The sum of all bytes with the checksum field taken as spaces; old tars summed signed bytes.
bool ChecksumMatches(const uint8_t* block) {
  int64_t sum = 0;
  int64_t signedSum = 0;
  for (size_t i = 0; i < kTarBlock; i++) {
    const bool inField = i >= kChecksum.at && i < kChecksum.at + kChecksum.length;
    sum += inField ? ' ' : block[i];
    signedSum += inField ? ' ' : static_cast<int8_t>(block[i]);
  }
  const auto stored = Number(block, kChecksum);
  return stored && (*stored == sum || *stored == signedSum);
}

std::string BadPax(const std::string& key, const std::string& value) {
  return "its PAX record " + key + " is not a number: '" + value.substr(0, 64) + "'";
}

std::optional<uint64_t> Unsigned(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || at != end || text.empty()) return std::nullopt;
  return value;
}

// "1700000000.123456789", also negative.
bool PaxTime(const std::string& text, int64_t* seconds, int64_t* nanos) {
  const size_t dot = text.find('.');
  const std::string whole = text.substr(0, dot);
  const auto [at, failure] =
      std::from_chars(whole.data(), whole.data() + whole.size(), *seconds);
  if (failure != std::errc{} || at != whole.data() + whole.size()) return false;
  *nanos = 0;
  if (dot == std::string::npos) return true;
  std::string fraction = text.substr(dot + 1, 9);
  if (fraction.find_first_not_of("0123456789") != std::string::npos) return false;
  fraction.append(9 - fraction.size(), '0');
  *nanos = static_cast<int64_t>(*Unsigned(fraction));
  if (text[0] == '-' && *nanos != 0) {
    *seconds -= 1;
    *nanos = 1'000'000'000 - *nanos;
  }
  return true;
}

}  // namespace

std::optional<int64_t> TarNumber(const uint8_t* block, size_t at, size_t length) {
  return Number(block, {at, length});
}

bool IsZeroBlock(const uint8_t* block) {
  for (size_t i = 0; i < kTarBlock; i++) {
    if (block[i] != 0) return false;
  }
  return true;
}

std::string ParseTarHeader(const uint8_t* block, TarEntry* entry) {
  if (!ChecksumMatches(block)) return "not a tar header (its checksum is wrong)";
  entry->type = block[kType] == 0 || block[kType] == '7' ? '0' : static_cast<char>(block[kType]);
  entry->name = Text(block, kName);
  entry->link = Text(block, kLink);
  // "ustar\0" has a prefix; GNU's "ustar  \0" keeps times there instead.
  if (memcmp(block + kMagic, "ustar\0", 6) == 0) {
    const std::string prefix = Text(block, kPrefix);
    if (!prefix.empty()) entry->name = prefix + "/" + entry->name;
  }
  const auto mode = Number(block, kMode), uid = Number(block, kUid), gid = Number(block, kGid),
             size = Number(block, kSize), mtime = Number(block, kMtime);
  if (!mode || !uid || !gid || !size || !mtime || *size < 0 || *uid < 0 || *gid < 0) {
    return "its tar header holds a malformed number";
  }
  entry->mode = static_cast<uint32_t>(*mode) & 07777;
  entry->uid = static_cast<uint64_t>(*uid);
  entry->gid = static_cast<uint64_t>(*gid);
  entry->size = static_cast<uint64_t>(*size);
  entry->mtimeSeconds = *mtime;
  entry->mtimeNanos = 0;
  if (entry->type == '3' || entry->type == '4') {
    const auto devMajor = Number(block, kMajor), devMinor = Number(block, kMinor);
    if (!devMajor || !devMinor || *devMajor < 0 || *devMinor < 0 || *devMajor > 0xfff ||
        *devMinor > 0xfffff) {
      return "its device number is malformed";
    }
    entry->devMajor = static_cast<uint32_t>(*devMajor);
    entry->devMinor = static_cast<uint32_t>(*devMinor);
  }
  return "";
}

std::string ParsePaxRecords(const std::string& records, std::map<std::string, std::string>* pax) {
  size_t at = 0;
  while (at < records.size()) {
    const size_t space = records.find(' ', at);
    const auto length =
        space == std::string::npos ? std::nullopt : Unsigned(records.substr(at, space - at));
    if (!length || *length > records.size() - at || at + *length <= space + 1 ||
        records[at + *length - 1] != '\n') {
      return "its PAX header is malformed";
    }
    const std::string record = records.substr(space + 1, at + *length - 1 - (space + 1));
    const size_t equals = record.find('=');
    if (equals == std::string::npos) return "its PAX header is malformed";
    const std::string key = record.substr(0, equals);
    const std::string value = record.substr(equals + 1);
    (*pax)[key] = value;
    // Said once for each piece of a sparse file, in order.
    if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
      std::string& map = (*pax)["GNU.sparse.map"];
      map += (map.empty() ? "" : ",") + value;
    }
    at += *length;
  }
  return "";
}

std::string ApplyOverrides(const TarOverrides& overrides, TarEntry* entry) {
  if (overrides.longName) entry->name = *overrides.longName;
  if (overrides.longLink) entry->link = *overrides.longLink;
  static const std::string kXattr = "SCHILY.xattr.";
  for (const auto& [key, value] : overrides.pax) {
    if (key.starts_with(kXattr)) {
      entry->xattrs[key.substr(kXattr.size())] = value;
    } else if (value.empty()) {
      continue;  // an empty value takes an earlier record back
    } else if (key == "path") {
      entry->name = value;
    } else if (key == "linkpath") {
      entry->link = value;
    } else if (key == "size" || key == "uid" || key == "gid") {
      const auto number = Unsigned(value);
      if (!number) return BadPax(key, value);
      (key == "size" ? entry->size : key == "uid" ? entry->uid : entry->gid) = *number;
    } else if (key == "mtime") {
      if (!PaxTime(value, &entry->mtimeSeconds, &entry->mtimeNanos)) return BadPax(key, value);
    }
  }
  const auto name = overrides.pax.find("GNU.sparse.name");
  if (name != overrides.pax.end()) entry->name = name->second;
  return SparseFromPax(overrides.pax, &entry->sparse);
}
