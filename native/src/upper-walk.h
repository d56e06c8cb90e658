// Finds what a container changed: walks its own layer (the overlay's upper directory), and looks up each name in the layers
// below. What is there was copied up by the kernel, and may yet be the same as below.
#pragma once

#include <functional>

#include "layer-root.h"
#include "lower-view.h"

enum class ChangeKind { kAdded, kChanged, kSame, kDeleted };

struct Change {
  ChangeKind kind;
  const std::string& path;                          // "etc/motd"
  const TreeNode* node;                             // none for kDeleted
  std::map<std::string, std::string>* xattrs;       // the node's; may be taken
  // A directory is hidden below by one mark, not name by name: nothing is known of the layers below.
  bool isOpaque = false;
  // Deleted with the directory that a file has replaced: a layer need not say so.
  bool isReplaced = false;
};

using ChangeVisitor = std::function<LayerError(const Change&)>;

// Directories come before what is in them, names in order; a directory that is only the way to a change is kSame.
// With no `lowers` all is kAdded, and deletions are as the layer has them.
LayerError WalkUpper(int upper, const std::vector<std::string>& lowers, const ChangeVisitor& visit);
