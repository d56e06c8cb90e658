// The steps that only cgroups need.
#pragma once

#include "steps.h"

// Fills an empty file with what its parent directory's file of that name holds.
SystemError Inherit(const Step& step);

// `value`: lines of `name=content`; writes the first whose file is in the directory `path`.
SystemError WriteEither(const Step& step);

// Waits until the file says `value` in a line of its own; ETIMEDOUT after five seconds.
SystemError AwaitLine(const Step& step);

// Removes a cgroup and those below it, killing what is in there. Absent is no error.
SystemError Uproot(const Step& step);

// `value`: a device program in hexadecimal digits; the one that decides from now on.
SystemError RestrictDevices(const Step& step);
