#include "upper-walk.h"

#include <errno.h>

#include <algorithm>

#include "entry-writer.h"

namespace {

constexpr int kMaxDepth = 2048;  // each level holds a descriptor, and one for each layer below that has it

LayerError At(const std::string& path, const SystemError& error) {
  return {path, "", {error.number, error.call, path}};
}

// The kernel's newer form of a whiteout, in layers that are overlays themselves.
bool IsWhiteoutFile(const TreeNode& node, const std::map<std::string, std::string>& xattrs) {
  return S_ISREG(node.facts.stx_mode) && node.facts.stx_size == 0 &&
         xattrs.contains("trusted.overlay.whiteout");
}

// A time without a fraction may have lost it on the way through an archive.
bool IsSameTime(const statx_timestamp& a, const statx_timestamp& b) {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

// As Docker compares: a directory's size and time say nothing.
bool IsSame(const TreeNode& node, const std::map<std::string, std::string>& xattrs,
            const LowerView::Child& lower) {
  const struct statx& a = node.facts;
  const struct statx& b = lower.facts;
  if (a.stx_mode != b.stx_mode || a.stx_uid != b.stx_uid || a.stx_gid != b.stx_gid ||
      a.stx_rdev_major != b.stx_rdev_major || a.stx_rdev_minor != b.stx_rdev_minor) {
    return false;
  }
  if (!node.isDirectory() &&
      (a.stx_size != b.stx_size || !IsSameTime(a.stx_mtime, b.stx_mtime))) {
    return false;
  }
  const auto portable = [](std::map<std::string, std::string> all) {
    std::erase_if(all, [](const auto& each) { return !IsPortableXattr(each.first); });
    return all;
  };
  return portable(xattrs) == portable(lower.xattrs);
}

class UpperWalk {
 public:
  UpperWalk(const ChangeVisitor& visit, bool hasLowers) : visit_(visit), hasLowers_(hasLowers) {}

  LayerError Directory(const TreeNode& directory, const LowerView& lower, const std::string& path,
                       bool isHidden, int depth) {
    if (depth > kMaxDepth) return {path, "its directories are nested too deep", {}};
    std::vector<std::string> names;
    SystemError error = ReadNames(directory, &names);
    if (error && error.number != ENOENT) return At(path, error);
    std::vector<std::string> hidden;
    if (isHidden && (error = lower.Names(&hidden))) return At(path, error);
    std::vector<std::string> all;
    std::set_union(names.begin(), names.end(), hidden.begin(), hidden.end(),
                   std::back_inserter(all));
    for (const std::string& name : all) {
      const std::string full = path.empty() ? name : path + "/" + name;
      const bool isHere = std::binary_search(names.begin(), names.end(), name);
      LayerError failed = isHere ? Name(directory, lower, name, full, isHidden, depth)
                                 : visit_({ChangeKind::kDeleted, full, nullptr, nullptr});
      if (failed) return failed;
    }
    return {};
  }

 private:
  LayerError Name(const TreeNode& directory, const LowerView& lower, const std::string& name,
                  const std::string& path, bool isHidden, int depth) {
    TreeNode node;
    SystemError error = OpenNode(directory.fd.get(), name, &node);
    if (error.number == ENOENT) return {};  // removed since
    if (error) return At(path, error);
    std::map<std::string, std::string> xattrs;
    if ((error = ReadXattrs(node, &xattrs))) return At(path, error);
    LowerView::Child below;
    if ((error = lower.Find(name, &below))) return At(path, error);
    if (node.isWhiteout() || IsWhiteoutFile(node, xattrs)) {
      if (hasLowers_ && !below.exists) return {};
      return visit_({ChangeKind::kDeleted, path, nullptr, nullptr});
    }
    if (xattrs.contains("trusted.overlay.redirect") || xattrs.contains("trusted.overlay.metacopy")) {
      return {path, "it refers to a layer below (overlayfs's redirect_dir or metacopy)", {}};
    }
    const bool isOpaque = node.isDirectory() && IsOpaque(xattrs);
    const ChangeKind kind = !below.exists                 ? ChangeKind::kAdded
                            : IsSame(node, xattrs, below) ? ChangeKind::kSame
                                                          : ChangeKind::kChanged;
    const Change change{kind, path, &node, &xattrs, isOpaque && !hasLowers_};
    if (LayerError failed = visit_(change)) return failed;
    if (node.isDirectory()) return Directory(node, below.below, path, isHidden || isOpaque, depth + 1);
    return Replaced(below.below, path);
  }

  LayerError Replaced(const LowerView& directory, const std::string& path) {
    std::vector<std::string> names;
    if (SystemError error = directory.Names(&names)) return At(path, error);
    for (const std::string& name : names) {
      const std::string full = path + "/" + name;
      Change change{ChangeKind::kDeleted, full, nullptr, nullptr};
      change.isReplaced = true;
      if (LayerError failed = visit_(change)) return failed;
    }
    return {};
  }

  const ChangeVisitor& visit_;
  const bool hasLowers_;
};

}  // namespace

LayerError WalkUpper(int upper, const std::vector<std::string>& lowers,
                     const ChangeVisitor& visit) {
  TreeNode root;
  if (SystemError error = OpenInRoot(upper, "", false, &root)) return At("", error);
  LowerView lower;
  if (SystemError error = LowerView::Open(lowers, &lower)) return {"", "", error};
  return UpperWalk(visit, !lowers.empty()).Directory(root, lower, "", false, 0);
}
