// New file systems, as descriptors of mounts that are nowhere yet. Failures end the process.
#pragma once

#include "reader.h"

// `options`: strings, `name=value` or a flag's name.
int make_filesystem(const char* type, const char* source, struct list options, unsigned attributes);

// The same, but -1 where the kernel lets nobody here have a new one (EPERM): in a user namespace, when
// something lies over parts of those that are seen.
int try_filesystem(const char* type, const char* source, struct list options, unsigned attributes);

// Changes the file system that is mounted there by such options; none: leaves it.
void change_filesystem(int mount, const char* path, struct list options);

// As make_filesystem with options that are known when it is written: name, value pairs ended by NULL.
int make_known_filesystem(const char* type, const char* const* options, unsigned attributes);
