// Writes a million lines of 100 bytes: what a log is measured with.
#include <string.h>
#include <unistd.h>

int main(void) {
  static char block[100 * 640];
  memset(block, 'x', sizeof block);
  for (size_t at = 99; at < sizeof block; at += 100) block[at] = '\n';
  for (size_t left = 100000000; left > 0;) {
    ssize_t done = write(1, block, left < sizeof block ? left : sizeof block);
    if (done < 0) return 1;
    left -= (size_t)done;
  }
  return 0;
}
