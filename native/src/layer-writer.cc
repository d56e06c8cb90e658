#include "layer-writer.h"

namespace {

const std::string kWhiteout = ".wh.";

// The same for every deletion, whenever it was.
TarEntry Whiteout(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t base = slash == std::string::npos ? 0 : slash + 1;
  TarEntry entry;
  entry.name = path.substr(0, base) + kWhiteout + path.substr(base);
  return entry;
}

// Directories on the way that are as they were below: written only when a change beneath them is.
class Ways {
 public:
  void Add(TarEntry entry) { waiting_.push_back(std::move(entry)); }

  LayerError WriteThoseOf(const std::string& path, EntryWriter* writer) {
    for (const TarEntry& entry : waiting_) {
      if (!path.starts_with(entry.name)) continue;  // a way that led to nothing
      if (LayerError error = writer->WriteBare(entry)) return error;
    }
    waiting_.clear();
    return {};
  }

 private:
  std::vector<TarEntry> waiting_;
};

// What `docker diff` tells: directories that are the way to a change are changed, those that led to nothing are not.
class Differences {
 public:
  // Calls `tell(kind, path)` for what the change is, and for the ways to it that were not told yet.
  template <typename Tell>
  void Look(const Change& change, const Tell& tell) {
    if (change.kind == ChangeKind::kSame) {
      if (change.node->isDirectory()) ways_.push_back(change.path);
      return;
    }
    for (const std::string& way : ways_) {
      if (change.path.starts_with(way + "/")) tell(ChangeKind::kChanged, way);
    }
    ways_.clear();
    tell(change.kind, change.path);
  }

 private:
  std::vector<std::string> ways_;
};

}  // namespace

LayerError WriteLayer(EntryWriter* writer, int upper, const std::vector<std::string>& lowers,
                      ChangeCounts* counts) {
  Ways ways;
  Differences differences;
  const auto count = [counts](ChangeKind kind, const std::string&) {
    (kind == ChangeKind::kAdded     ? counts->added
     : kind == ChangeKind::kDeleted ? counts->deleted
                                    : counts->changed)++;
  };
  return WalkUpper(upper, lowers, [&](const Change& change) -> LayerError {
    differences.Look(change, count);
    if (change.isReplaced) return {};
    if (change.kind == ChangeKind::kDeleted) {
      if (LayerError error = ways.WriteThoseOf(change.path, writer)) return error;
      return writer->WriteBare(Whiteout(change.path));
    }
    TarEntry entry;
    if (LayerError error =
            writer->Entry(*change.node, change.path, std::move(*change.xattrs), &entry)) {
      return error;
    }
    if (change.kind == ChangeKind::kSame) {
      if (change.node->isDirectory()) {
        ways.Add(std::move(entry));
        return {};
      }
      // One of several names was made here: the layer needs the others for the link to be one.
      if (change.node->facts.stx_nlink == 1) return {};
    }
    if (LayerError error = ways.WriteThoseOf(change.path, writer)) return error;
    if (LayerError error = writer->Write(*change.node, std::move(entry))) return error;
    if (!change.isOpaque) return {};
    TarEntry mark;
    mark.name = change.path + "/.wh..wh..opq";
    return writer->WriteBare(mark);
  });
}

LayerError ListChanges(int upper, const std::vector<std::string>& lowers, std::string* list) {
  Differences differences;
  const auto add = [list](ChangeKind kind, const std::string& path) {
    *list += kind == ChangeKind::kAdded ? 'A' : kind == ChangeKind::kDeleted ? 'D' : 'C';
    *list += "/" + path;
    *list += '\0';
  };
  return WalkUpper(upper, lowers, [&](const Change& change) -> LayerError {
    differences.Look(change, add);
    return {};
  });
}
