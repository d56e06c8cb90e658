// What an archive's entries are made in: a directory (LayerRoot) or an EROFS image (ErofsTree).
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "addon.h"
#include "tar-header.h"

// Why a layer could not be unpacked: a failed call, or what is wrong with the archive.
struct LayerError {
  std::string entry;   // the entry's name as the archive has it; "" when it is not about one
  std::string reason;  // empty when `system` says it
  SystemError system;

  explicit operator bool() const { return !reason.empty() || static_cast<bool>(system); }
};

// {message, entry}, with the facts of a NativeError when a call failed.
Napi::Error ToJs(Napi::Env env, const LayerError& error);

// What a path that cannot be followed within the layer is called; `call` failed with `number` on `path`.
LayerError PathFailed(const TarEntry& entry, int number, const char* call, const std::string& path);

// "./a//b/" -> {"a", "b"}. `reason` is set when the path may not be used.
struct LayerPath {
  std::vector<std::string> parts;
  std::string reason;

  std::string Parent() const;
  const std::string& Base() const { return parts.back(); }
};
LayerPath ParseLayerPath(const std::string& path);

// Overlayfs's own marks (redirect, metacopy, opaque …) would let a layer reach outside itself: only we set them.
bool IsOverlayMark(const std::string& name);

// The answer says why an owner's number cannot be one.
LayerError CheckOwner(const TarEntry& entry);

class LayerTarget {
 public:
  virtual ~LayerTarget() = default;

  // Makes the owner the archive names the one on disk; the answer is why it cannot.
  virtual std::string MapOwner(TarEntry* entry) const = 0;

  // Each makes what an entry says, with its owner, mode, attributes and time.
  // After StartFile come the content's parts, in order, `at` bytes from its beginning, and FinishFile.
  virtual LayerError StartFile(const TarEntry& entry, const LayerPath& path) = 0;
  virtual SystemError WriteFile(const TarEntry& entry, const uint8_t* bytes, size_t length,
                                uint64_t at) = 0;
  virtual LayerError FinishFile(const TarEntry& entry) = 0;
  virtual LayerError MakeDirectory(const TarEntry& entry, const LayerPath& path) = 0;
  virtual LayerError MakeSymlink(const TarEntry& entry, const LayerPath& path) = 0;
  virtual LayerError MakeHardLink(const TarEntry& entry, const LayerPath& path) = 0;
  virtual LayerError MakeNode(const TarEntry& entry, const LayerPath& path) = 0;

  // ".wh.name": hides `name` of the layers below. ".wh..wh..opq": hides all the directory had there (OCI image-spec, layer.md).
  virtual LayerError HideName(const TarEntry& entry, const LayerPath& path,
                              const std::string& hidden) = 0;
  virtual LayerError HideDirectory(const TarEntry& entry, const LayerPath& path) = 0;

  // All entries have come.
  virtual LayerError Finish() = 0;
};
