#include "lower-view.h"

#include <errno.h>

#include <set>

#include "open-layer.h"

bool IsOpaque(const std::map<std::string, std::string>& xattrs) {
  const auto found = xattrs.find("trusted.overlay.opaque");
  return found != xattrs.end() && found->second == "y";
}

SystemError LowerView::Open(const std::vector<std::string>& layers, LowerView* view) {
  for (const std::string& path : layers) {
    Fd fd;
    TreeNode node;
    if (SystemError error = OpenLayer(path, &fd)) return error;
    if (SystemError error = NodeOf(std::move(fd), &node)) return error;
    view->directories_.push_back(std::move(node));
  }
  return {};
}

SystemError LowerView::Find(const std::string& name, Child* child) const {
  for (const TreeNode& directory : directories_) {
    TreeNode node;
    const SystemError error = OpenNode(directory.fd.get(), name, &node);
    if (error.number == ENOENT) continue;
    if (error) return error;
    if (node.isWhiteout()) return {};
    if (child->exists && !node.isDirectory()) return {};  // hidden by the directory above
    std::map<std::string, std::string> xattrs;
    if (SystemError failed = ReadXattrs(node, &xattrs)) return failed;
    const bool isLast = !node.isDirectory() || IsOpaque(xattrs);
    if (!child->exists) {
      child->exists = true;
      child->facts = node.facts;
      child->xattrs = std::move(xattrs);
    }
    if (node.isDirectory()) child->below.directories_.push_back(std::move(node));
    if (isLast) return {};
  }
  return {};
}

SystemError LowerView::Names(std::vector<std::string>* names) const {
  std::set<std::string> all;
  for (const TreeNode& directory : directories_) {
    std::vector<std::string> some;
    if (SystemError error = ReadNames(directory, &some)) return error;
    all.insert(some.begin(), some.end());
  }
  for (const std::string& name : all) {
    Child child;
    if (SystemError error = Find(name, &child)) return error;
    if (child.exists) names->push_back(name);
  }
  return {};
}
