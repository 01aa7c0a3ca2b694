#include "runtime/job/finished_jobs.h"

#include <gtest/gtest.h>

namespace tally::job {
namespace {

std::shared_ptr<const EndedJob> ended(std::uint64_t number, Nanoseconds at_ns) {
  EndedJob job;
  job.answer.id = {1, number};
  job.ended_ns = at_ns;
  return std::make_shared<const EndedJob>(std::move(job));
}

std::vector<std::uint64_t> kept(const FinishedJobs& jobs) {
  std::vector<std::uint64_t> numbers;
  jobs.for_each([&](const EndedJob& job) { numbers.push_back(job.answer.id.number); });
  return numbers;
}

TEST(FinishedJobs, KeepsTheLatestUpToItsBound) {
  FinishedJobs jobs(2, 1000);
  for (std::uint64_t number = 1; number <= 4; ++number) jobs.add(ended(number, 10));
  EXPECT_EQ(kept(jobs), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(jobs.find(2, 10), nullptr);
  ASSERT_NE(jobs.find(3, 10), nullptr);
  EXPECT_EQ(jobs.find(3, 10)->answer.id.number, 3U);
}

TEST(FinishedJobs, ForgetsWhatIsOlderThanItsAge) {
  FinishedJobs jobs(10, 1000);
  jobs.add(ended(1, 100));
  jobs.add(ended(2, 500));
  EXPECT_NE(jobs.find(1, 1100), nullptr);
  EXPECT_EQ(jobs.find(1, 1101), nullptr);
  EXPECT_NE(jobs.find(2, 1101), nullptr);
  jobs.add(ended(3, 5000));
  EXPECT_EQ(kept(jobs), std::vector<std::uint64_t>{3});
}

TEST(FinishedJobs, OfNoneKeepsNone) {
  FinishedJobs jobs(0, 1000);
  jobs.add(ended(1, 100));
  EXPECT_EQ(jobs.find(1, 100), nullptr);
}

TEST(FinishedJobs, TheOldestOfWhoHoldsMostGoes) {
  FinishedJobs jobs(4, 1000);
  const auto add = [&](std::uint64_t number, std::uint32_t uid) {
    EndedJob job = *ended(number, 10);
    job.uid = uid;
    jobs.add(std::make_shared<const EndedJob>(std::move(job)));
  };
  add(1, 7);
  for (std::uint64_t number = 2; number <= 100; ++number) add(number, 8);
  EXPECT_EQ(kept(jobs), (std::vector<std::uint64_t>{1, 98, 99, 100}));
  EXPECT_NE(jobs.find(1, 10), nullptr);
  EXPECT_EQ(jobs.find(97, 10), nullptr);
  add(101, 9);
  EXPECT_EQ(kept(jobs), (std::vector<std::uint64_t>{1, 99, 100, 101}));
}

TEST(FinishedJobs, TheBytesOfOneUserPushOutNobodyElses) {
  FinishedJobs jobs(1000, 1000);
  const auto add = [&](std::uint64_t number, std::uint32_t uid, std::uint64_t bytes) {
    EndedJob job = *ended(number, 10);
    job.uid = uid;
    job.request_bytes = bytes;
    jobs.add(std::make_shared<const EndedJob>(std::move(job)));
  };
  // Many answers with little in them, then few that hold more than all may.
  for (std::uint64_t number = 1; number <= 10; ++number) add(number, 7, 1);
  for (std::uint64_t number = 11; number <= 20; ++number) add(number, 8, 16U << 20);
  for (std::uint64_t number = 1; number <= 10; ++number)
    EXPECT_NE(jobs.find(number, 10), nullptr) << number;
  EXPECT_EQ(kept(jobs).size(), 13U);
}

TEST(FinishedJobs, FindsThemByTheirClientsIdAsLongAsTheyAreKept) {
  FinishedJobs jobs(2, 1000);
  EndedJob named = *ended(1, 100);
  named.uid = 7;
  named.client_id = "mine";
  jobs.add(std::make_shared<const EndedJob>(named));
  ASSERT_NE(jobs.find(7, "mine", 200), nullptr);
  EXPECT_EQ(jobs.find(7, "mine", 200)->answer.id.number, 1U);
  EXPECT_EQ(jobs.find(8, "mine", 200), nullptr);
  EXPECT_EQ(jobs.find(7, "other", 200), nullptr);
  EXPECT_EQ(jobs.find(7, "mine", 1101), nullptr);
  named.answer.id.number = 2;
  named.ended_ns = 2000;
  jobs.add(std::make_shared<const EndedJob>(named));
  jobs.add(ended(3, 2000));
  ASSERT_NE(jobs.find(7, "mine", 2000), nullptr);
  EXPECT_EQ(jobs.find(7, "mine", 2000)->answer.id.number, 2U);
  EndedJob another = *ended(4, 2000);
  another.uid = 7;
  jobs.add(std::make_shared<const EndedJob>(another));
  EXPECT_EQ(jobs.find(7, "mine", 2000), nullptr);
}

}  // namespace
}  // namespace tally::job
