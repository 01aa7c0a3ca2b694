#include "client/cli/job_runner.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/unit/cli/fake_daemon.h"
#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

model::JobSpec small_job() {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}};
  spec.source = model::RangeSource{0, 10, 1};
  return spec;
}

model::JobAnswer answer_in(model::JobState state) {
  model::JobAnswer answer;
  answer.state = state;
  return answer;
}

class JobRunnerTest : public ::testing::Test {
 protected:
  Result<FinishedJob> run(FakeDaemon& daemon) {
    if (daemon.client() == nullptr) return Error(Errc::Internal, "no client");
    Result<Interrupt> interrupt = Interrupt::watch();
    if (!interrupt) return interrupt.error();
    ProgressBar progress(false);
    return run_job(*daemon.client(), small_job(), {}, *interrupt, progress);
  }

  HeldInterrupt held_;  // before the daemon's thread, which inherits it
};

TEST_F(JobRunnerTest, TheAnswerComesWithTheWallTime) {
  FakeDaemon daemon([](std::uint32_t sequence, const model::Request& request) {
    EXPECT_TRUE(std::holds_alternative<model::Submit>(request));
    return Replies{{sequence, answer_in(model::JobState::Done)}};
  });
  const Result<FinishedJob> job = run(daemon);
  ASSERT_TRUE(job) << message_of(job);
  EXPECT_EQ(job->answer.state, model::JobState::Done);
  EXPECT_GT(job->wall_ns, 0U);
  EXPECT_FALSE(job->interrupted);
}

TEST_F(JobRunnerTest, ARefusalIsAnError) {
  FakeDaemon daemon([](std::uint32_t sequence, const model::Request&) {
    return Replies{{sequence, Error(Errc::Overloaded, "busy", "too many jobs")}};
  });
  EXPECT_EQ(code_of(run(daemon)), "busy");
}

TEST_F(JobRunnerTest, AnotherReplyThanAnAnswerBreaksTheProtocol) {
  FakeDaemon daemon([](std::uint32_t sequence, const model::Request&) {
    return Replies{{sequence, model::Done{}}};
  });
  const Result<FinishedJob> job = run(daemon);
  ASSERT_FALSE(job);
  EXPECT_EQ(job.error().errc(), Errc::ProtocolViolation);
}

TEST_F(JobRunnerTest, CtrlCCancelsTheJobAndWaitsForItsAnswer) {
  std::uint32_t submitted = 0;
  bool cancelled = false;
  FakeDaemon daemon([&](std::uint32_t sequence, const model::Request& request) {
    if (std::holds_alternative<model::Submit>(request)) {
      submitted = sequence;
      ::kill(::getpid(), SIGINT);  // held back everywhere: only the watcher sees it
      return Replies{};
    }
    cancelled = std::holds_alternative<model::Cancel>(request);
    model::JobAnswer answer = answer_in(model::JobState::Cancelled);
    answer.error = Error(Errc::Cancelled, "cancelled by its client");
    return Replies{{sequence, model::Done{}}, {submitted, std::move(answer)}};
  });
  const Result<FinishedJob> job = run(daemon);
  ASSERT_TRUE(job) << message_of(job);
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(job->interrupted);
  EXPECT_EQ(job->answer.state, model::JobState::Cancelled);
}

TEST_F(JobRunnerTest, ASecondCtrlCEndsTheWaiting) {
  FakeDaemon daemon([](std::uint32_t, const model::Request&) {
    ::kill(::getpid(), SIGINT);
    return Replies{};
  });
  EXPECT_EQ(code_of(run(daemon)), "interrupted");
}

TEST(ExitCodeTest, FollowsTheErrorOrTheMissingValue) {
  model::JobAnswer answer = answer_in(model::JobState::Done);
  answer.results.resize(2);
  EXPECT_EQ(exit_code_of(answer), 0);
  answer.results[1].error = Error(Errc::NoValue, "none");
  EXPECT_EQ(exit_code_of(answer), 1);
  const std::pair<Errc, int> cases[] = {
      {Errc::InvalidData, 1},      {Errc::WorkerLost, 1},
      {Errc::InvalidArgument, 2},  {Errc::NotFound, 2},
      {Errc::PermissionDenied, 4}, {Errc::Overloaded, 4},
      {Errc::DeadlineExceeded, 5}, {Errc::Cancelled, 6}};
  for (const auto& [errc, exit_code] : cases) {
    answer.error = Error(errc, "why");
    EXPECT_EQ(exit_code_of(answer), exit_code) << name_of(errc);
  }
}

}  // namespace
}  // namespace tally::cli
