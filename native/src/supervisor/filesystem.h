// New file systems, as descriptors of mounts that are nowhere yet. Failures end the process.
#pragma once

#include "reader.h"

// `options`: strings, `name=value` or a flag's name.
int make_filesystem(const char* type, const char* source, struct list options, unsigned attributes);

// The same with options that are known when it is written: name, value pairs ended by NULL.
int make_known_filesystem(const char* type, const char* const* options, unsigned attributes);
