/* Preloaded into the daemon and its workers: every pread takes 10 ms longer, as if the
 * input were on a slow disk. The wait costs no CPU time. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const long kDelayNs = 10 * 1000 * 1000;

static ssize_t slow_pread(int fd, void* into, size_t bytes, off_t offset) {
  struct timespec left = {0, kDelayNs};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  return syscall(SYS_pread64, fd, into, bytes, offset);
}

ssize_t pread(int fd, void* into, size_t bytes, off_t offset) {
  return slow_pread(fd, into, bytes, offset);
}

ssize_t pread64(int fd, void* into, size_t bytes, off64_t offset) {
  return slow_pread(fd, into, bytes, offset);
}
