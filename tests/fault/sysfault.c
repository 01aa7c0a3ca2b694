/* System calls that fail: preloaded into tallyd, its zygote and its workers by
 * sysfault_test.py. A call it is told to fail does not happen; SHORT is a call of half
 * the bytes. A call site is the return addresses of the call and of its callers, since
 * all of a program's sendmsg(), say, may be in one function. A release build calls libc
 * by these very names.
 *
 * All processes share the board, a file that the test made and reads (Board in
 * sysfault_test.py): it is mapped at load, so sandboxed workers have it too. There each
 * site has its count of calls, over all processes of a role. The n-th call of a site is
 * what fails: one that is named, or those that a hash of (seed, site, n) picks. So a
 * seed picks the same calls in each run; which thread or worker is the n-th to call,
 * and what else is happening then, is up to the machine.
 *
 *   SYSFAULT_BOARD   the file
 *   SYSFAULT_FAULT   "role call site n kind": fail that call
 *   SYSFAULT_RANDOM  "seed per_mille": fail any; counts while the board is armed
 *
 * Roles: daemon, zygote, worker. Kinds: an errno's name, SHORT, or TRUNC (recvmsg_fds,
 * a recvmsg that brings descriptors: they find no room).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

enum { kShort = -1, kTruncated = -2, kDepth = 4, kSites = 8192, kNameBytes = 204 };

typedef struct {
  _Atomic uint64_t hash; /* of the name; 0 where the place is free */
  _Atomic uint32_t calls;
  _Atomic uint32_t failed;
  char name[kNameBytes]; /* "role call site" */
  char kinds[36];        /* "EINTR,SHORT": how it may fail */
} Site;

typedef struct {
  _Atomic uint32_t armed;
  uint32_t unused;
  Site sites[kSites];
} Board;

static const struct {
  const char* name;
  int number;
} kKinds[] = {{"EINTR", EINTR},   {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
              {"EMFILE", EMFILE}, {"SHORT", kShort},  {"TRUNC", kTruncated}};

static Board* board;
static const char* role;
static const char* wanted;
static uint64_t seed;
static unsigned per_mille;

__attribute__((constructor)) static void start(void) {
  if (strcmp(program_invocation_short_name, "tallyd") == 0) {
    role = "daemon";
  } else if (strcmp(program_invocation_short_name, "tally-worker") == 0) {
    role = "zygote";
  } else {
    return; /* a shell on the way to one of them */
  }
  wanted = getenv("SYSFAULT_FAULT");
  const char* const random = getenv("SYSFAULT_RANDOM");
  if (random != NULL && sscanf(random, "%lu %u", &seed, &per_mille) != 2) abort();
  const int file = open(getenv("SYSFAULT_BOARD"), O_RDWR | O_CLOEXEC);
  void* const at = (void*)syscall(SYS_mmap, NULL, sizeof(Board), PROT_READ | PROT_WRITE,
                                  MAP_SHARED, file, 0);
  if (file < 0 || at == MAP_FAILED) abort();
  close(file);
  board = at;
}

/* --- the site of a call ----------------------------------------------------------- */

typedef struct {
  const void* self; /* this module */
  char* text;
  size_t length;
  int frames;
} Chain;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context* context, void* argument) {
  Chain* const chain = argument;
  Dl_info where;
  const uintptr_t at = _Unwind_GetIP(context);
  if (dladdr((void*)at, &where) == 0) return _URC_END_OF_STACK;
  if (where.dli_fbase == chain->self) return _URC_NO_REASON;
  const char* const slash = strrchr(where.dli_fname, '/');
  const int added = snprintf(chain->text + chain->length, kNameBytes - chain->length,
                             "%s%s+%#lx", chain->frames == 0 ? "" : "<",
                             slash != NULL ? slash + 1 : where.dli_fname,
                             (unsigned long)(at - (uintptr_t)where.dli_fbase));
  if (added < 0 || chain->length + (size_t)added >= kNameBytes) abort();
  chain->length += (size_t)added;
  return ++chain->frames < kDepth ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* "role call site"; its length. */
static size_t name_site(char* text, const char* call) {
  Dl_info self;
  if (dladdr(kKinds, &self) == 0) abort();
  Chain chain = {.self = self.dli_fbase, .text = text};
  chain.length = (size_t)snprintf(text, kNameBytes, "%s %s ", role, call);
  _Unwind_Backtrace(add_frame, &chain);
  return chain.length;
}

static uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

static Site* find_site(const char* name, size_t length, const char* kinds) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < length; ++i)
    hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
  if (hash == 0) hash = 1;
  for (size_t tries = 0; tries < kSites; ++tries) {
    Site* const site = &board->sites[(hash + tries) % kSites];
    uint64_t found = 0;
    if (atomic_compare_exchange_strong(&site->hash, &found, hash)) {
      memcpy(site->kinds, kinds, strlen(kinds));
      memcpy(site->name, name, length);
      return site;
    }
    if (found == hash) return site;
  }
  abort();
}

/* --- whether it fails ------------------------------------------------------------- */

static int kind_named(const char* name, size_t length) {
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; ++i)
    if (strlen(kKinds[i].name) == length && memcmp(kKinds[i].name, name, length) == 0)
      return kKinds[i].number;
  abort();
}

/* One of "A,B,C". */
static int kind_of(const char* kinds, uint64_t which) {
  unsigned count = 1;
  for (const char* at = kinds; *at != '\0'; ++at) count += *at == ',';
  for (which %= count; which > 0; --which) kinds = strchr(kinds, ',') + 1;
  return kind_named(kinds, strcspn(kinds, ","));
}

static int named(const char* name, size_t length, uint32_t n) {
  if (strncmp(wanted, name, length) != 0 || wanted[length] != ' ') return 0;
  char* kind = NULL;
  if (strtoul(wanted + length, &kind, 10) != n || *kind != ' ') return 0;
  return kind_named(kind + 1, strlen(kind + 1));
}

/* 0, an errno to fail with, or kShort. Leaves errno alone. */
static int fault(const char* call, const char* kinds) {
  if (board == NULL) return 0;
  if (per_mille != 0 && atomic_load(&board->armed) == 0) return 0;
  const int before = errno;
  char name[kNameBytes];
  const size_t length = name_site(name, call);
  Site* const site = find_site(name, length, kinds);
  const uint32_t n = atomic_fetch_add(&site->calls, 1) + 1;
  int result = 0;
  if (wanted != NULL) {
    result = named(name, length, n);
  } else if (per_mille != 0) {
    const uint64_t chance = mixed(mixed(seed) ^ mixed(atomic_load(&site->hash) + n));
    if (chance % 1000 < per_mille) result = kind_of(kinds, chance / 1000);
  }
  if (result != 0) atomic_fetch_add(&site->failed, 1);
  errno = before;
  return result;
}

/* --- the calls -------------------------------------------------------------------- */

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define raw(...) REAL(syscall)(__VA_ARGS__)
#define FAIL_OR(call, kinds, failed)       \
  do {                                     \
    const int number = fault(call, kinds); \
    if (number != 0) {                     \
      errno = number;                      \
      return failed;                       \
    }                                      \
  } while (0)

static size_t half(size_t bytes) {
  return bytes > 1 ? bytes / 2 : bytes;
}

/* Half of the first part, on a stream; a packet comes whole or not at all. */
static ssize_t short_message(long which, int fd, const struct msghdr* message,
                             int flags) {
  int type = 0;
  socklen_t size = sizeof type;
  if (message->msg_iovlen == 0 ||
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
    return raw(which, fd, message, flags);
  struct iovec part = *message->msg_iov;
  part.iov_len = half(part.iov_len);
  struct msghdr less = *message;
  less.msg_iov = &part;
  less.msg_iovlen = 1;
  const ssize_t done = raw(which, fd, &less, flags);
  struct msghdr* const out = (struct msghdr*)message;
  out->msg_flags = less.msg_flags;
  out->msg_controllen = less.msg_controllen;
  return done;
}

/* A stream that said EAGAIN without being empty or full is watched until it is ready,
 * as it is at once. (Not so a listening socket: its next edge is the next client.)
 * Streams are the daemon's; the filter of a worker's calls knows no getsockopt(). */
static const char* kinds_of_message(void) {
  return role != NULL && strcmp(role, "daemon") == 0 ? "EINTR,EAGAIN,ENOMEM,SHORT"
                                                     : "EINTR,EAGAIN,ENOMEM";
}

/* As where this process may have no more descriptors: those that came are gone. */
static void lose_descriptors(struct msghdr* message) {
  for (struct cmsghdr* part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    int each;
    for (size_t at = CMSG_LEN(0); at + sizeof each <= part->cmsg_len;
         at += sizeof each) {
      memcpy(&each, (char*)part + at, sizeof each);
      close(each);
    }
  }
  message->msg_controllen = 0;
  message->msg_flags |= MSG_CTRUNC;
}

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  const int number = fault("recvmsg", kinds_of_message());
  if (number == kShort) return short_message(SYS_recvmsg, fd, message, flags);
  if (number != 0) {
    errno = number;
    return -1;
  }
  const ssize_t got = raw(SYS_recvmsg, fd, message, flags);
  if (got > 0 && message->msg_controllen > 0 &&
      fault("recvmsg_fds", "TRUNC") == kTruncated)
    lose_descriptors(message);
  return got;
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  const int number = fault("sendmsg", kinds_of_message());
  if (number == kShort) return short_message(SYS_sendmsg, fd, message, flags);
  if (number == 0) return raw(SYS_sendmsg, fd, message, flags);
  errno = number;
  return -1;
}

/* Only the daemon's sessions do; their sockets are streams. */
ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  const int number = fault("send", "EINTR,EAGAIN,ENOMEM,SHORT");
  if (number == kShort) size = half(size);
  if (number <= 0) return raw(SYS_sendto, fd, bytes, size, flags, NULL, 0);
  errno = number;
  return -1;
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t* length) {
  FAIL_OR("accept", "EINTR,EMFILE,ENOMEM", -1);
  return (int)raw(SYS_accept4, fd, address.__sockaddr__, length, 0);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t* length, int flags) {
  FAIL_OR("accept", "EINTR,EMFILE,ENOMEM", -1);
  return (int)raw(SYS_accept4, fd, address.__sockaddr__, length, flags);
}

int poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
  FAIL_OR("poll", "EINTR,ENOMEM", -1);
  return REAL(poll)(fds, count, timeout_ms);
}

int epoll_wait(int fd, struct epoll_event* events, int most, int timeout_ms) {
  FAIL_OR("epoll_wait", "EINTR", -1);
  return REAL(epoll_wait)(fd, events, most, timeout_ms);
}

pid_t fork(void) {
  FAIL_OR("fork", "EAGAIN,ENOMEM", -1);
  const pid_t child = REAL(fork)();
  if (child == 0 && role != NULL) role = "worker";
  return child;
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
  FAIL_OR("memfd_create", "EMFILE,ENOMEM", -1);
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
  FAIL_OR("socketpair", "EMFILE,ENOMEM", -1);
  return (int)raw(SYS_socketpair, domain, type, protocol, ends);
}

/* What has no wrapper in older C libraries is called by its number. */
long syscall(long which, ...) {
  long value[6];
  va_list values;
  va_start(values, which);
  for (int i = 0; i < 6; ++i) value[i] = va_arg(values, long);
  va_end(values);
  if (which == SYS_memfd_create) FAIL_OR("memfd_create", "EMFILE,ENOMEM", -1);
  if (which == SYS_pidfd_open) FAIL_OR("pidfd_open", "EMFILE,ENOMEM", -1);
  return raw(which, value[0], value[1], value[2], value[3], value[4], value[5]);
}

static ssize_t faulty_pread(int fd, void* into, size_t bytes, off_t offset) {
  const int number = fault("pread", "EINTR,SHORT");
  if (number == kShort) bytes = half(bytes);
  if (number <= 0) return raw(SYS_pread64, fd, into, bytes, offset);
  errno = number;
  return -1;
}

ssize_t pread(int fd, void* into, size_t bytes, off_t offset) {
  return faulty_pread(fd, into, bytes, offset);
}

ssize_t pread64(int fd, void* into, size_t bytes, off64_t offset) {
  return faulty_pread(fd, into, bytes, offset);
}
