// Files of /proc that are written on a container's behalf. They are reached through an instance of
// the file system that nobody else has ever seen: what an image or another container laid over
// /proc cannot lead a write astray (CVE-2019-16884, CVE-2025-52881).
#pragma once

#include "spec.h"

// Both run in the child; failures end it.
void set_sysctls(struct list sysctls);

// The profile and label that the next execve gives this process.
void set_labels(const struct process* p);
