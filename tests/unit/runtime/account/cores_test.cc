#include "runtime/cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <thread>

namespace tally {
namespace {

std::uint32_t affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

TEST(UsableCores, AreAtLeastOneAndAtMostWhatTheAffinityAllows) {
  const UsableCores cores = usable_cores(0);
  EXPECT_GE(cores.count, 1U);
  EXPECT_LE(cores.count, affinity());
}

TEST(UsableCores, AreTheTightestOfTheBoundsShown) {
  for (const std::uint32_t configured : {0U, 1U, 2U, 1000U}) {
    const UsableCores cores = usable_cores(configured);
    ASSERT_FALSE(cores.bounds.empty());
    EXPECT_EQ(cores.bounds.front().source, "affinity");
    double least = cores.bounds.front().cores;
    for (const model::CoreBound& bound : cores.bounds)
      least = std::min(least, bound.cores);
    EXPECT_EQ(cores.count, static_cast<std::uint32_t>(std::max(1.0, std::ceil(least))));
  }
}

TEST(UsableCores, AreBoundedByTheConfigurationOnlyWhereItIsSet) {
  const auto configured = [](const UsableCores& cores) {
    return std::count_if(cores.bounds.begin(), cores.bounds.end(),
                         [](const auto& one) { return one.source == "configuration"; });
  };
  EXPECT_EQ(configured(usable_cores(0)), 0);
  EXPECT_EQ(configured(usable_cores(1)), 1);
  EXPECT_EQ(usable_cores(1).count, 1U);
  EXPECT_EQ(usable_cores(100'000).count, usable_cores(0).count);
}

TEST(UsableCores, FollowTheAffinity) {
  std::thread([] {
    cpu_set_t all;
    CPU_ZERO(&all);
    ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);  // of this thread alone
    EXPECT_EQ(usable_cores(0).count, 1U);
    EXPECT_EQ(usable_cores(0).bounds.front().cores, 1.0);
  }).join();
}

}  // namespace
}  // namespace tally
