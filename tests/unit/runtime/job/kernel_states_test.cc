#include "runtime/job/kernel_states.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace tally::job {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* const data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// What a chunk gave: a state a kernel, each with these counts.
model::Partial partial(std::uint32_t chunk, const std::vector<std::string>& states) {
  model::Partial made;
  made.key.chunk = chunk;
  for (const std::string& state : states)
    made.kernels.push_back({{10, 7, 2, 1}, bytes_of(state)});
  return made;
}

std::string content(const UniqueFd& fd) {
  struct stat info {};
  EXPECT_EQ(::fstat(fd.get(), &info), 0);
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  EXPECT_EQ(::pread(fd.get(), text.data(), text.size(), 0), info.st_size);
  return text;
}

std::string sized(const std::string& state) {
  std::string text(8, '\0');
  text[0] = static_cast<char>(state.size());
  return text + state;
}

TEST(KernelStates, LieInTheOrderOfChunksHoweverTheyCame) {
  KernelStates states(2);
  for (const std::uint32_t chunk : {2U, 0U, 1U}) {
    auto one = partial(chunk, {"a" + std::to_string(chunk), ""});
    ASSERT_TRUE(states.add(one, 0));
  }
  const Result<UniqueFd> input = states.merge_input();
  ASSERT_TRUE(input);
  EXPECT_EQ(content(*input), sized("a0") + sized("") + sized("a1") + sized("") +
                                 sized("a2") + sized(""));
  EXPECT_EQ(states.merge_input_bytes(), content(*input).size());
}

TEST(KernelStates, WhatAWorkerMergesCannotBeChangedAnyMore) {
  KernelStates states(1);
  auto one = partial(0, {"state"});
  ASSERT_TRUE(states.add(one, 0));
  const Result<UniqueFd> input = states.merge_input();
  ASSERT_TRUE(input);
  EXPECT_EQ(::fcntl(input->get(), F_GET_SEALS),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

TEST(KernelStates, StatesOfManyMebibytesAreWrittenWhole) {
  KernelStates states(1);
  const std::string large(5U << 20, 'x');
  for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
    auto one = partial(chunk, {large});
    ASSERT_TRUE(states.add(one, 0));
  }
  EXPECT_EQ(content(*states.merge_input()).size(), 3 * (large.size() + 8));
}

TEST(KernelStates, CountsAddUpForEachKernel) {
  KernelStates states(2);
  for (std::uint32_t chunk = 0; chunk < 2; ++chunk) {
    auto one = partial(chunk, {"a", "b"});
    ASSERT_TRUE(states.add(one, 0));
  }
  for (const model::ElementCounts& counts : states.counts())
    EXPECT_EQ(counts, (model::ElementCounts{20, 14, 4, 2}));
}

TEST(KernelStates, MoreThanTheBoundIsTheJobsError) {
  KernelStates states(1);
  auto first = partial(0, {""});
  auto second = partial(1, {""});  // the bound, and two sizes
  first.kernels[0].state.resize(KernelStates::kMostBytes / 2);
  second.kernels[0].state.resize(KernelStates::kMostBytes / 2);
  ASSERT_TRUE(states.add(first, 0));
  const Result<void> refused = states.add(second, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errc(), Errc::InvalidData);
  EXPECT_EQ(refused.error().code(), "kernel_states_too_large");
}

TEST(KernelStates, OutputsAreThoseOfEveryKernelOrAnError) {
  KernelStates states(2);
  ASSERT_EQ(states.outputs().size(), 2U);
  const Result<void> refused = states.finished({{{"", 1.0}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "bad_outputs");
  ASSERT_TRUE(states.finished({{{"x", 1.0}}, {{"y", 2.0}, {"z", 3.0}}}));
  EXPECT_EQ(states.outputs()[1][1].label, "z");
}

}  // namespace
}  // namespace tally::job
