// POSIX access control lists, which the kernel checks when they are set on a file, and an image takes as they are.
#pragma once

#include <stdint.h>

#include <string>

#include "erofs-tree.h"

// By the number of an attribute's prefix (ErofsXattrName).
bool IsErofsAcl(uint8_t prefix);

// What setting the list on a node of `mode` does: the answer is the errno. A list for access becomes the mode's bits; one
// that says no more than these, or nothing, is not kept.
int CheckErofsAcl(uint8_t prefix, const std::string& value, uint16_t* mode, bool* isKept);

// A node that has a list for access has been given another mode: the list follows, as after chmod(2).
void MaskErofsAcl(ErofsNode* node);
