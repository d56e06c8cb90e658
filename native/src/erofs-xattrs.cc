// Extended attributes as EROFS stores them.
#include "erofs-format.h"
#include "erofs-writer.h"

bool ErofsXattrName(const std::string& name, uint8_t* prefix, std::string* rest) {
  static const std::pair<const char*, uint8_t> kPrefixes[] = {
      {"user.", 1}, {"trusted.", 4}, {"security.", 6}};
  rest->clear();
  *prefix = name == "system.posix_acl_access" ? 2 : name == "system.posix_acl_default" ? 3 : 0;
  if (*prefix != 0) return true;
  for (const auto& [text, number] : kPrefixes) {
    if (!name.starts_with(text)) continue;
    *prefix = number;
    *rest = name.substr(std::string(text).size());
    return true;
  }
  return false;
}

std::string ErofsXattrs(const ErofsNode& node) {
  std::string bytes;
  const auto put = [&bytes](const std::string& name, const std::string& value) {
    uint8_t prefix = 0;
    std::string rest;
    if (!ErofsXattrName(name, &prefix, &rest)) return;
    if (bytes.empty()) bytes.assign(kErofsXattrHeader, '\0');
    PutNumber(&bytes, rest.size(), 1);
    PutNumber(&bytes, prefix, 1);
    PutNumber(&bytes, value.size(), 2);
    bytes += rest;
    bytes += value;
    bytes.resize(AlignUp(bytes.size(), 4));
  };
  for (const auto& [name, value] : node.xattrs) put(name, value);
  if (node.isOpaque) put("trusted.overlay.opaque", "y");
  return bytes;
}
