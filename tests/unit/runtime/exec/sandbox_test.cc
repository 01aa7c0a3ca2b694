#include "runtime/exec/process/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "runtime/exec/process/sandbox_environment.h"
#include "runtime/exec/process/sandbox_worker.h"

namespace tally::exec {
namespace {

TEST(SandboxPlan, CrossesTheCommandLine) {
  for (const SandboxPlan& plan :
       {SandboxPlan{}, SandboxPlan{true, 0, {}}, SandboxPlan{false, 7, {1 << 30, 0}},
        SandboxPlan{true, 12, {0, 600}}})
    EXPECT_EQ(plan_of(argument_of(plan)), plan);
  for (const char* text : {"", "1", "1,", "2,0,0,0", "1,x,0,0", "1,0", "1,0,0",
                           "1,0,0,", "1,0,0,0 ", "1,-1,0,0", "1,0,0,0,0", "--version"})
    EXPECT_EQ(plan_of(text), std::nullopt) << text;
}

TEST(SandboxPlan, SaysWhatHoldsTheWorkers) {
  EXPECT_EQ(words_of({true, 4, {}}), "seccomp, landlock 4");
  EXPECT_EQ(words_of({true, 0, {}}), "seccomp, no landlock");
  EXPECT_EQ(words_of({false, 4, {}}), "no seccomp, landlock 4");
  EXPECT_EQ(words_of({}).rfind("off: ", 0), 0U);
}

TEST(SandboxPlan, OffIsNothing) {
  const auto plan = plan_sandbox({SandboxUse::Off, SandboxUse::Off, {}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(*plan, SandboxPlan());
}

TEST(SandboxPlan, RequireIsHadOrRefusedByName) {
  const auto possible = plan_sandbox({});
  ASSERT_TRUE(possible);
  const auto seccomp = plan_sandbox({SandboxUse::Require, SandboxUse::Off, {}});
  EXPECT_EQ(static_cast<bool>(seccomp), possible->seccomp);
  if (!seccomp) {
    EXPECT_EQ(seccomp.error().code(), "no_seccomp");
  }
  const auto landlock = plan_sandbox({SandboxUse::Off, SandboxUse::Require, {}});
  EXPECT_EQ(static_cast<bool>(landlock), possible->landlock_abi != 0);
  if (!landlock) {
    EXPECT_EQ(landlock.error().code(), "no_landlock");
  }
}

TEST(WorkerEnvironment, IsAnAllowList) {
  const std::vector<std::string> all{"LANG=C",          "LC_ALL=C",
                                     "TZ=UTC",          "TALLY_FAULT=x",
                                     "LD_PRELOAD=a.so", "HOME=/",
                                     "TOKEN=secret",    "TZX=1",
                                     "LANGUAGE=de",     "MY_TALLY_X=1",
                                     "PATH=/bin",       "LD_AUDIT=a",
                                     "nonsense",        ""};
  EXPECT_EQ(worker_environment(all),
            std::vector<std::string>(all.begin(), all.begin() + 5));
}

#ifndef TALLY_SANITIZED  // whose runtime makes calls of its own

struct End {
  int status = 0;
  std::uint32_t denied_call = 0;
  std::uint32_t denied_arch = 0;
};

// `act` in a child that has entered what this machine gives.
End ends(const std::function<void(ChunkPage&)>& act, WorkerLimits limits = {}) {
  void* const map = ::mmap(nullptr, sizeof(ChunkPage), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(map, MAP_FAILED);
  auto& page = *::new (map) ChunkPage;
  Result<WorkerSandbox> sandbox = WorkerSandbox::prepare(
      *plan_sandbox({SandboxUse::Auto, SandboxUse::Auto, limits}));
  EXPECT_TRUE(sandbox);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!sandbox->enter(page)) ::_exit(99);
    act(page);
    ::_exit(0);
  }
  End end;
  EXPECT_EQ(::waitpid(child, &end.status, 0), child);
  end.denied_call = page.denied_call.load();
  end.denied_arch = page.denied_arch.load();
  ::munmap(map, sizeof(ChunkPage));
  return end;
}

class Filter : public testing::Test {
 protected:
  void SetUp() override {
    if (!plan_sandbox({})->seccomp) GTEST_SKIP() << "this kernel has no seccomp";
  }
};

void expect_denied(const End& end, long call) {
  EXPECT_TRUE(WIFSIGNALED(end.status)) << end.status;
  EXPECT_EQ(WTERMSIG(end.status), SIGSYS);
  EXPECT_EQ(end.denied_call, static_cast<std::uint32_t>(call) + 1);
  EXPECT_EQ(end.denied_arch, ::seccomp_arch_native());
}

TEST_F(Filter, DeniesWhatLeavesTheWorkerAndWritesItDown) {
  const std::vector<std::pair<long, std::vector<long>>> calls{
      {SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
      {SYS_openat, {AT_FDCWD, 0, O_RDONLY}},
      {SYS_kill, {1, 0}},
      {SYS_kill, {0, 0}},
      {SYS_kill, {-1, 0}},
      {SYS_tgkill, {1, 1, 0}},
      {SYS_ptrace, {0, 0, 0}},
      {SYS_execve, {0, 0, 0}},
      {SYS_process_vm_readv, {1, 0, 0}},
      {SYS_mount, {0, 0, 0}},
      {SYS_clone, {SIGCHLD, 0, 0}},
      {SYS_prctl, {PR_SET_DUMPABLE, 1, 0}},
      {SYS_fcntl, {0, F_SETOWN, 1}},
      {SYS_prlimit64, {1, 0, 0}},
      {SYS_rt_sigaction, {SIGSYS, 0, 0}},
      {SYS_io_uring_setup, {1, 0, 0}},
      {SYS_bpf, {0, 0, 0}}};
  for (const auto& [call, arguments] : calls) {
    const End end = ends([call = call, &arguments = arguments](ChunkPage&) {
      ::syscall(call, arguments[0], arguments[1], arguments[2]);
    });
    SCOPED_TRACE(call);
    expect_denied(end, call);
  }
}

TEST_F(Filter, LetsAWorkerWorkAndDieAsItDoes) {
  EXPECT_EQ(ends([](ChunkPage&) {
              std::vector<double> memory(1U << 20U, 1.0);
              int number = 0;
              pthread_t thread;
              const auto run = [](void* at) -> void* {
                *static_cast<int*>(at) = 1;
                return nullptr;
              };
              if (::pthread_create(&thread, nullptr, run, &number) != 0) ::_exit(2);
              ::pthread_join(thread, nullptr);
              ::_exit(number == 1 && memory[7] == 1.0 ? 0 : 3);
            }).status,
            0);
  const End aborted = ends([](ChunkPage&) { std::abort(); });
  EXPECT_EQ(WTERMSIG(aborted.status), SIGABRT);
  EXPECT_EQ(aborted.denied_call, 0U);
  EXPECT_EQ(WTERMSIG(ends([](ChunkPage&) { ::raise(SIGFPE); }).status), SIGFPE);
}

TEST_F(Filter, LetsLibrariesBeReadWhileAKernelIsLoaded) {
  const auto opens = [](const char* path, int flags, KernelCall call) {
    return ends([=](ChunkPage& page) {
      page.call.store(call);
      ::_exit(::open(path, flags) >= 0 ? 0 : 1);
    });
  };
  constexpr const char* kLibrary = "/etc/ld.so.cache";
  EXPECT_EQ(opens(kLibrary, O_RDONLY, KernelCall::Load).status, 0);
  expect_denied(opens(kLibrary, O_RDONLY, KernelCall::Update), SYS_openat);
  expect_denied(opens("/tmp/x", O_WRONLY | O_CREAT, KernelCall::Load), SYS_openat);
  if (plan_sandbox({})->landlock_abi == 0) return;
  EXPECT_EQ(WEXITSTATUS(opens("/etc/passwd", O_RDONLY, KernelCall::Load).status), 1);
}

TEST_F(Filter, ACallWithTheSignalBlockedEndsItUnrecorded) {
  const End end = ends([](ChunkPage&) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  });
  EXPECT_EQ(WTERMSIG(end.status), SIGSYS);
  EXPECT_EQ(end.denied_call, 0U);
}

constexpr std::uint64_t kMiB = 1 << 20;

TEST(WorkerLimits, PrivateMemoryIsBoundedAndMappedInputIsNot) {
  const End end = ends(
      [](ChunkPage&) {
        const int file = ::memfd_create("input", 0);
        if (::ftruncate(file, 512 * kMiB) != 0) ::_exit(2);
        void* const input = ::mmap(nullptr, 512 * kMiB, PROT_READ, MAP_SHARED, file, 0);
        if (input == MAP_FAILED) ::_exit(3);
        void* const little = std::malloc(16 * kMiB);
        void* const much = std::malloc(128 * kMiB);
        ::_exit(little != nullptr && much == nullptr ? 0 : 4);
      },
      {64 * kMiB, 0});
  EXPECT_EQ(end.status, 0) << WEXITSTATUS(end.status);
}

double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

TEST(WorkerLimits, CpuTimeEndsAWorkerThatDoesNotGetOn) {
  const End end = ends(
      [](ChunkPage&) {
        while (cpu_seconds() < 10) continue;
      },
      {0, 1});
  EXPECT_TRUE(WIFSIGNALED(end.status)) << end.status;
  EXPECT_EQ(WTERMSIG(end.status), SIGXCPU);
}

TEST(WorkerLimits, OneThatGetsOnHasAnyTime) {
  const End end = ends(
      [](ChunkPage& page) {
        while (cpu_seconds() < 4) page.advanced.fetch_add(1);
      },
      {0, 1});
  EXPECT_EQ(end.status, 0);
}

#endif

}  // namespace
}  // namespace tally::exec
