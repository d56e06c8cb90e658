// The face of writing trees and layers, and of listing changes, to JavaScript. Each runs on a thread of its own.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "addon.h"
#include "archive-options.h"
#include "layer-writer.h"
#include "merged-view.h"
#include "thread-job.h"
#include "tree-writer.h"

namespace {

SystemError OutputFile(const Napi::Value& value, Fd* fd) {
  const bool isPath = value.IsString();
  const std::string path = isPath ? value.As<Napi::String>().Utf8Value() : "";
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  fd->Reset(isPath ? open(path.c_str(), kFlags, 0600)
                   : fcntl(value.ToNumber().Int32Value(), F_DUPFD_CLOEXEC, 3));
  return fd->valid() ? SystemError{} : SystemError{errno, "open", path};
}

// What one archive needs from beginning to end; used on its thread only.
struct Archive {
  Archive(Fd file, const Napi::Object& options, TarOutput::Cancelled cancelled)
      : output(std::move(file), OutputOptionsOf(options), cancelled),
        writer(&output, EntryOptionsOf(options)) {}

  LayerError Finish(LayerError error) {
    if (error) return error;
    return {"", "", output.Finish()};
  }

  TarOutput output;
  EntryWriter writer;
  Fd root;
  std::vector<std::string> lowers;
  TreeOptions tree;
  ChangeCounts counts;  // of a layer
};

Napi::Value Facts(Napi::Env env, const Archive& archive) {
  Napi::Object facts = Napi::Object::New(env);
  const auto number = [&](const char* name, uint64_t value) {
    facts.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  number("sizeBytes", archive.output.size());
  number("tarBytes", archive.output.tarSize());
  number("entries", archive.writer.entries());
  number("shortened", archive.writer.shortened());
  number("added", archive.counts.added);
  number("changed", archive.counts.changed);
  number("deleted", archive.counts.deleted);
  facts.Set("digest", Napi::String::New(env, archive.output.digest()));
  facts.Set("tarDigest", Napi::String::New(env, archive.output.tarDigest()));
  return facts;
}

// `write(archive)` makes the entries.
template <typename Write>
Napi::Value StartArchive(const Napi::CallbackInfo& info, const char* rootKey, Write write) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  const auto flag = info[1].As<Napi::Uint8Array>();
  Fd root;
  Fd file;
  SystemError error = DirectoryOf(options.Get(rootKey), &root);
  if (!error) error = OutputFile(options.Get("output"), &file);
  if (error) {
    Throw(env, error);
    return env.Undefined();
  }
  auto archive = std::make_shared<Archive>(std::move(file), options, flag.Data());
  archive->root = std::move(root);
  archive->lowers = Texts(options.Get("lowers"));
  archive->tree = {Text(options, "path"), Text(options, "name"), Flag(options, "follow"),
                   Flag(options, "crossMounts")};
  auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(flag.As<Napi::Object>()));
  return RunOnThread(
      env, [archive, write] { return archive->Finish(write(archive.get())); },
      [archive, kept](Napi::Env env) { return Facts(env, *archive); });
}

// writeTree(options, cancelled: Uint8Array): Promise<facts>
Napi::Value WriteTreeArchive(const Napi::CallbackInfo& info) {
  return StartArchive(info, "root", [](Archive* archive) {
    return WriteTree(&archive->writer, archive->root.get(), archive->tree);
  });
}

// writeLayer(options, cancelled: Uint8Array): Promise<facts>
Napi::Value WriteLayerArchive(const Napi::CallbackInfo& info) {
  return StartArchive(info, "upper", [](Archive* archive) {
    return WriteLayer(&archive->writer, archive->root.get(), archive->lowers, &archive->counts);
  });
}

// listChanges(upper: string | number, lowers: string[]): Promise<Buffer>
Napi::Value ListLayerChanges(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto upper = std::make_shared<Fd>();
  if (SystemError error = DirectoryOf(info[0], upper.get())) {
    Throw(env, error);
    return env.Undefined();
  }
  auto list = std::make_shared<std::string>();
  return RunOnThread(
      env,
      [upper, list, lowers = Texts(info[1])] { return ListChanges(upper->get(), lowers, list.get()); },
      [list](Napi::Env env) -> Napi::Value {
        return Napi::Buffer<char>::Copy(env, list->data(), list->size());
      });
}

// openMerged(layers: string[], upper: string, work: string): number
Napi::Value OpenMergedView(const Napi::CallbackInfo& info) {
  const Writable writable{info[1].As<Napi::String>(), info[2].As<Napi::String>()};
  Fd root;
  if (SystemError error = OpenMerged(Texts(info[0]), writable, &root)) {
    Throw(info.Env(), error);
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), root.Release());
}

const char* Kind(mode_t type) {
  switch (type) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

// statIn(root: string | number, path: string, follow: boolean): facts
Napi::Value StatIn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fd root;
  TreeNode node;
  std::string target;
  SystemError error = DirectoryOf(info[0], &root);
  if (!error) error = OpenInRoot(root.get(), info[1].As<Napi::String>(), info[2].ToBoolean(), &node);
  if (!error && node.type() == S_IFLNK) error = ReadLink(node, &target);
  if (error) {
    Throw(env, error);
    return env.Undefined();
  }
  Napi::Object facts = Napi::Object::New(env);
  const auto number = [&](const char* name, double value) {
    facts.Set(name, Napi::Number::New(env, value));
  };
  facts.Set("kind", Napi::String::New(env, Kind(node.type())));
  number("mode", node.facts.stx_mode & 07777);
  number("uid", node.facts.stx_uid);
  number("gid", node.facts.stx_gid);
  number("sizeBytes", static_cast<double>(node.facts.stx_size));
  number("mtimeMs", static_cast<double>(node.facts.stx_mtime.tv_sec) * 1000 +
                        node.facts.stx_mtime.tv_nsec / 1'000'000);
  if (node.type() == S_IFLNK) facts.Set("target", Napi::String::New(env, target));
  return facts;
}

// openPipe(): [read: number, write: number]
Napi::Value OpenPipe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    Throw(env, {errno, "pipe2", ""});
    return env.Undefined();
  }
  fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // fewer trips between the threads; as it is, if it may not be larger
  Napi::Array both = Napi::Array::New(env, 2);
  both.Set(0u, Napi::Number::New(env, ends[0]));
  both.Set(1u, Napi::Number::New(env, ends[1]));
  return both;
}

}  // namespace

void InitLayers(Napi::Env env, Napi::Object exports) {
  exports.Set("writeTree", Napi::Function::New(env, WriteTreeArchive));
  exports.Set("writeLayer", Napi::Function::New(env, WriteLayerArchive));
  exports.Set("listChanges", Napi::Function::New(env, ListLayerChanges));
  exports.Set("openMerged", Napi::Function::New(env, OpenMergedView));
  exports.Set("statIn", Napi::Function::New(env, StatIn));
  exports.Set("openPipe", Napi::Function::New(env, OpenPipe));
}
