// Paths inside a root file system that nobody may be trusted to have left as they were: every step
// is taken from a descriptor of the root with RESOLVE_IN_ROOT, and what is found is used by its
// descriptor.
#pragma once

// O_PATH descriptor of `path` below `root`, or -1.
int resolve(int root, const char* path);

// The same, and no component may be a symbolic link.
int resolve_plain(int root, const char* path);

// The same as resolve, making missing directories (0755) and, if `file`, an empty file at the end.
int resolve_or_make(int root, const char* path, int file);
