// Sparse files in tars: GNU's old type 'S', and GNU's PAX formats 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

// Where a file has content: offset and length, ascending.
using SparseMap = std::vector<std::pair<uint64_t, uint64_t>>;

struct SparseFile {
  bool isSparse = false;
  bool isMapInContent = false;  // format 1.0: the map stands in front of the content
  uint64_t realSize = 0;
  SparseMap map;
};

// Each answer is what is wrong ("" when nothing).

// From an entry's PAX records; formats 0.0's repeated keys are gathered by ParsePaxRecords as 0.1 has them.
std::string SparseFromPax(const std::map<std::string, std::string>& pax, SparseFile* sparse);
// From the header of type 'S' and from a block that goes on with its map; `isMore`: another such block follows.
std::string SparseFromHeader(const uint8_t* block, SparseFile* sparse, bool* isMore);
std::string SparseFromExtension(const uint8_t* block, SparseFile* sparse, bool* isMore);
// Whether the map fits the file and the `stored` bytes of content.
std::string CheckSparse(const SparseFile& sparse, uint64_t stored);

// Reads the map of format 1.0, given block by block.
class SparseMapReader {
 public:
  std::string Block(const uint8_t* block, SparseFile* sparse);
  bool isDone() const { return isCounted_ && numbers_ == 2 * count_; }

 private:
  std::string Number(uint64_t value, SparseFile* sparse);

  bool isCounted_ = false;
  uint64_t count_ = 0;
  uint64_t numbers_ = 0;
  uint64_t offset_ = 0;
  std::string digits_;
};
