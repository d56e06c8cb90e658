// Several layers as one tree, through an overlay that is mounted nowhere and ends with its descriptor.
#pragma once

#include "tree-node.h"

// `layers`: directories, the topmost first; a container's own layer may be the topmost, also while it runs. Read-only.
SystemError OpenMerged(const std::vector<std::string>& layers, Fd* root);
