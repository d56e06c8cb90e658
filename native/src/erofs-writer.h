// Writes the tree of an EROFS image behind the content of its files.
#pragma once

#include <stdint.h>

#include "erofs-tree.h"

// How an extended attribute's name is stored: the number of its prefix, and the rest. False: EROFS has no such prefix.
bool ErofsXattrName(const std::string& name, uint8_t* prefix, std::string* rest);
// The attributes behind an inode: a header, then each entry, whose beginnings are multiples of four.
std::string ErofsXattrs(const ErofsNode& node);

// `end`: of the content.
SystemError WriteErofs(const ErofsNodes& nodes, uint64_t end, ImageOutput* output);
