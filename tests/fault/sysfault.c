/* Preloaded into the daemon, which hands it on to the zygote and the workers: system
 * calls fail on demand.
 *
 *   SYSFAULT_LOG    file: a line "role call module+offset" for every call
 *   SYSFAULT_FAULT  "role call module+offset kind": fail at that call site, once
 *   SYSFAULT_RANDOM "seed per_mille": any call that can, at random
 *   SYSFAULT_SPENT  file: made when the one fault is injected, whichever process is
 *                   first; for random faults, faults are injected while it exists
 *
 * Roles: daemon, zygote, worker. Kinds: an errno's name, or SHORT (pread only: half).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define kShort (-1)

static const struct {
  const char* name;
  int number;
} kKinds[] = {{"EINTR", EINTR},
              {"EAGAIN", EAGAIN},
              {"ENOMEM", ENOMEM},
              {"EMFILE", EMFILE},
              {"SHORT", kShort}};

static const char* role(void) {
  char name[17] = "";
  if (strcmp(program_invocation_short_name, "tallyd") == 0) return "daemon";
  prctl(PR_GET_NAME, name);
  return strcmp(name, "tally-zygote") == 0 ? "zygote" : "worker";
}

static int kind_named(const char* name) {
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; ++i)
    if (strcmp(kKinds[i].name, name) == 0) return kKinds[i].number;
  return 0;
}

/* The call's own random kinds: what the manual gives for it, and no other. */
static int at_random(const char* kinds) {
  static __thread unsigned long state;
  unsigned long seed = 0;
  int per_mille = 0;
  const char* random = getenv("SYSFAULT_RANDOM");
  const char* armed = getenv("SYSFAULT_SPENT");
  if (random == NULL || sscanf(random, "%lu %d", &seed, &per_mille) != 2) return 0;
  if (armed == NULL || access(armed, F_OK) != 0) return 0;
  if (state == 0) state = seed * 2654435761UL + (unsigned long)getpid();
  state = state * 6364136223846793005UL + 1442695040888963407UL;
  if ((int)((state >> 33) % 1000) >= per_mille) return 0;
  char all[64];
  char* rest = all;
  snprintf(all, sizeof all, "%s", kinds);
  return kind_named(strtok_r(all, " ", &rest));
}

/* 0, an errno to fail with, or kShort. Leaves errno alone. */
static int fault(const char* call, const char* kinds, void* site) {
  const int before = errno;
  const char* log = getenv("SYSFAULT_LOG");
  const char* wanted = getenv("SYSFAULT_FAULT");
  int result = 0;
  if (log != NULL || wanted != NULL) {
    char line[256];
    Dl_info where;
    if (dladdr(site, &where) != 0 && where.dli_fname != NULL) {
      const char* module = strrchr(where.dli_fname, '/');
      int length = snprintf(line, sizeof line, "%s %s %s+%#lx", role(), call,
                            module != NULL ? module + 1 : where.dli_fname,
                            (unsigned long)((char*)site - (char*)where.dli_fbase));
      if (wanted != NULL && strncmp(wanted, line, (size_t)length) == 0 &&
          wanted[length] == ' ') {
        const char* spent = getenv("SYSFAULT_SPENT");
        const int token = open(spent, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (token >= 0) {
          close(token);
          result = kind_named(wanted + length + 1);
        }
      }
      if (log != NULL) {
        const int file = open(log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
        if (file >= 0) {
          line[length] = '\n';
          if (write(file, line, (size_t)length + 1) < 0) abort();
          close(file);
        }
      }
    }
  }
  if (result == 0) result = at_random(kinds);
  errno = before;
  return result;
}

#define SITE __builtin_extract_return_addr(__builtin_return_address(0))
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define raw(...) REAL(syscall)(__VA_ARGS__)
#define FAIL_OR(call, kinds, failed)             \
  do {                                           \
    const int number = fault(call, kinds, SITE); \
    if (number > 0) {                            \
      errno = number;                            \
      return failed;                             \
    }                                            \
  } while (0)

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  FAIL_OR("recvmsg", "EINTR", -1);
  return raw(SYS_recvmsg, fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  FAIL_OR("sendmsg", "EINTR", -1);
  return raw(SYS_sendmsg, fd, message, flags);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t* length) {
  FAIL_OR("accept", "EINTR", -1);
  return (int)raw(SYS_accept4, fd, address.__sockaddr__, length, 0);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t* length, int flags) {
  FAIL_OR("accept", "EINTR", -1);
  return (int)raw(SYS_accept4, fd, address.__sockaddr__, length, flags);
}

int poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
  FAIL_OR("poll", "EINTR", -1);
  return REAL(poll)(fds, count, timeout_ms);
}

int epoll_wait(int fd, struct epoll_event* events, int most, int timeout_ms) {
  FAIL_OR("epoll_wait", "EINTR", -1);
  return REAL(epoll_wait)(fd, events, most, timeout_ms);
}

pid_t fork(void) {
  FAIL_OR("fork", "ENOMEM", -1);
  return REAL(fork)();
}

void* mmap(void* at, size_t bytes, int protection, int flags, int fd, off_t offset) {
  FAIL_OR("mmap", "ENOMEM", MAP_FAILED);
  return (void*)raw(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

void* mmap64(void* at, size_t bytes, int protection, int flags, int fd,
             off64_t offset) {
  FAIL_OR("mmap", "ENOMEM", MAP_FAILED);
  return (void*)raw(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

int memfd_create(const char* name, unsigned flags) {
  FAIL_OR("memfd_create", "EMFILE", -1);
  return (int)raw(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t bytes) {
  FAIL_OR("ftruncate", "EINTR", -1);
  return (int)raw(SYS_ftruncate, fd, bytes);
}

int ftruncate64(int fd, off64_t bytes) {
  FAIL_OR("ftruncate", "EINTR", -1);
  return (int)raw(SYS_ftruncate, fd, bytes);
}

int socketpair(int domain, int type, int protocol, int ends[2]) {
  FAIL_OR("socketpair", "EMFILE", -1);
  return (int)raw(SYS_socketpair, domain, type, protocol, ends);
}

/* What has no wrapper in older C libraries is called by its number. */
long syscall(long which, ...) {
  long value[6];
  va_list values;
  va_start(values, which);
  for (int i = 0; i < 6; ++i) value[i] = va_arg(values, long);
  va_end(values);
  if (which == SYS_memfd_create) FAIL_OR("memfd_create", "EMFILE", -1);
  if (which == SYS_pidfd_open) FAIL_OR("pidfd_open", "EMFILE", -1);
  return raw(which, value[0], value[1], value[2], value[3], value[4], value[5]);
}

static ssize_t faulty_pread(int fd, void* into, size_t bytes, off_t offset,
                            void* site) {
  const int number = fault("pread", "SHORT", site);
  if (number > 0) {
    errno = number;
    return -1;
  }
  if (number == kShort && bytes > 1) bytes /= 2;
  return raw(SYS_pread64, fd, into, bytes, offset);
}

ssize_t pread(int fd, void* into, size_t bytes, off_t offset) {
  return faulty_pread(fd, into, bytes, offset, SITE);
}

ssize_t pread64(int fd, void* into, size_t bytes, off64_t offset) {
  return faulty_pread(fd, into, bytes, offset, SITE);
}
