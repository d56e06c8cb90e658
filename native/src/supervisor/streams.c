#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "failure.h"
#include "resolve.h"

#define DEVPTS_SUPER_MAGIC 0x1cd1

static void close_and_forget(int* fd) {
  if (*fd > 2) close(*fd);
  *fd = -1;
}

static int make_pipe(int* ours, int* theirs, int we_read) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  *ours = ends[we_read ? 0 : 1];
  *theirs = ends[we_read ? 1 : 0];
  return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

int make_stdio(struct stdio* io, int terminal, int with_input) {
  *io = (struct stdio){{0, -1, -1}, -1, -1, -1, terminal};
  if (terminal) return 0;
  if (with_input && make_pipe(&io->input, &io->child[0], 0) != 0) return -1;
  if (make_pipe(&io->output, &io->child[1], 1) != 0) return -1;
  return make_pipe(&io->error, &io->child[2], 1);
}

// The way to the device leads through the image: only the ptmx of a devpts file system is used
// (CVE-2025-52565).
static int open_master(int root) {
  int directory = resolve_plain(root, "/dev/pts");
  struct statfs filesystem;
  if (directory < 0 || fstatfs(directory, &filesystem) != 0) fail("open", "/dev/pts");
  if (filesystem.f_type != DEVPTS_SUPER_MAGIC) {
    errno = ENODEV;
    fail("recognise", "/dev/pts");
  }
  int master = openat(directory, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
  if (master < 0) fail("open", "/dev/pts/ptmx");
  close(directory);
  return master;
}

void open_terminal(struct stdio* io, int root, uint32_t columns, uint32_t rows) {
  int unlock = 0;
  int master = open_master(root);
  if (ioctl(master, TIOCSPTLCK, &unlock) != 0) fail("unlock", "the terminal");
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) fail("open", "the terminal");
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  if (columns && rows) ioctl(master, TIOCSWINSZ, &size);
  send_terminal(master);
  close(master);
  for (int i = 0; i < 3; i++) io->child[i] = slave;
}

static int is_null(int fd) {
  struct stat facts;
  return fstat(fd, &facts) == 0 && S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 3);
}

void install_stdio(struct stdio* io) {
  for (int i = 0; i < 3; i++) {
    // Above 2 first: the three may be among 0, 1, 2 already.
    if (io->child[i] > 2 && dup2(io->child[i], i) < 0) fail("install", "stdin, stdout, stderr");
    if (io->child[i] < 0) fail("install", "stdin, stdout, stderr");
  }
  if (io->terminal && ioctl(0, TIOCSCTTY, 0) != 0) fail("take control of", "the terminal");
}

// Programs that open /dev/stdout again need it to be theirs; /dev/null stays root's. EINVAL: the user
// is not in this namespace, which is told when he is to be become.
void give_streams(const struct stdio* io, uint32_t uid) {
  for (int i = 0; i < 3; i++)
    if (uid != 0 && io->child[i] > 2 && !is_null(io->child[i]) &&
        fchown(io->child[i], uid, (gid_t)-1) != 0 && errno != EROFS && errno != EPERM &&
        errno != EINVAL)
      fail("give to the user", "stdin, stdout, stderr");
}

int adopt_terminal(struct stdio* io, int master) {
  if (fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) != 0) return -1;
  io->output = master;
  io->input = fcntl(master, F_DUPFD_CLOEXEC, 0);
  return io->input < 0 ? -1 : 0;
}

void close_child_ends(struct stdio* io) {
  for (int i = 0; i < 3; i++) close_and_forget(&io->child[i]);
}

void close_our_ends(struct stdio* io) {
  close_and_forget(&io->input);
  close_and_forget(&io->output);
  close_and_forget(&io->error);
}
