#include "runtime/account/oom_kills.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tally::account {
namespace {

namespace fs = std::filesystem;

constexpr Nanoseconds kNow = 1'000'000'000'000;

class OomKillsTest : public ::testing::Test {
 protected:
  OomKillsTest()
      : mount_(fs::temp_directory_path() /
               ("tally-oom-" + std::to_string(::getpid()))) {
    fs::create_directories(mount_ / "a/b");
    fs::create_directories(mount_ / "memory/c");
  }
  ~OomKillsTest() override { fs::remove_all(mount_); }

  void v2(int kills) const {
    std::ofstream(mount_ / "a/b/memory.events")
        << "low 0\nhigh 7\nmax 9\noom 9\noom_kill " << kills << "\noom_group_kill 0\n";
  }
  void v1(int kills) const {
    std::ofstream(mount_ / "memory/c/memory.oom_control")
        << "oom_kill_disable 0\nunder_oom 0\noom_kill " << kills << "\n";
  }
  OomKills of(const char* groups) const {
    return OomKills::of(groups, mount_.string(), kNow);
  }

  const fs::path mount_;
};

TEST_F(OomKillsTest, ARiseIsEvidenceForOneDeathEach) {
  v2(3);
  OomKills kills = of("0::/a/b\n");
  EXPECT_FALSE(kills.at_death(kNow).rose);
  v2(5);
  const OomKills::Evidence first = kills.at_death(kNow);
  EXPECT_TRUE(first.rose);
  EXPECT_NE(first.checked.find("memory.events rose from 3 to 5"), std::string::npos)
      << first.checked;
  EXPECT_TRUE(kills.at_death(kNow).rose);
  const OomKills::Evidence third = kills.at_death(kNow);
  EXPECT_FALSE(third.rose);
  EXPECT_NE(third.checked.find("stood at 5"), std::string::npos) << third.checked;
}

TEST_F(OomKillsTest, ARiseIsForgottenAfterTwoLooks) {
  v2(0);
  OomKills kills = of("0::/a/b\n");
  v2(1);
  kills.look(kNow);
  OomKills once = kills;
  EXPECT_TRUE(once.at_death(kNow).rose);
  kills.look(kNow);
  EXPECT_FALSE(kills.at_death(kNow).rose);
}

TEST_F(OomKillsTest, WhatRoseWhileNobodyLookedIsNoEvidence) {
  v2(0);
  OomKills kills = of("0::/a/b\n");
  v2(1);
  const Nanoseconds later = kNow + OomKills::kFresh + 1;
  const OomKills::Evidence stale = kills.at_death(later);
  EXPECT_FALSE(stale.rose);
  EXPECT_NE(stale.checked.find("rose from 0 to 1, but within 10 s"), std::string::npos)
      << stale.checked;
  kills.look(later);  // one is enough: the first in a long time
  EXPECT_FALSE(kills.at_death(later).rose);
  v2(2);
  EXPECT_TRUE(kills.at_death(later).rose);
}

TEST_F(OomKillsTest, TheOldHierarchyIsReadWhereItHasMemory) {
  v1(1);
  OomKills kills = of("4:cpu,memory:/c\n0::/\n");
  v1(2);
  EXPECT_TRUE(kills.at_death(kNow).rose);
}

TEST_F(OomKillsTest, WithoutACounterThereIsNoEvidenceAndThatIsSaid) {
  for (const char* groups : {"", "0::/nowhere\n", "garbage", "3:pids:/c\n"}) {
    OomKills kills = of(groups);
    kills.look(kNow);
    const OomKills::Evidence evidence = kills.at_death(kNow);
    EXPECT_FALSE(evidence.rose);
    EXPECT_EQ(evidence.checked, "no oom_kill counter of our cgroup can be read");
  }
}

}  // namespace
}  // namespace tally::account
