/* Preloaded into the daemon and its workers: every pread takes 10 ms longer, or as many
 * as SLOW_PREAD_MS says, as if the input were on a slow disk. The wait costs no CPU
 * time. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static ssize_t slow_pread(int fd, void* into, size_t bytes, off_t offset) {
  const char* const asked = getenv("SLOW_PREAD_MS");
  const long delay_ms = asked != NULL ? strtol(asked, NULL, 10) : 10;
  struct timespec left = {delay_ms / 1000, delay_ms % 1000 * 1000 * 1000};
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
