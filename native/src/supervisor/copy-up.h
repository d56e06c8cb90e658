// What an image has where a file system in memory is mounted, copied into that.
#pragma once

// Copies what is in the directory `from` into the empty one `to`: directories, files, links, device
// nodes, with owners and modes. Both are O_PATH descriptors; `path` is for messages. Runs in the
// container's child; failures end it.
void copy_up(int from, int to, const char* path);
