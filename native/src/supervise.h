// Starting a supervisor, apart from JavaScript.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fd.h"
#include "steps.h"

struct SupervisorOrder {
  int executable;                // a descriptor of the program
  std::string directory;         // the container's state directory; made by `before`
  std::string id;                // shown by ps
  std::vector<Step> before;      // done first
  std::vector<Step> meanwhile;   // done while the program loads
  std::string spec;              // what it is told, see protocol.h
};

struct SupervisorAnswer {
  pid_t pid = 0;
  Fd socket;          // the connection, if it runs on
  std::string frame;  // its first frame, header and all
};

// Returns when the container's program runs or the supervisor said why not (it has ended then).
SystemError StartSupervisor(const SupervisorOrder& order, SupervisorAnswer& answer);
