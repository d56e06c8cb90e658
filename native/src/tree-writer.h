// Writes a tree, or one thing in it, as it is seen: for exports and for copies out of containers.
#pragma once

#include "entry-writer.h"

struct TreeOptions {
  std::string path;         // below the root; "" is the root itself
  std::string name;         // what it is called in the archive; "" leaves the names in it without a first part
  bool doFollow = false;    // a link at the end of `path`
  bool doCrossMounts = false;
};

LayerError WriteTree(EntryWriter* writer, int root, const TreeOptions& options);
