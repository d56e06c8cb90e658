#include "archive-options.h"

#include <errno.h>
#include <fcntl.h>

std::optional<uint64_t> Number(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

std::vector<IdRange> Ranges(const Napi::Value& value) {
  std::vector<IdRange> ranges;
  if (!value.IsArray()) return ranges;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto range = array.Get(i).As<Napi::Object>();
    ranges.push_back({Number(range.Get("inside")).value_or(0), Number(range.Get("outside")).value_or(0),
                      Number(range.Get("count")).value_or(0)});
  }
  return ranges;
}

std::string Text(const Napi::Object& options, const char* key) {
  const Napi::Value value = options.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

bool Flag(const Napi::Object& options, const char* key) {
  return options.Get(key).ToBoolean().Value();
}

std::vector<std::string> Texts(const Napi::Value& value) {
  std::vector<std::string> texts;
  if (!value.IsArray()) return texts;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    texts.push_back(array.Get(i).ToString().Utf8Value());
  }
  return texts;
}

EntryOptions EntryOptionsOf(const Napi::Object& options) {
  EntryOptions entries;
  entries.uids = Ranges(options.Get("uids"));
  entries.gids = Ranges(options.Get("gids"));
  entries.uid = Number(options.Get("uid"));
  entries.gid = Number(options.Get("gid"));
  entries.isSparse = Flag(options, "sparse");
  const Napi::Value times = options.Get("times");
  if (times.IsNumber()) {
    entries.times = EntryOptions::Times::kFixed;
    entries.fixedTime = times.As<Napi::Number>().Int64Value();
  } else if (Text(options, "times") == "seconds") {
    entries.times = EntryOptions::Times::kSeconds;
  }
  return entries;
}

TarOutputOptions OutputOptionsOf(const Napi::Object& options) {
  TarOutputOptions output;
  const std::string compression = Text(options, "compression");
  if (compression == "gzip") output.compression = Compression::kGzip;
  if (compression == "zstd") output.compression = Compression::kZstd;
  output.level = static_cast<int>(Number(options.Get("level")).value_or(0));
  output.algorithm = Text(options, "digests");
  return output;
}

SystemError DirectoryOf(const Napi::Value& value, Fd* fd) {
  const bool isPath = value.IsString();
  const std::string path = isPath ? value.As<Napi::String>().Utf8Value() : "";
  fd->Reset(isPath ? open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                   : fcntl(value.ToNumber().Int32Value(), F_DUPFD_CLOEXEC, 3));
  return fd->valid() ? SystemError{} : SystemError{errno, "open", path};
}
