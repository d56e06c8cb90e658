// Starting a supervisor, apart from JavaScript.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "fd.h"
#include "steps.h"

struct SupervisorOrder {
  int executable;                // a descriptor of the program
  std::string directory;         // the container's state directory; made by `before`
  std::string id;                // shown by ps
  std::string before;            // steps, done first
};

struct SupervisorRest {
  std::string meanwhile;  // steps, done while the container's process is made
  std::string spec;       // what it is told, see protocol.h
};

// The rest of an order, put together while the first steps are done.
class PendingRest {
 public:
  void Give(SupervisorRest rest);
  // There will be none; of no effect after it was given.
  void Withhold();
  // Waits for one of the two. False: it is withheld.
  bool Take(SupervisorRest& rest);

 private:
  enum class State { kPending, kGiven, kWithheld };

  void Settle(State state);

  std::mutex mutex_;
  std::condition_variable change_;
  State state_ = State::kPending;
  SupervisorRest rest_;
};

struct SupervisorAnswer {
  pid_t pid = 0;
  Fd socket;          // the connection, if it runs on
  std::string frame;  // its first frame, header and all
};

// A copy above what the supervisor's descriptors are copied to.
Fd Lift(Fd fd);

// Takes the status of a child of ours that ends.
void AwaitEnd(pid_t pid);

// A socket of that name that listens before the supervisor exists.
SystemError ListenIn(const std::string& directory, const char* name, Fd& listener);

// Starts the program with the descriptors as its 3, 4, ...; theirs must be larger than that.
SystemError SpawnSupervisor(const SupervisorOrder& order, const std::vector<int>& given,
                            pid_t& pid);

// What the supervisor is told first; `magic` says what kind of telling it is.
SystemError SendSpec(uint32_t magic, const std::string& spec, const Fd& socket);
// What it waits for has been done.
SystemError SendContinue(const Fd& socket);
// Its next answer; waits at most a minute.
SystemError ReceiveFrame(const Fd& socket, std::string& frame);

// Returns when the container's program runs or the supervisor said why not (it has ended then).
SystemError StartSupervisor(const SupervisorOrder& order, PendingRest& pending,
                            SupervisorAnswer& answer);
