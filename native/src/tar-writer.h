// Writes tar entries: plain ustar where it suffices, PAX records for what it cannot say (POSIX.1-2017, `pax`).
// The same entry always gives the same bytes.
#pragma once

#include <utility>
#include <vector>

#include "tar-header.h"
#include "tar-output.h"

// Writes the headers of `entry`; its content, and Pad, are the caller's to write. Directories' names end with '/'.
SystemError WriteTarHeader(TarOutput* output, const TarEntry& entry);

// The headers and the map of a sparse file (GNU PAX format 1.0); then the caller writes the pieces of content one after the
// other, and Pad. `entry.size` is the file's apparent size.
SystemError WriteSparseHeader(TarOutput* output, const TarEntry& entry, const SparseMap& map);
