// How a new process tells the supervisor what went wrong before its execve: one message on a socket
// that execve closes.
#pragma once

struct failure {
  int number;     // errno
  int exit_code;  // 126 not executable, 127 not found, 128 anything else
  char what[48];  // what was tried
  char path[208];
};

// Keeps errno, what and path in `out`; returns -1 for the caller to return.
int failed(struct failure* out, int exit_code, const char* what, const char* path);

// In the child: where to report to.
void report_to(int socket);

// In the child: closes every descriptor above 2 but the way to report, which execve closes.
void close_all_but_report(void);

// In the child: reports errno, what was tried and on what; ends the process.
_Noreturn void fail(const char* what, const char* path);
_Noreturn void fail_with(int exit_code, const char* what, const char* path);

// In the child: where reports go.
int reports_go_to(void);

// In the child: who gets the pty's master; without this call the supervisor does.
void send_terminals_to(int socket);

// In the child: waits until the supervisor lets it go on; ends the process when it is gone.
void await_word(void);
// In the child: says that it waits, and waits.
void wait_for_word(void);
// In the supervisor: lets the child go on.
int let_go_on(int socket);

// In the child: hands the pty's master over.
void send_terminal(int master);

// Sends a descriptor with one byte; `what` is told when that fails.
void send_descriptor(int socket, char byte, int fd, const char* what);

// In the supervisor: waits until the child has executed its program (0) or reported (-1), or
// waits for hooks (1).
// `terminal` gets the pty's master, or stays as it is.
int await_child(int socket, struct failure* out, int* terminal);
