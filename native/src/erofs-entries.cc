// What of a layer's entries is no file, in an image.
#include <errno.h>
#include <sys/stat.h>

#include "erofs-tree.h"
#include "erofs-writer.h"

namespace {

constexpr uint32_t kMostMajor = (1 << 12) - 1;
constexpr uint32_t kMostMinor = (1 << 20) - 1;

// As the kernel stores device numbers: twelve bits of major between twenty of minor.
uint32_t DeviceOf(const TarEntry& entry) {
  return (entry.devMinor & 0xff) | entry.devMajor << 8 | (entry.devMinor & ~0xffu) << 12;
}

}  // namespace

LayerError ErofsTree::MakeDirectory(const TarEntry& entry, const LayerPath& path) {
  uint32_t node = 0;
  if (!path.parts.empty()) {  // else "./": the layer's own root
    uint32_t parent = 0;
    if (LayerError error = Parent(entry, path, &parent)) return error;
    const auto& children = nodes_[parent].children;
    const auto known = children.find(path.Base());
    if (known != children.end() && IsDirectory(known->second)) {
      node = known->second;  // a directory twice is the same directory
    } else {
      bool wasHidden = false;
      if (LayerError error = TakeName(entry, path.Base(), parent, &wasHidden)) return error;
      if (LayerError error = Add(entry, parent, path.Base(), S_IFDIR, &node)) return error;
      nodes_[node].isOpaque = wasHidden;
    }
  }
  return SetFacts(entry, &nodes_[node]);
}

LayerError ErofsTree::MakeSymlink(const TarEntry& entry, const LayerPath& path) {
  uint32_t parent = 0, node = 0;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (entry.link.empty() || entry.link.find('\0') != std::string::npos) {
    return {entry.name, "its link target is empty or malformed", {}};
  }
  if (LayerError error = TakeName(entry, path.Base(), parent, &wasHidden)) return error;
  if (entry.link.size() > kLongestPath) return PathFailed(entry, ENAMETOOLONG, "symlinkat", entry.name);
  if (LayerError error = Add(entry, parent, path.Base(), S_IFLNK, &node)) return error;
  if (LayerError error = CheckText(entry, entry.link.size())) return error;
  nodes_[node].link = entry.link;
  return SetFacts(entry, &nodes_[node]);
}

LayerError ErofsTree::MakeHardLink(const TarEntry& entry, const LayerPath& path) {
  const std::string nowhere = "it is a hard link to '" + entry.link + "', which is not in the layer";
  const LayerPath target = ParseLayerPath(entry.link);
  if (!target.reason.empty() || target.parts.empty()) return {entry.name, nowhere, {}};
  uint32_t parent = 0, from = 0;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (LayerError error = TakeName(entry, path.Base(), parent, &wasHidden)) return error;
  const int number = Walk(target.parts, target.parts.size() - 1, Missing::kFails, &from);
  if (number == ENOENT) return {entry.name, nowhere, {}};
  if (number != 0) return PathFailed(entry, number, "linkat", entry.name);
  const auto& children = nodes_[from].children;
  const auto file = children.find(target.Base());
  if (file == children.end()) return {entry.name, nowhere, {}};
  if (IsDirectory(file->second)) return PathFailed(entry, EPERM, "linkat", entry.name);
  if (path.Base().size() > kLongestName) return PathFailed(entry, ENAMETOOLONG, "fstatat", entry.name);
  if (LayerError error = CheckText(entry, path.Base().size() + sizeof(ErofsNode))) return error;
  nodes_[file->second].links++;
  nodes_[parent].children[path.Base()] = file->second;
  return {};
}

LayerError ErofsTree::MakeNode(const TarEntry& entry, const LayerPath& path) {
  uint32_t parent = 0, node = 0;
  bool wasHidden = false;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  if (LayerError error = TakeName(entry, path.Base(), parent, &wasHidden)) return error;
  const mode_t kind = entry.type == '3' ? S_IFCHR : entry.type == '4' ? S_IFBLK : S_IFIFO;
  if (entry.type != '6' && (entry.devMajor > kMostMajor || entry.devMinor > kMostMinor)) {
    return PathFailed(entry, EINVAL, "mknodat", entry.name);
  }
  if (LayerError error = Add(entry, parent, path.Base(), kind, &node)) return error;
  if (entry.type != '6') nodes_[node].device = DeviceOf(entry);
  return SetFacts(entry, &nodes_[node]);
}

LayerError ErofsTree::HideName(const TarEntry& entry, const LayerPath& path,
                               const std::string& hidden) {
  uint32_t parent = 0, node = 0;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  const auto& children = nodes_[parent].children;
  const auto known = children.find(hidden);
  if (known == children.end()) return Add(entry, parent, hidden, S_IFCHR, &node);
  // The same layer has something of that name: a directory must not let the one below shine through.
  if (IsDirectory(known->second)) nodes_[known->second].isOpaque = true;
  return {};
}

LayerError ErofsTree::HideDirectory(const TarEntry& entry, const LayerPath& path) {
  uint32_t parent = 0;
  if (LayerError error = Parent(entry, path, &parent)) return error;
  nodes_[parent].isOpaque = true;
  return {};
}

LayerError ErofsTree::Finish() { return {"", "", WriteErofs(nodes_, end_, &output_)}; }
