// A layer in either form: a directory, or a file with an EROFS image, which is mounted nowhere: its mount ends with the last
// descriptor of it. One mount a file for the whole process, so that all who use it share what is in memory of it.
#pragma once

#include <string>
#include <vector>

#include "addon.h"
#include "fd.h"

// The layer's root directory.
SystemError OpenLayer(const std::string& path, Fd* root);

// The same of a file that was opened before; false: it is to be mounted first. A directory, and what is not there, is left
// alone: `root` stays without a descriptor.
bool OpenLayerFile(const std::string& path, Fd* root);

// Lets go of the mount of a layer that is to be removed; who has a descriptor keeps it.
void ForgetLayer(const std::string& path);

// Whether anybody on the machine has the layer's file open, as whoever has it mounted does; false for a directory. True,
// too, where the file system cannot tell.
bool IsLayerFileOpen(const std::string& path);
