#include "unpack-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "decompressor.h"
#include "erofs-tree.h"
#include "hash.h"
#include "layer-root.h"

namespace {

constexpr size_t kRead = 256 * 1024;
constexpr size_t kPieces = 8;  // between the threads
using Piece = std::vector<uint8_t>;

// Between the two threads, a few pieces long; their memory goes round.
class Belt {
 public:
  // False when the other end has given up.
  bool Put(const uint8_t* bytes, size_t length) {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [this] { return full_.size() < kPieces || isBroken_; });
    if (isBroken_) return false;
    Piece piece;
    if (!empty_.empty()) {
      piece = std::move(empty_.back());
      empty_.pop_back();
    }
    lock.unlock();
    piece.assign(bytes, bytes + length);
    lock.lock();
    full_.push_back(std::move(piece));
    change_.notify_all();
    return true;
  }

  // False at the end. `piece` gives back the one before.
  bool Take(Piece* piece) {
    std::unique_lock lock(mutex_);
    if (piece->capacity() > 0) empty_.push_back(std::move(*piece));
    change_.wait(lock, [this] { return !full_.empty() || isEnded_; });
    if (full_.empty()) return false;
    *piece = std::move(full_.front());
    full_.pop_front();
    change_.notify_all();
    return true;
  }

  void End() {
    const std::lock_guard lock(mutex_);
    isEnded_ = true;
    change_.notify_all();
  }

  void Break() {
    const std::lock_guard lock(mutex_);
    isBroken_ = true;
    change_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable change_;
  std::deque<Piece> full_;
  std::vector<Piece> empty_;
  bool isEnded_ = false;
  bool isBroken_ = false;
};

LayerError Damaged(const std::string& reason) { return {"", reason, {}}; }

// The hash of the tar is taken by the thread that has less to do: making files is longer work than inflating, an image is not.
bool HashesWhileInflating(const UnpackFileOptions& options) { return !options.isImage; }

// Fills the belt with what is beneath the file's compression.
LayerError Inflate(const UnpackFileOptions& options, Belt* belt, FileUnpacked* unpacked) {
  const Fd file(open(options.file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return {"", "", {errno, "open", options.file}};
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::optional<Hash> hash;
  if (!options.fileAlgorithm.empty()) hash.emplace(options.fileAlgorithm);
  std::unique_ptr<Decompressor> decompressor;
  Piece buffer(kRead);
  bool isWanted = true;
  const bool doHash = HashesWhileInflating(options);
  Hash tarHash(options.algorithm);
  const PlainSink sink = [&](const uint8_t* bytes, size_t length) {
    isWanted = belt->Put(bytes, length);
    if (doHash) tarHash.Update(bytes, length);
    unpacked->tarBytes += length;
    return isWanted;
  };
  while (isWanted) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {"", "", {errno, "read", options.file}};
    const size_t length = static_cast<size_t>(got);
    std::string reason;
    if (!decompressor) decompressor = Decompressor::For(buffer.data(), length, &reason);
    if (!reason.empty()) return Damaged(reason);
    if (got == 0) {
      if (hash) unpacked->digest = hash->Digest();
      if (doHash) unpacked->tarDigest = tarHash.Digest();
      return Damaged(decompressor->Finish());
    }
    unpacked->fileBytes += length;
    if (hash) hash->Update(buffer.data(), length);
    reason = decompressor->Write(buffer.data(), length, sink);
    if (!reason.empty()) return Damaged(reason);
  }
  return {};
}

LayerError OpenPlace(const UnpackFileOptions& options, std::unique_ptr<LayerTarget>* target) {
  const char* place = options.place.c_str();
  Fd fd(options.isImage ? open(place, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                        : open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return {"", "", {errno, "open", options.place}};
  if (options.isImage) *target = std::make_unique<ErofsTree>(std::move(fd));
  else *target = std::make_unique<LayerRoot>(std::move(fd), RootRules{});
  return {};
}

// Empties the belt into the directory or image.
LayerError Unpack(const UnpackFileOptions& options, Belt* belt, FileUnpacked* unpacked) {
  std::unique_ptr<LayerTarget> target;
  if (LayerError error = OpenPlace(options, &target)) return error;
  LayerUnpacker unpacker;
  unpacker.Open(std::move(target), true, options.limits);
  Piece piece;
  const bool doHash = !HashesWhileInflating(options);
  Hash tarHash(options.algorithm);
  while (belt->Take(&piece)) {
    if (doHash) tarHash.Update(piece.data(), piece.size());
    if (LayerError error = unpacker.Write(piece.data(), piece.size())) return error;
  }
  if (doHash) unpacked->tarDigest = tarHash.Digest();
  LayerError error = unpacker.Finish();
  unpacked->bytes = unpacker.bytes();
  unpacked->entries = unpacker.entries();
  return error;
}

}  // namespace

LayerError UnpackFile(const UnpackFileOptions& options, FileUnpacked* unpacked) {
  Belt belt;
  LayerError unpackError;
  std::thread unpacking([&] {
    unpackError = Unpack(options, &belt, unpacked);
    if (unpackError) belt.Break();
  });
  LayerError inflateError = Inflate(options, &belt, unpacked);
  belt.End();
  unpacking.join();
  // Damaged compression is the cause; that the tar is cut short then is only what follows from it.
  return inflateError ? inflateError : unpackError;
}
