// A list of small file operations done in one go on a worker thread: what a start needs dozens of, without dozens of trips
// through the event loop. The caller decides what is done; nothing is decided here.
#pragma once

#include <string>
#include <vector>

#include "addon.h"

struct Step {
  std::string what;  // see steps.cc
  std::string path;
  std::string value;
};

// Reads [what, path, value, what, path, value ...].
std::vector<Step> StepsFrom(const Napi::Array& flat);

// Stops at the first that fails.
SystemError RunSteps(const std::vector<Step>& steps);
