// Landlock: a process gives up access to files for itself and all it will start.
#pragma once

#include "spec.h"

// Makes the ruleset while its paths can be opened; a descriptor, or -1 when none was asked for.
int make_ruleset(const struct process* p);

// From here on only what the rules allow can be reached.
void restrict_to(int ruleset);
