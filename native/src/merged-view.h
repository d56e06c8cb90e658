// Several layers as one tree, through an overlay that is mounted nowhere and ends with its descriptor.
#pragma once

#include "tree-node.h"

// Where changes go; empty for a tree that is only read.
struct Writable {
  std::string upper;
  std::string work;
};

// `layers`: the topmost first; read-only, a container's own layer may be the topmost, also while it runs.
// With `writable` nobody else may have it as an upper directory meanwhile.
SystemError OpenMerged(const std::vector<std::string>& layers, const Writable& writable, Fd* root);
