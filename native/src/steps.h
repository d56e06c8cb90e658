// A list of small file operations done in one go on a worker thread: what a start needs dozens of,
// without dozens of trips through the event loop. The caller decides what is done; nothing is
// decided here.
#pragma once

#include <string>

#include "addon.h"

struct Step {
  std::string what;  // see steps.cc
  std::string path;
  std::string value;
};

// Does "what\0path\0value\0what\0path\0value\0...": one string crosses into native code faster
// than a hundred. Stops at the first that fails.
SystemError RunSteps(const std::string& joined);
