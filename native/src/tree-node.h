// Reads a tree whose owner may be hostile and at work: every name is opened once, without following links and without
// opening devices, and all that is learnt of it afterwards is of the same inode.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "addon.h"
#include "fd.h"

// struct statx of the kernel; glibc's <sys/stat.h> has it.
struct TreeNode {
  Fd fd;  // O_PATH
  struct statx facts {};

  mode_t type() const { return facts.stx_mode & S_IFMT; }
  bool isDirectory() const { return S_ISDIR(facts.stx_mode); }
  // Overlayfs's mark for "deleted here".
  bool isWhiteout() const {
    return S_ISCHR(facts.stx_mode) && facts.stx_rdev_major == 0 && facts.stx_rdev_minor == 0;
  }
};

// ENOENT when it has vanished.
SystemError OpenNode(int directory, const std::string& name, TreeNode* node);
// Takes over a descriptor, O_PATH or of a directory.
SystemError NodeOf(Fd fd, TreeNode* node);

// The names in a directory but "." and "..", in the order of their bytes.
SystemError ReadNames(const TreeNode& directory, std::vector<std::string>* names);

// All extended attributes the kernel shows.
SystemError ReadXattrs(const TreeNode& node, std::map<std::string, std::string>* xattrs);
// One attribute's value; "" when there is none.
std::string ReadXattr(const TreeNode& node, const char* name);

SystemError ReadLink(const TreeNode& node, std::string* target);

// Opens a regular file's content; never anything else.
SystemError OpenContent(const TreeNode& node, Fd* content);

// A path below `root`, as a process whose root directory that is would see it: no link leads out. "" and "/" are the root.
SystemError OpenInRoot(int root, const std::string& path, bool doFollow, TreeNode* node);
