// Writes what a container changed as a layer (OCI image-spec, layer.md), and lists it.
#pragma once

#include "entry-writer.h"
#include "upper-walk.h"

// How many paths `docker diff` would tell of.
struct ChangeCounts {
  uint64_t added = 0;
  uint64_t changed = 0;
  uint64_t deleted = 0;
};

// With `lowers`, what is the same below is left out and every deletion is said by name; without, all is written and an
// opaque directory has the mark `.wh..wh..opq`.
LayerError WriteLayer(EntryWriter* writer, int upper, const std::vector<std::string>& lowers,
                      ChangeCounts* counts);

// "A/etc/motd\0C/etc\0…": what `docker diff` says, in order, NUL at the end of each.
LayerError ListChanges(int upper, const std::vector<std::string>& lowers, std::string* list);
