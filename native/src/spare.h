// One supervisor that was started beforehand, in idle time, and waits to be told whose it is: starting its program takes
// a fifth of a container's start. It ends when the agent does, since its connection ends then.
#pragma once

#include "supervise.h"

// Starts one, unless there is one.
SystemError PrepareSpare(int executable);

// Makes the spare one, if there is one and it lives, the supervisor of that order.
bool TakeSpare(const SupervisorOrder& order, const Fd& listener, SupervisorAnswer& answer);

// Ends it, if there is one.
void DropSpare();
