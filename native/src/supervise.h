// Starting a supervisor, apart from JavaScript.
#pragma once

#include <stdint.h>
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
  uint32_t magic;                // what kind of telling that is
};

struct SupervisorAnswer {
  pid_t pid = 0;
  Fd socket;          // the connection, if it runs on
  std::string frame;  // its first frame, header and all
};

// A socket of that name that listens before the supervisor exists.
SystemError ListenIn(const std::string& directory, const char* name, Fd& listener);

// Starts the program with the descriptors as its 3, 4, ...; theirs must be larger than that.
SystemError SpawnSupervisor(const SupervisorOrder& order, const std::vector<int>& given,
                            pid_t& pid);

// Steps, then the order, then its first answer; waits at most a minute.
SystemError Converse(const SupervisorOrder& order, SupervisorAnswer& answer);
SystemError ReceiveFrame(const Fd& socket, std::string& frame);

// Returns when the container's program runs or the supervisor said why not (it has ended then).
SystemError StartSupervisor(const SupervisorOrder& order, SupervisorAnswer& answer);
