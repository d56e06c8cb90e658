// What sandboxes have alike, made beforehand: namespaces that have no name yet, memory that nobody
// has written to. Only descriptors: all of it ends with this process.
#pragma once

#include "fd.h"
#include "steps.h"

struct SandboxParts {
  Fd ipc, uts;  // namespaces
  Fd shm;       // a tmpfs that is mounted nowhere
};

// `memory`: options of the tmpfs, as "mode=1777,size=65536". Must run in a thread that ends after it:
// it has entered the namespaces.
SystemError MakeSandboxParts(const std::string& memory, SandboxParts* parts);

// Mounts what the descriptor `step.value` is the root of, mounted nowhere yet, on `step.path`.
SystemError Attach(const Step& step);

// Gives the uts namespace kept at `step.path` the host name `step.value`.
SystemError NameHost(const Step& step);
