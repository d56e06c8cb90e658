// Where a further process goes when the container's own cgroup takes none.
#pragma once

#include <stdint.h>

// The process a pidfd names, in the numbers of this one's /proc; 0 when it has ended.
uint64_t pid_of(int pidfd);

// A v2 cgroup that hands controllers down holds no processes itself (kernel: cgroup-v2.rst, "No
// Internal Process Constraint"); what a container did to its own then counts: the cgroup below it
// that its first process is in. A descriptor, or -1.
int open_leaf(const char* cgroup, int first_process);
