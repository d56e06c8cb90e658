// What one tar header says: ustar, GNU long names and base-256 numbers, PAX records (POSIX.1-2017 `pax`, GNU tar manual).
#pragma once

#include <stdint.h>

#include <map>
#include <optional>
#include <string>

#include "tar-sparse.h"


constexpr size_t kTarBlock = 512;
constexpr uint64_t TarPadding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

// '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' directory, '6' FIFO; the rest is metadata.
struct TarEntry {
  char type = '0';
  std::string name;
  std::string link;
  uint64_t size = 0;
  uint32_t mode = 0;
  uint64_t uid = 0;
  uint64_t gid = 0;
  int64_t mtimeSeconds = 0;
  int64_t mtimeNanos = 0;
  uint32_t devMajor = 0;
  uint32_t devMinor = 0;
  // Values are bytes: `security.capability` is binary.
  std::map<std::string, std::string> xattrs;
  SparseFile sparse;
};

// What PAX records and GNU 'L'/'K' entries say about the entry that follows them.
struct TarOverrides {
  std::map<std::string, std::string> pax;
  std::optional<std::string> longName;
  std::optional<std::string> longLink;
};

// A number field of a header block: octal, or base-256 (GNU).
std::optional<int64_t> TarNumber(const uint8_t* block, size_t at, size_t length);

bool IsZeroBlock(const uint8_t* block);

// Fills `entry`; the answer is why it could not ("" when it could).
std::string ParseTarHeader(const uint8_t* block, TarEntry* entry);

// Adds `records` ("<length> <key>=<value>\n"…); the answer is why it could not.
std::string ParsePaxRecords(const std::string& records, std::map<std::string, std::string>* pax);

// Applies what came before the entry; the answer is why it could not.
std::string ApplyOverrides(const TarOverrides& overrides, TarEntry* entry);
