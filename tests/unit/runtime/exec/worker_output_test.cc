#include "runtime/exec/process/worker_output.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace tally::exec {
namespace {

WorkerOutput made() {
  Result<WorkerOutput> output = WorkerOutput::make();
  EXPECT_TRUE(output);
  return *std::move(output);
}

void write_to(const WorkerOutput& output, const std::string& text) {
  EXPECT_EQ(::write(output.fd(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}

TEST(WorkerOutput, IsWhatWasWrittenSinceTheLastRewind) {
  const WorkerOutput output = made();
  EXPECT_EQ(output.text(), "");
  write_to(output, "of the first chunk\n");
  output.rewind();
  EXPECT_EQ(output.text(), "");
  write_to(output, "second\n");
  EXPECT_EQ(output.text(), "second\n");
}

TEST(WorkerOutput, ThereIsAnEndToIt) {
  const WorkerOutput output = made();
  write_to(output, std::string(WorkerOutput::kBytes, 'x'));
  EXPECT_LT(::write(output.fd(), "y", 1), 1);
  EXPECT_EQ(output.text(), std::string(WorkerOutput::kBytes, 'x'));
}

TEST(WorkerOutput, CannotBeMadeLargerOrSmaller) {
  const WorkerOutput output = made();
  EXPECT_NE(::ftruncate(output.fd(), 0), 0);
  EXPECT_NE(::ftruncate(output.fd(), WorkerOutput::kBytes + 1), 0);
}

TEST(WorkerOutput, IsPrintable) {
  const WorkerOutput output = made();
  write_to(output, "a\x1b[31m\xff\nb");
  EXPECT_EQ(output.text(), "a\\x1b[31m\\xff\nb");
}

TEST(WorkerOutput, OfADeadWorkerCanStillBeRead) {
  const WorkerOutput output = made();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!output.become_standard_output()) ::_exit(1);
    (void)!::write(STDOUT_FILENO, "out ", 4);
    (void)!::write(STDERR_FILENO, "err\n", 4);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(output.text(), "out err\n");
}

}  // namespace
}  // namespace tally::exec
