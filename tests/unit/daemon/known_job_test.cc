// The known answer is what tally gives, and nothing else passes for it.
#include "daemon/known_job.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

namespace tally::daemon {
namespace {

// Written down here once more, by hand.
model::JobAnswer right_answer() {
  model::JobAnswer answer;
  answer.state = model::JobState::Done;
  const auto add = [&answer](const char* reducer, model::Value value) {
    answer.results.push_back({reducer, reducer, {}, "", std::move(value), {}});
  };
  add("count", Int128{4});
  add("sum", 1.5);
  add("mean", 0.375);
  add("min", -1e100);
  add("max", 1e100);
  add("argmin", model::ElementIndex{std::nullopt, 2});
  return answer;
}

TEST(KnownJobTest, TheJobAsksForWhatTheAnswerHas) {
  const model::JobSpec spec = known_job(model::Path::Thread);
  EXPECT_EQ(spec.path, model::Path::Thread);
  const model::JobAnswer answer = right_answer();
  ASSERT_EQ(spec.reducers.size(), answer.results.size());
  for (std::size_t i = 0; i < spec.reducers.size(); ++i)
    EXPECT_EQ(spec.reducers[i].name, answer.results[i].reducer);
}

TEST(KnownJobTest, TheRightAnswerHasNoMistake) {
  EXPECT_EQ(mistake_in(right_answer()), "");
}

TEST(KnownJobTest, OneBitIsAMistake) {
  for (const std::size_t i : {1U, 2U, 3U, 4U}) {
    model::JobAnswer answer = right_answer();
    auto& value = std::get<double>(answer.results[i].value);
    value = std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ 1U);
    EXPECT_EQ(mistake_in(answer).find(answer.results[i].label + " of the canary gave "),
              0U)
        << mistake_in(answer);
  }
}

TEST(KnownJobTest, AnotherCountIndexOrTypeIsAMistake) {
  model::JobAnswer answer = right_answer();
  answer.results[0].value = Int128{3};
  EXPECT_NE(mistake_in(answer), "");
  answer = right_answer();
  answer.results[5].value = model::ElementIndex{std::nullopt, 1};
  EXPECT_NE(mistake_in(answer), "");
  answer = right_answer();
  answer.results[1].value = 1.5F;
  EXPECT_NE(mistake_in(answer), "");
}

TEST(KnownJobTest, AResultThatIsNotThereIsAMistake) {
  model::JobAnswer answer = right_answer();
  answer.results[2].error = Error(Errc::NoValue, "mean of nothing");
  EXPECT_EQ(mistake_in(answer), "mean: mean of nothing");
  answer.results.pop_back();
  EXPECT_EQ(mistake_in(answer), "5 results came, not 6");
}

}  // namespace
}  // namespace tally::daemon
