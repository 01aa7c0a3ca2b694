// What limit the process gets, in a child of its own: it holds until its end.
#include "runtime/exec/process/cpu_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tally::exec {
namespace {

// The soft limit that a process has which inherited `soft` and limits itself.
int limit_of_one_with(rlim_t soft, std::uint32_t seconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_CPU, &limit);
    limit.rlim_cur = soft;
    static const ChunkPage page;
    if (::setrlimit(RLIMIT_CPU, &limit) != 0 || !limit_cpu(page, seconds) ||
        ::getrlimit(RLIMIT_CPU, &limit) != 0)
      ::_exit(255);
    ::_exit(static_cast<int>(limit.rlim_cur));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST(CpuLimitTest, ALowerOneThatWasInheritedStays) {
  EXPECT_EQ(limit_of_one_with(20, 100), 20);
}

TEST(CpuLimitTest, AHigherOneBecomesOurs) {
  const int limit = limit_of_one_with(200, 100);
  EXPECT_GE(limit, 101);
  EXPECT_LT(limit, 200);  // and what the process has used by then
}

}  // namespace
}  // namespace tally::exec
