#include "entry-writer.h"

#include <errno.h>
#include <unistd.h>

namespace {

constexpr uint64_t kLarge = 1 << 20;  // bytes of a file in which holes are looked for, whatever its blocks say
constexpr uint64_t kNobody = 65534;  // what a user namespace shows for an id it does not have

char TypeOf(mode_t type) {
  switch (type) {
    case S_IFREG:
      return '0';
    case S_IFLNK:
      return '2';
    case S_IFCHR:
      return '3';
    case S_IFBLK:
      return '4';
    case S_IFDIR:
      return '5';
    default:
      return '6';
  }
}

// Where the file has content. A file system that cannot tell says: everywhere.
SparseMap MapOf(int file, uint64_t size) {
  SparseMap map;
  uint64_t at = 0;
  while (at < size) {
    const off_t start = lseek(file, static_cast<off_t>(at), SEEK_DATA);
    if (start < 0) return errno == ENXIO ? map : SparseMap{{0, size}};
    if (static_cast<uint64_t>(start) >= size) return map;
    const off_t hole = lseek(file, start, SEEK_HOLE);
    if (hole < 0) return {{0, size}};
    const uint64_t end = std::min<uint64_t>(static_cast<uint64_t>(hole), size);
    map.push_back({static_cast<uint64_t>(start), end - static_cast<uint64_t>(start)});
    at = end;
  }
  return map;
}

LayerError At(const std::string& name, SystemError error) {
  if (error && error.path.empty()) error.path = name;
  return {error ? name : "", "", error};
}

}  // namespace

bool IsPortableXattr(const std::string& name) {
  if (name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.")) return false;
  return name.starts_with("user.") || name.starts_with("trusted.") ||
         name == "security.capability" || name.starts_with("system.posix_acl_");
}

uint64_t EntryWriter::Mapped(const std::vector<IdRange>& ranges, uint64_t id) const {
  if (ranges.empty()) return id;
  for (const auto& [inside, outside, count] : ranges) {
    if (id >= outside && id - outside < count) return inside + (id - outside);
  }
  return kNobody;
}

LayerError EntryWriter::Entry(const TreeNode& node, const std::string& name,
                              std::map<std::string, std::string> xattrs, TarEntry* entry) const {
  const struct statx& facts = node.facts;
  entry->type = TypeOf(node.type());
  entry->name = node.isDirectory() ? name + "/" : name;
  entry->mode = facts.stx_mode & 07777;
  entry->uid = options_.uid.value_or(Mapped(options_.uids, facts.stx_uid));
  entry->gid = options_.gid.value_or(Mapped(options_.gids, facts.stx_gid));
  entry->size = entry->type == '0' ? facts.stx_size : 0;
  const bool isFixed = options_.times == EntryOptions::Times::kFixed;
  entry->mtimeSeconds = isFixed ? options_.fixedTime : facts.stx_mtime.tv_sec;
  if (options_.times == EntryOptions::Times::kExact) entry->mtimeNanos = facts.stx_mtime.tv_nsec;
  if (entry->type == '3' || entry->type == '4') {
    entry->devMajor = facts.stx_rdev_major;
    entry->devMinor = facts.stx_rdev_minor;
  }
  std::erase_if(xattrs, [](const auto& each) { return !IsPortableXattr(each.first); });
  entry->xattrs = std::move(xattrs);
  if (entry->type == '2') return At(name, ReadLink(node, &entry->link));
  return {};
}

LayerError EntryWriter::Write(const TreeNode& node, const std::string& name) {
  std::map<std::string, std::string> xattrs;
  if (SystemError error = ReadXattrs(node, &xattrs)) return At(name, error);
  TarEntry entry;
  if (LayerError error = Entry(node, name, std::move(xattrs), &entry)) return error;
  return Write(node, std::move(entry));
}

LayerError EntryWriter::Write(const TreeNode& node, TarEntry entry) {
  if (node.type() == S_IFSOCK) return {};  // a tar has no word for it, and it is dead without its process
  if (node.facts.stx_nlink > 1 && !node.isDirectory()) {
    const uint64_t device =
        (static_cast<uint64_t>(node.facts.stx_dev_major) << 32) | node.facts.stx_dev_minor;
    const auto [first, isFirst] =
        firstNames_.try_emplace({device, node.facts.stx_ino}, entry.name);
    if (!isFirst) {
      entry.type = '1';
      entry.size = 0;
      entry.link = first->second;
      entry.xattrs.clear();  // the first name has said them
      return WriteBare(entry);
    }
  }
  if (entry.type == '0' && entry.size > 0) return WriteContent(node, entry);
  return WriteBare(entry);
}

LayerError EntryWriter::WriteBare(const TarEntry& entry) {
  entries_++;
  return At(entry.name, WriteTarHeader(output_, entry));
}

LayerError EntryWriter::WriteContent(const TreeNode& node, const TarEntry& entry) {
  Fd content;
  if (SystemError error = OpenContent(node, &content)) return At(entry.name, error);
  // EROFS tells of holes where they are looked for, and counts their blocks all the same.
  const bool hasHoles = node.facts.stx_blocks * 512 < entry.size || entry.size >= kLarge;
  const SparseMap map =
      hasHoles ? MapOf(content.get(), entry.size) : SparseMap{{0, entry.size}};
  const bool isWhole = map.size() == 1 && map[0].second == entry.size;
  const bool isSparse = options_.isSparse && !isWhole;
  entries_++;
  SystemError error = isSparse ? WriteSparseHeader(output_, entry, map)
                               : WriteTarHeader(output_, entry);
  bool isShort = false;
  uint64_t at = 0;
  for (const auto& [offset, length] : map) {
    if (!error && !isSparse) error = output_->WriteZeros(offset - at);
    if (!error) error = output_->WriteFile(content.get(), offset, length, &isShort);
    at = offset + length;
  }
  if (!error && !isSparse) error = output_->WriteZeros(entry.size - at);
  if (!error) error = output_->Pad();
  if (isShort) shortened_++;
  return At(entry.name, error);
}
