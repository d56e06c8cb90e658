#include "tar-writer.h"

#include <stdio.h>
#include <string.h>

namespace {

constexpr uint64_t kMaxId = 07777777;
constexpr int64_t kMaxNumber = 077777777777;  // sizes and times: 11 octal digits

void Octal(uint8_t* block, size_t at, int digits, uint64_t value) {
  for (int i = digits; i-- > 0; value /= 8) block[at + i] = static_cast<uint8_t>('0' + value % 8);
}

void Copy(uint8_t* block, size_t at, const std::string& text, size_t max) {
  memcpy(block + at, text.data(), std::min(text.size(), max));
}

std::string Base(const std::string& name) {
  const size_t end = name.ends_with('/') ? name.size() - 1 : name.size();
  const size_t slash = end == 0 ? std::string::npos : name.rfind('/', end - 1);
  return slash == std::string::npos ? name.substr(0, end) : name.substr(slash + 1, end - slash - 1);
}

// Puts a name into its two fields, cut at a slash; false when it does not fit.
bool PlaceName(uint8_t* block, const std::string& name) {
  if (name.size() <= 100) {
    Copy(block, 0, name, 100);
    return true;
  }
  if (name.size() > 256) return false;
  const size_t cut = name.find('/', name.size() - 101);
  if (cut == std::string::npos || cut == 0 || cut > 155 || cut + 1 == name.size()) return false;
  Copy(block, 345, name.substr(0, cut), 155);
  Copy(block, 0, name.substr(cut + 1), 100);
  return true;
}

void Seal(uint8_t* block) {
  memset(block + 148, ' ', 8);
  uint32_t sum = 0;
  for (size_t i = 0; i < kTarBlock; i++) sum += block[i];
  Octal(block, 148, 6, sum);
  block[155] = ' ';
}

// All that has a place of fixed size; what does not fit is 0 or cut off, and said by PAX.
void FillBlock(uint8_t* block, const TarEntry& entry) {
  memset(block, 0, kTarBlock);
  if (!PlaceName(block, entry.name)) Copy(block, 0, entry.name, 100);
  Octal(block, 100, 7, entry.mode);
  Octal(block, 108, 7, entry.uid > kMaxId ? 0 : entry.uid);
  Octal(block, 116, 7, entry.gid > kMaxId ? 0 : entry.gid);
  Octal(block, 124, 11, entry.size > static_cast<uint64_t>(kMaxNumber) ? 0 : entry.size);
  const bool isTimeFit = entry.mtimeSeconds >= 0 && entry.mtimeSeconds <= kMaxNumber;
  Octal(block, 136, 11, isTimeFit ? static_cast<uint64_t>(entry.mtimeSeconds) : 0);
  block[156] = static_cast<uint8_t>(entry.type);
  Copy(block, 157, entry.link, 100);
  memcpy(block + 257, "ustar\0" "00", 8);
  if (entry.type == '3' || entry.type == '4') {
    Octal(block, 329, 7, entry.devMajor);
    Octal(block, 337, 7, entry.devMinor);
  }
  Seal(block);
}

// "<length> <key>=<value>\n", where the length counts itself.
void AddRecord(std::string* records, const std::string& key, const std::string& value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest;
  while (std::to_string(length).size() + rest != length) {
    length = std::to_string(length).size() + rest;
  }
  *records += std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string PaxTime(const TarEntry& entry) {
  int64_t seconds = entry.mtimeSeconds;
  int64_t nanos = entry.mtimeNanos;
  const bool isNegative = seconds < 0;
  if (isNegative && nanos > 0) {  // -1.25 is stored as -2 and 0.75
    seconds += 1;
    nanos = 1'000'000'000 - nanos;
  }
  std::string text = (isNegative && seconds == 0 ? "-" : "") + std::to_string(seconds);
  if (nanos == 0) return text;
  char fraction[12];
  snprintf(fraction, sizeof fraction, ".%09lld", static_cast<long long>(nanos));
  text += fraction;
  return text.substr(0, text.find_last_not_of('0') + 1);
}

// What the block cannot say.
std::string PaxRecords(const TarEntry& entry) {
  std::string records;
  uint8_t scratch[kTarBlock];
  if (!PlaceName(scratch, entry.name)) AddRecord(&records, "path", entry.name);
  if (entry.link.size() > 100) AddRecord(&records, "linkpath", entry.link);
  if (entry.size > static_cast<uint64_t>(kMaxNumber)) {
    AddRecord(&records, "size", std::to_string(entry.size));
  }
  if (entry.uid > kMaxId) AddRecord(&records, "uid", std::to_string(entry.uid));
  if (entry.gid > kMaxId) AddRecord(&records, "gid", std::to_string(entry.gid));
  if (entry.mtimeNanos != 0 || entry.mtimeSeconds < 0 || entry.mtimeSeconds > kMaxNumber) {
    AddRecord(&records, "mtime", PaxTime(entry));
  }
  for (const auto& [name, value] : entry.xattrs) {
    AddRecord(&records, "SCHILY.xattr." + name, value);
  }
  return records;
}

SystemError WriteBlock(TarOutput* output, const TarEntry& entry) {
  uint8_t block[kTarBlock];
  FillBlock(block, entry);
  return output->Write(block, kTarBlock);
}

SystemError WriteRecords(TarOutput* output, const TarEntry& entry, const std::string& records) {
  if (records.empty()) return {};
  TarEntry header;
  header.type = 'x';
  header.name = "PaxHeaders/" + Base(entry.name).substr(0, 80);
  header.mode = 0644;
  header.size = records.size();
  if (SystemError error = WriteBlock(output, header)) return error;
  if (SystemError error = output->Write(records.data(), records.size())) return error;
  return output->Pad();
}

}  // namespace

SystemError WriteTarHeader(TarOutput* output, const TarEntry& entry) {
  if (SystemError error = WriteRecords(output, entry, PaxRecords(entry))) return error;
  return WriteBlock(output, entry);
}

// The map stands in front of the content: the count, then each offset and length, a line each, filled up to a block. A map
// that does not reach the end is closed by an empty piece there.
SystemError WriteSparseHeader(TarOutput* output, const TarEntry& entry, const SparseMap& map) {
  uint64_t content = 0;
  uint64_t end = 0;
  std::string lines;
  size_t count = map.size();
  for (const auto& [offset, length] : map) {
    lines += std::to_string(offset) + "\n" + std::to_string(length) + "\n";
    content += length;
    end = offset + length;
  }
  if (end != entry.size) {
    lines += std::to_string(entry.size) + "\n0\n";
    count++;
  }
  lines = std::to_string(count) + "\n" + lines;
  lines.resize((lines.size() + kTarBlock - 1) / kTarBlock * kTarBlock, '\0');

  TarEntry stored = entry;
  stored.size = lines.size() + content;
  stored.name = "GNUSparseFile.0/" + Base(entry.name).substr(0, 80);
  std::string records = PaxRecords(stored);
  AddRecord(&records, "GNU.sparse.major", "1");
  AddRecord(&records, "GNU.sparse.minor", "0");
  AddRecord(&records, "GNU.sparse.name", entry.name);
  AddRecord(&records, "GNU.sparse.realsize", std::to_string(entry.size));
  if (SystemError error = WriteRecords(output, entry, records)) return error;
  if (SystemError error = WriteBlock(output, stored)) return error;
  return output->Write(lines.data(), lines.size());
}
