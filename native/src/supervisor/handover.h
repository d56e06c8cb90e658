// Handing over: the process is made for somebody else (podman's conmon, containerd's shim), who
// gets it as a child of his own. The supervisor leaves once it stands at its gate, or runs.
//
// protocol.h says which descriptors come with the order.
#pragma once

#include <stdint.h>

#include "connection.h"
#include "launch.h"

struct handover {
  int on;
  uint32_t flags;      // HANDOVER_*
  uint32_t preserved;  // descriptors of the starter that become the program's 3, 4, ...
};
extern struct handover handover;

// Takes the two numbers before the container or process; -1 when they make no sense.
int read_handover(char* message, size_t length);

// The streams the starter gave, for the child to install.
void given_stdio(struct stdio* io, int terminal);

// In the child: closes all but the preserved descriptors and the ways to report and be started.
void close_all_but_preserved(void);

// In the child, in its namespaces, all mounted, the old root still there: waits until the starter's
// hooks have run, if there are any.
void wait_for_hooks(void);

// In the child, ready to execute: tells the supervisor so and waits for whoever starts the
// container; from then on failures go to him.
void wait_at_gate(void);

// In the child, its seccomp program loaded: the program's listener (-1: none) goes to whoever starts
// the process, before anything can wait for its answers. The program must let `sendmsg` pass.
void give_listener(int listener);

// In the supervisor: makes what was ordered and leaves; `order` is what follows the two numbers.
int hand_over(struct connection* starter, char* order, size_t length);
