// The three streams of a process: pipes, or a terminal.
#pragma once

#include <stdint.h>

struct stdio {
  int child[3];  // what becomes 0, 1, 2 of the process
  // our ends, -1 where there is none; of a terminal `input` and `output` are its master
  int input, output, error;
  int terminal;
};

// Pipes; a terminal is opened later by the process itself. Without `with_input`, stdin is
// /dev/null. -1 on failure.
int make_stdio(struct stdio* io, int terminal, int with_input);

// In the child: a new terminal of the devpts instance at `root`/dev/pts; its master goes to the
// supervisor.
void open_terminal(struct stdio* io, int root, uint32_t columns, uint32_t rows);

// In the child: gives the streams to the user who will run, by his number in the namespace this
// process is in.
void give_streams(const struct stdio* io, uint32_t uid);

// In the child: makes the streams 0, 1, 2.
void install_stdio(struct stdio* io);

// In the supervisor: takes the terminal's master.
int adopt_terminal(struct stdio* io, int master);

void close_child_ends(struct stdio* io);
void close_our_ends(struct stdio* io);
