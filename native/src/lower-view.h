// What the layers below a container's own show: overlayfs's rules, name by name, without a mount.
#pragma once

#include "tree-node.h"

class LowerView {
 public:
  // `layers`: the topmost first.
  static SystemError Open(const std::vector<std::string>& layers, LowerView* view);

  // Whether there is anything below at all.
  bool isEmpty() const { return directories_.empty(); }

  struct Child;
  // ENOENT is no failure: the child does not exist.
  SystemError Find(const std::string& name, Child* child) const;
  // The names that show, in order.
  SystemError Names(std::vector<std::string>* names) const;

 private:
  // Those that make up this directory, down to one that hides the rest.
  std::vector<TreeNode> directories_;
};

struct LowerView::Child {
  bool exists = false;
  struct statx facts {};
  std::map<std::string, std::string> xattrs;
  LowerView below;  // of a directory
};

bool IsOpaque(const std::map<std::string, std::string>& xattrs);
