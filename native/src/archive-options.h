// Options of archives as JavaScript gives them (native/layers.ts declares them).
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "entry-writer.h"
#include "tar-output.h"

// "" when it is absent.
std::string Text(const Napi::Object& options, const char* key);
bool Flag(const Napi::Object& options, const char* key);
std::optional<uint64_t> Number(const Napi::Value& value);
std::vector<IdRange> Ranges(const Napi::Value& value);
std::vector<std::string> Texts(const Napi::Value& value);

EntryOptions EntryOptionsOf(const Napi::Object& options);
TarOutputOptions OutputOptionsOf(const Napi::Object& options);

// A directory by its path, or by a descriptor, which stays the caller's.
SystemError DirectoryOf(const Napi::Value& value, Fd* fd);
