// Writes what a container changed as a layer (OCI image-spec, layer.md), and lists it.
#pragma once

#include "entry-writer.h"
#include "upper-walk.h"

// With `lowers`, what is the same below is left out and every deletion is said by name; without, all is written and an
// opaque directory has the mark `.wh..wh..opq`.
LayerError WriteLayer(EntryWriter* writer, int upper, const std::vector<std::string>& lowers);

// "A/etc/motd\0C/etc\0…": what `docker diff` says, in order, NUL at the end of each.
LayerError ListChanges(int upper, const std::vector<std::string>& lowers, std::string* list);
