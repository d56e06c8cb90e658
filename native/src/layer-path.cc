// Names inside a layer, and what an unpacking failure looks like to JavaScript.
#include <errno.h>

#include <algorithm>

#include "layer-target.h"

Napi::Error ToJs(Napi::Env env, const LayerError& error) {
  Napi::Error js =
      error.system ? ToJs(env, error.system) : Napi::Error::New(env, error.reason);
  js.Value().Set("entry", Napi::String::New(env, error.entry));
  return js;
}

LayerError PathFailed(const TarEntry& entry, int number, const char* call, const std::string& path) {
  if (number == EXDEV) {
    return {entry.name, "its path leads out of the layer through a link", {}};
  }
  if (number == ELOOP) return {entry.name, "its path leads through a loop of links", {}};
  if (number == ENOTDIR) {
    return {entry.name, "its path leads through something that is not a directory", {}};
  }
  return {entry.name, "", {number, call, path}};
}

bool IsOverlayMark(const std::string& name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

LayerError CheckOwner(const TarEntry& entry) {
  constexpr uint64_t kNoId = 0xffffffff;  // (uid_t)-1 means "leave as it is" to chown
  if (entry.uid < kNoId && entry.gid < kNoId) return {};
  return {entry.name, "its owner's number is out of range", {}};
}

std::string LayerPath::Parent() const {
  std::string parent;
  for (size_t i = 0; i + 1 < parts.size(); i++) parent += (i == 0 ? "" : "/") + parts[i];
  return parent;
}

LayerPath ParseLayerPath(const std::string& path) {
  LayerPath parsed;
  if (path.find('\0') != std::string::npos) {
    parsed.reason = "its name holds a NUL byte";
    return parsed;
  }
  size_t at = 0;
  while (at < path.size()) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, slash - at);
    if (part == "..") {
      parsed.reason = "its path holds '..', which could leave the layer";
      return parsed;
    }
    if (!part.empty() && part != ".") parsed.parts.push_back(part);
    at = slash + 1;
  }
  return parsed;
}
