#include "erofs-acl.h"

#include <errno.h>
#include <sys/stat.h>

namespace {

// As attributes hold lists (Linux, include/uapi/linux/posix_acl_xattr.h): a version, then tag, rights and whose, little-endian.
constexpr uint8_t kAccess = 2, kDefault = 3;  // the prefixes' numbers
constexpr size_t kHead = 4, kEach = 8;
constexpr uint32_t kVersion = 2;
enum : uint16_t { kOwner = 1, kUser = 2, kGroup = 4, kNamedGroup = 8, kMask = 16, kOther = 32 };

uint32_t Number(const std::string& bytes, size_t at, int length) {
  uint32_t number = 0;
  for (int i = length; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  return number;
}

struct Rights {
  uint16_t mode = 0;
  bool isMore = false;  // than a mode can say
};

// The rules of posix_acl_valid: owner, users, group, groups, mask, others, each in its turn.
int CheckEntries(const std::string& value, Rights* rights) {
  uint16_t last = 0;
  bool needsMask = false;
  for (size_t at = kHead; at < value.size(); at += kEach) {
    const uint16_t tag = Number(value, at, 2), bits = Number(value, at + 2, 2);
    const bool isNamed = tag == kUser || tag == kNamedGroup;
    const bool isNext = tag == kOwner        ? last == 0
                        : tag == kUser       ? last == kOwner || last == kUser
                        : tag == kGroup      ? last == kOwner || last == kUser
                        : tag == kNamedGroup ? last == kGroup || last == kNamedGroup
                        : tag == kMask       ? last == kGroup || last == kNamedGroup
                        : tag == kOther      ? last == kMask || (last == kGroup && !needsMask)
                                             : false;
    if (!isNext || bits > 7 || (isNamed && Number(value, at + 4, 4) == UINT32_MAX)) return EINVAL;
    needsMask = needsMask || isNamed;
    rights->isMore = rights->isMore || isNamed || tag == kMask;
    if (tag == kOwner) rights->mode |= bits << 6;
    if (tag == kGroup) rights->mode |= bits << 3;
    if (tag == kMask) rights->mode = (rights->mode & ~070) | bits << 3;
    if (tag == kOther) rights->mode |= bits;
    last = tag;
  }
  return last == kOther ? 0 : EINVAL;
}

}  // namespace

bool IsErofsAcl(uint8_t prefix) { return prefix == kAccess || prefix == kDefault; }

int CheckErofsAcl(uint8_t prefix, const std::string& value, uint16_t* mode, bool* isKept) {
  *isKept = false;
  if (S_ISLNK(*mode)) return ENOTSUP;
  if (value.empty()) return 0;
  if (value.size() < kHead) return EINVAL;
  if (Number(value, 0, 4) != kVersion) return ENOTSUP;
  if ((value.size() - kHead) % kEach != 0) return EINVAL;
  if (value.size() == kHead) return 0;
  if (prefix == kDefault && !S_ISDIR(*mode)) return EACCES;
  Rights rights;
  if (const int error = CheckEntries(value, &rights)) return error;
  *isKept = prefix == kDefault || rights.isMore;
  if (prefix == kAccess) *mode = static_cast<uint16_t>((*mode & ~0777) | rights.mode);
  return 0;
}

void MaskErofsAcl(ErofsNode* node) {
  const auto found = node->xattrs.find("system.posix_acl_access");
  if (found == node->xattrs.end()) return;
  std::string& value = found->second;
  bool hasMask = false;
  for (size_t at = kHead; at < value.size(); at += kEach) {
    hasMask = hasMask || Number(value, at, 2) == kMask;
  }
  for (size_t at = kHead; at < value.size(); at += kEach) {
    const uint16_t tag = Number(value, at, 2);
    if (tag == kOwner) value[at + 2] = static_cast<char>(node->mode >> 6 & 7);
    if (tag == (hasMask ? kMask : kGroup)) value[at + 2] = static_cast<char>(node->mode >> 3 & 7);
    if (tag == kOther) value[at + 2] = static_cast<char>(node->mode & 7);
  }
}
