// vandal: the plain sum; but where it is told to, it does what no kernel should.
//
//   vandal(call=merge, act=segv)    init update merge finish serialize deserialize
//
// In update it acts on meeting 13, so one block of a job is the bad one.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string_view>

#include <tally/tally_kernel.h>

namespace {

struct State {
  double sum;
};

volatile int* volatile nowhere = nullptr;  // volatile: or a compiler sees it

void* sleep_for_ever(void*) {
  for (;;) ::pause();
}

void leak() {
  constexpr std::size_t kBytes = 1U << 20;
  for (;;) {
    void* more = std::malloc(kBytes);
    if (more == nullptr) throw std::bad_alloc();
    std::memset(more, 1, kBytes);
  }
}

// Not enough to be noticed at once.
void* volatile last_grown = nullptr;  // volatile: or a compiler leaves it out
void grow() {
  constexpr std::size_t kBytes = 8U << 20;
  void* more = std::malloc(kBytes);
  if (more != nullptr) std::memset(more, 1, kBytes);
  last_grown = more;
}

void write_megabytes() {
  char line[128];
  std::memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\n';
  for (int i = 0; i < 4 << 13; ++i) (void)!::write(STDERR_FILENO, line, sizeof line);
}

// As programs with threads do it: a heap that is not the main one grows and, as its top
// is freed, is trimmed. Before that the C library asks the system how it gives memory.
void* grow_and_trim(void*) {
  constexpr std::size_t kBytes = 64U << 10;
  void* all[256];
  for (void*& one : all) {
    one = std::malloc(kBytes);
    if (one == nullptr) std::abort();
    std::memset(one, 1, kBytes);
  }
  for (std::size_t i = std::size(all); i-- > 0;) std::free(all[i]);
  return nullptr;
}

void trim_in_a_thread() {
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, grow_and_trim, nullptr) != 0) std::abort();
  ::pthread_join(thread, nullptr);
}

// So deep that no stack does.
int descend(int depth) {
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return depth < 0 ? 0 : descend(depth + 1) + frame[depth % 4096];
}

void start_thread() {
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, sleep_for_ever, nullptr) != 0) std::abort();
  ::pthread_detach(thread);
}

// A child that lives on, with all that the worker has open.
void fork_child() {
  if (::fork() == 0) sleep_for_ever(nullptr);
}

void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

void change_surroundings() {
  std::fesetround(FE_UPWARD);
  block_all_signals();
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 64;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  (void)!::chdir("/");
  ::umask(0777);
}

// What a sandbox is for: whatever of it comes back is its failure.
void trespass(std::string_view act) {
  if (act == "socket") (void)::socket(AF_INET, SOCK_STREAM, 0);
  if (act == "open") (void)::open("/etc/passwd", O_RDONLY);
  if (act == "write") (void)::open("/tmp/tally-vandal", O_WRONLY | O_CREAT, 0600);
  if (act == "unlink") (void)::unlink("/tmp/tally-vandal");
  if (act == "mount") (void)::mount("none", "/tmp", "tmpfs", 0, nullptr);
  if (act == "ptrace") (void)::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr);
  if (act == "exec") {
    char* const words[] = {nullptr};
    (void)::execve("/bin/true", words, words);
  }
  if (act == "peek") {
    char byte = 0;
    const iovec here{&byte, 1};
    (void)::process_vm_readv(::getppid(), &here, 1, &here, 1, 0);
  }
}

// What the program calls `act`; 0, or what the kernel's function returns.
int do_it(tally_kernel_run* run, std::string_view act, const void* state,
          const void* input) {
  if (act == "segv") *nowhere = 1;
  if (act == "abort") std::abort();
  if (act == "fpe") ::raise(SIGFPE);
  if (act == "kill") ::raise(SIGKILL);
  if (act == "bus") ::raise(SIGBUS);
  if (act == "stop") ::raise(SIGSTOP);
  if (act == "stack") return descend(0);
  if (act == "exit0") std::exit(0);
  if (act == "exit1") std::exit(1);
  if (act == "loop")
    for (volatile int i = 0;;) i = 1 - i;
  if (act == "sleep") sleep_for_ever(nullptr);
  if (act == "leak") leak();
  if (act == "grow") grow();
  if (act == "throw") throw std::runtime_error("thirteen");
  if (act == "fail") return tally_kernel_fail(run, "thirteen is not wanted");
  if (act == "return") return 7;
  if (act == "overrun")
    static_cast<volatile char*>(const_cast<void*>(state))[sizeof(State)] = 1;
  if (act == "input" && input != nullptr)
    *static_cast<volatile double*>(const_cast<void*>(input)) = 0;
  if (act == "say") {
    std::fputs("about to go wrong\n", stdout);
    ::raise(SIGKILL);
  }
  if (act == "shout") {
    write_megabytes();
    std::abort();
  }
  if (act == "murmur") write_megabytes();
  if (act == "mute") {
    ::close(STDERR_FILENO);
    ::close(STDOUT_FILENO);
    std::abort();
  }
  if (act == "close") {
    for (int fd = 0; fd < 256; ++fd) ::close(fd);
  }
  if (act == "desert") {
    for (int fd = 0; fd < 256; ++fd) ::close(fd);
    for (volatile int i = 0;;) i = 1 - i;
  }
  if (act == "fork") fork_child();
  if (act == "twin") (void)!::fork();
  if (act == "nap") ::sleep(11);
  if (act == "thread") start_thread();
  if (act == "trim") trim_in_a_thread();
  if (act == "surroundings") change_surroundings();
  if (act == "group") ::kill(0, SIGKILL);
  if (act == "parent") ::kill(::getppid(), SIGKILL);
  if (act == "quietly") {
    block_all_signals();
    trespass("socket");
  }
  if (act == "defiantly") {
    ::signal(SIGSYS, SIG_IGN);
    trespass("socket");
  }
  trespass(act);
  return 0;
}

int act_in(tally_kernel_run* run, std::string_view call, const void* state,
           const void* input = nullptr) {
  if (call != tally_kernel_parameter_text(run, "call")) return 0;
  return do_it(run, tally_kernel_parameter_text(run, "act"), state, input);
}

int init(tally_kernel_run* run, void* state) {
  return act_in(run, "init", state);
}
int update(tally_kernel_run* run, void* state, const tally_kernel_block* block) {
  const auto* values = static_cast<const double*>(block->values[0]);
  bool met = false;
  for (std::size_t i = 0; i < block->count; ++i) {
    static_cast<State*>(state)->sum += values[i];
    met = met || values[i] == 13;
  }
  return met ? act_in(run, "update", state, values) : 0;
}
int merge(tally_kernel_run* run, void* into, const void* from) {
  static_cast<State*>(into)->sum += static_cast<const State*>(from)->sum;
  return act_in(run, "merge", into, from);
}
int finish(tally_kernel_run* run, const void* state) {
  const int failed = act_in(run, "finish", state);
  if (failed != 0) return failed;
  return tally_kernel_emit_f64(run, "", static_cast<const State*>(state)->sum);
}
int serialize(tally_kernel_run* run, const void* state) {
  const int failed = act_in(run, "serialize", state);
  return failed != 0 ? failed : tally_kernel_write(run, state, sizeof(State));
}
int deserialize(tally_kernel_run* run, void* state, const void* bytes,
                std::size_t size) {
  if (size != sizeof(State)) return tally_kernel_fail(run, "no state of mine");
  std::memcpy(state, bytes, size);
  return act_in(run, "deserialize", state);
}

constexpr tally_kernel_parameter kParameters[] = {
    {"call", "the function in which it acts", "none"}, {"act", "what it does", "none"}};

constexpr tally_kernel kVandal = {TALLY_KERNEL_ABI,
                                  sizeof(tally_kernel),
                                  "vandal",
                                  "the sum, and worse",
                                  TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64),
                                  1,
                                  0,
                                  kParameters,
                                  2,
                                  sizeof(State),
                                  init,
                                  update,
                                  merge,
                                  finish,
                                  serialize,
                                  deserialize,
                                  nullptr};

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* const kernels[] = {&kVandal, nullptr};
  return kernels;
}
