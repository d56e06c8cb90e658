// The tree of a layer in memory, with the same answers to odd archives as the kernel gives where it is a directory.
#include "erofs-tree.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>

#include "erofs-acl.h"
#include "erofs-format.h"
#include "erofs-writer.h"

namespace {

constexpr size_t kMostNodes = 1'000'000;  // more is for a directory
constexpr uint64_t kMostText = 256 << 20;  // as well
constexpr int kMostLinks = 40;            // on one path, as the kernel
constexpr uint64_t kMostXattrs = UINT16_MAX * 4;  // bytes of one node's attributes: they are counted in fours

bool IsWhiteout(const ErofsNode& node) { return S_ISCHR(node.mode) && node.device == 0; }

std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

}  // namespace

ErofsTree::ErofsTree(Fd image) : output_(std::move(image)), nodes_(1), end_(kErofsBlock) {
  nodes_[0].mode = S_IFDIR | 0755;
  nodes_[0].links = 2;
}

std::string ErofsTree::MapOwner(TarEntry*) const { return ""; }

bool ErofsTree::IsDirectory(uint32_t node) const { return S_ISDIR(nodes_[node].mode); }

// One part of a path, links followed; the answer is an errno.
int ErofsTree::Step(uint32_t from, const std::string& part, int* links, uint32_t* found) {
  if (!IsDirectory(from)) return ENOTDIR;
  *found = from;
  if (part == ".") return 0;
  if (part == "..") {
    *found = nodes_[from].parent;
    return from == 0 ? EXDEV : 0;
  }
  if (part.size() > kLongestName) return ENAMETOOLONG;
  const auto& children = nodes_[from].children;
  const auto child = children.find(part);
  if (child == children.end()) return ENOENT;
  *found = child->second;
  const ErofsNode& node = nodes_[*found];
  if (!S_ISLNK(node.mode)) return 0;
  if (--*links < 0) return ELOOP;
  if (node.link.starts_with('/')) return EXDEV;
  uint32_t at = from;
  for (const std::string& next : PartsOf(node.link)) {
    if (int error = Step(at, next, links, &at)) return error;
  }
  *found = at;
  return 0;
}

// The first `count` parts, to a directory; the answer is an errno.
int ErofsTree::Walk(const std::vector<std::string>& parts, size_t count, Missing missing,
                    uint32_t* found) {
  int links = kMostLinks;
  uint32_t at = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t next = 0;
    int error = Step(at, parts[i], &links, &next);
    if (error == ENOENT && missing == Missing::kIsMade) {
      if (nodes_[at].children.contains(parts[i])) return EEXIST;
      const LayerError full = Add({}, at, parts[i], S_IFDIR | 0755, &next);
      error = full.system.number;
    }
    if (error != 0) return error;
    at = next;
  }
  *found = at;
  return IsDirectory(at) ? 0 : ENOTDIR;
}

// A layer may leave out the entries of directories: they are made as root's, mode 0755.
LayerError ErofsTree::Parent(const TarEntry& entry, const LayerPath& path, uint32_t* parent) {
  const std::string parentPath = path.Parent();
  if (parentPath != parentPath_) {
    if (parentPath.size() > kLongestPath) return PathFailed(entry, ENAMETOOLONG, "openat2", parentPath);
    uint32_t found = 0;
    const int error = Walk(path.parts, path.parts.size() - 1, Missing::kIsMade, &found);
    if (error == EEXIST) return {entry.name, "its path leads through a link to nothing", {}};
    if (error != 0) return PathFailed(entry, error, "openat2", parentPath);
    parentPath_ = parentPath;
    parent_ = found;
  }
  *parent = parent_;
  return {};
}

LayerError ErofsTree::Add(const TarEntry& entry, uint32_t parent, const std::string& name,
                          uint16_t mode, uint32_t* made) {
  if (name.size() > kLongestName) {
    const char* call = S_ISREG(mode) ? "openat" : S_ISDIR(mode) ? "mkdirat" : "fstatat";
    return PathFailed(entry, ENAMETOOLONG, call, entry.name);
  }
  if (nodes_.size() >= kMostNodes) return {entry.name, "", {EFBIG, "make in an image", entry.name}};
  if (LayerError error = CheckText(entry, name.size())) return error;
  *made = static_cast<uint32_t>(nodes_.size());
  ErofsNode& node = nodes_.emplace_back();
  node.mode = mode;
  node.parent = parent;
  if (S_ISDIR(mode)) {
    node.links = 2;
    nodes_[parent].links++;
  }
  nodes_[parent].children[name] = *made;
  return {};
}

// Makes sure that nothing stands where the entry goes; a whiteout of this layer gives way.
LayerError ErofsTree::TakeName(const TarEntry& entry, const std::string& name, uint32_t parent,
                               bool* wasHidden) {
  auto& children = nodes_[parent].children;
  const auto child = children.find(name);
  *wasHidden = child != children.end();
  if (!*wasHidden) return {};
  if (!IsWhiteout(nodes_[child->second])) {
    return {entry.name, "the layer holds this path more than once", {}};
  }
  children.erase(child);
  return {};
}

LayerError ErofsTree::CheckText(const TarEntry& entry, uint64_t more) {
  textBytes_ += more;
  if (textBytes_ <= kMostText) return {};
  return {entry.name, "", {EFBIG, "make in an image", entry.name}};
}

LayerError ErofsTree::SetFacts(const TarEntry& entry, ErofsNode* node) {
  if (LayerError error = CheckOwner(entry)) return error;
  node->uid = static_cast<uint32_t>(entry.uid);
  node->gid = static_cast<uint32_t>(entry.gid);
  node->mode = static_cast<uint16_t>((node->mode & S_IFMT) | (S_ISLNK(node->mode) ? 0777 : entry.mode & 07777));
  MaskErofsAcl(node);  // of a directory that was there before
  node->seconds = entry.mtimeSeconds;
  node->nanos = static_cast<uint32_t>(entry.mtimeNanos);
  const bool hasUser = S_ISREG(node->mode) || S_ISDIR(node->mode);
  uint64_t xattrs = kErofsXattrHeader;
  for (const auto& [name, value] : node->xattrs) xattrs += 8 + name.size() + value.size();
  for (const auto& [name, value] : entry.xattrs) {
    uint8_t prefix = 0;
    std::string rest;
    // What has no such attributes has none in a directory either.
    if (IsOverlayMark(name) || name.find('\0') != std::string::npos) continue;
    if (!ErofsXattrName(name, &prefix, &rest) || (!hasUser && name.starts_with("user."))) continue;
    const bool isLong = value.size() > UINT16_MAX || rest.size() > kLongestName;
    int refusal = isLong ? ERANGE : rest.empty() ? EINVAL : 0;
    bool isKept = true;
    if (IsErofsAcl(prefix)) refusal = CheckErofsAcl(prefix, value, &node->mode, &isKept);
    if (refusal == ENOTSUP) continue;
    if (refusal != 0) return {entry.name, "", {refusal, "setxattr", entry.name + " " + name}};
    if (!isKept) {
      node->xattrs.erase(name);
      continue;
    }
    if (LayerError error = CheckText(entry, name.size() + value.size())) return error;
    node->xattrs[name] = value;
    // Each takes a head of four bytes and is filled up to four.
    xattrs += 8 + rest.size() + value.size();
    if (xattrs > kMostXattrs) return {entry.name, "", {ENOSPC, "setxattr", entry.name + " " + name}};
  }
  return {};
}

LayerError ErofsTree::StartFile(const TarEntry& entry, const LayerPath& path) {
  uint32_t parent = 0;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (LayerError error = TakeName(entry, path.Base(), parent, &wasHidden)) return error;
  if (LayerError error = Add(entry, parent, path.Base(), S_IFREG, &file_)) return error;
  end_ = AlignUp(end_, kErofsBlock);
  nodes_[file_].start = end_;
  return {};
}

SystemError ErofsTree::WriteFile(const TarEntry& entry, const uint8_t* bytes, size_t length,
                                 uint64_t at) {
  if (entry.sparse.isSparse) return WriteSparse(entry, bytes, length, at);
  const uint64_t start = nodes_[file_].start;
  if (at > kErofsMostBytes - length || start > kErofsMostBytes - length - at) {
    return {EFBIG, "write", entry.name};
  }
  return output_.Write(start + at, bytes, length);
}

LayerError ErofsTree::FinishFile(const TarEntry& entry) {
  ErofsNode& node = nodes_[file_];
  node.size = entry.sparse.isSparse ? entry.sparse.realSize : entry.size;
  if (node.size > kErofsMostBytes - node.start) return {entry.name, "", {EFBIG, "ftruncate", entry.name}};
  if (!entry.sparse.isSparse) {
    end_ = node.start + node.size;
  } else if (SystemError error = MapSparse(entry)) {
    return {entry.name, "", error};
  }
  return SetFacts(entry, &node);
}
