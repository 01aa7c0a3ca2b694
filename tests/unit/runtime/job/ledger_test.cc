#include "runtime/job/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <variant>

namespace tally::job {
namespace {

constexpr Nanoseconds kMs = 1'000'000;
constexpr Nanoseconds kNow = 1'000'000 * kMs;
constexpr std::uint32_t kAda = 1000;
constexpr std::uint32_t kBob = 1001;

const Limits kLimits{{.jobs = 10,
                      .chunks = 100,
                      .descriptors = 20,
                      .request_bytes = 1000,
                      .pinned_bytes = 5000,
                      .pipes = 16},
                     {.jobs = 6,
                      .chunks = 60,
                      .descriptors = 12,
                      .request_bytes = 600,
                      .pinned_bytes = 3000,
                      .pipes = 12}};

Claim claim(std::uint32_t uid, Amounts amounts,
            std::vector<MemoryObject> objects = {}) {
  return {uid, amounts, std::move(objects)};
}

std::int64_t number(const Error& error, std::string_view field) {
  const auto* value = error.field(field);
  return value == nullptr ? -1 : std::get<std::int64_t>(*value);
}

std::string scope(const Error& error) {
  const auto* value = error.field("scope");
  return value == nullptr ? "" : std::get<std::string>(*value);
}

struct OneOf {
  std::string code;
  std::string key;
  std::uint64_t Amounts::*amount;
  // A claim of so much, of a thing that nobody has claimed.
  Claim of(std::uint32_t uid, std::uint64_t count) const {
    static std::uint64_t inode = 0;
    Claim made{uid, {}, {}};
    if (amount == &Amounts::pinned_bytes)
      made.objects = {{1, ++inode, count}};
    else
      made.amounts.*amount = count;
    return made;
  }
};

const std::vector<OneOf> kEach{
    {"too_many_jobs", "jobs", &Amounts::jobs},
    {"too_many_chunks", "chunks", &Amounts::chunks},
    {"too_many_descriptors", "descriptors", &Amounts::descriptors},
    {"too_many_bytes", "requests", &Amounts::request_bytes},
    {"too_much_pinned", "pinned", &Amounts::pinned_bytes}};

TEST(Ledger, AUserAtTheirLimitIsRefusedAndAnotherIsNot) {
  for (const OneOf& each : kEach) {
    SCOPED_TRACE(each.key);
    Ledger ledger(kLimits);
    const std::uint64_t most = kLimits.per_user.*each.amount;
    ASSERT_FALSE(ledger.refusal(each.of(kAda, most), kNow));
    ledger.hold(each.of(kAda, most), kNow);
    const auto why = ledger.refusal(each.of(kAda, 1), kNow + 70 * kMs);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->errc(), Errc::Overloaded);
    EXPECT_EQ(why->code(), each.code);
    EXPECT_EQ(scope(*why), "user");
    EXPECT_EQ(number(*why, "limit"), static_cast<std::int64_t>(most));
    EXPECT_EQ(number(*why, "in_use"), static_cast<std::int64_t>(most));
    EXPECT_EQ(number(*why, "wanted"), 1);
    EXPECT_EQ(number(*why, "retry_after_ms"), 70);
    EXPECT_NE(why->message().find("[limits] " + each.key + "_per_user"),
              std::string::npos)
        << why->message();
    EXPECT_FALSE(ledger.refusal(each.of(kBob, 1), kNow));
  }
}

TEST(Ledger, AFullDaemonRefusesAnyUser) {
  for (const OneOf& each : kEach) {
    SCOPED_TRACE(each.key);
    Ledger ledger(kLimits);
    const std::uint64_t user = kLimits.per_user.*each.amount;
    const std::uint64_t total = kLimits.total.*each.amount;
    ledger.hold(each.of(kAda, user), kNow);
    ledger.hold(each.of(kBob, total - user), kNow);
    const auto why = ledger.refusal(each.of(kBob, 1), kNow);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->errc(), Errc::Overloaded);
    EXPECT_EQ(why->code(), each.code);
    EXPECT_EQ(scope(*why), "daemon");
    EXPECT_EQ(number(*why, "limit"), static_cast<std::int64_t>(total));
    EXPECT_EQ(number(*why, "in_use"), static_cast<std::int64_t>(total));
    EXPECT_EQ(scope(*ledger.refusal(each.of(kAda, 1), kNow)), "user");
  }
}

TEST(Ledger, WhatCanNeverBeIsNotToBeTriedAgain) {
  for (const OneOf& each : kEach) {
    SCOPED_TRACE(each.key);
    const Ledger ledger(kLimits);
    const std::uint64_t most = kLimits.per_user.*each.amount;
    const auto why = ledger.refusal(each.of(kAda, most + 1), kNow);
    ASSERT_TRUE(why);
    EXPECT_EQ(why->errc(), Errc::InvalidArgument);
    EXPECT_EQ(why->code(), each.code);
    EXPECT_EQ(scope(*why), "user");
    EXPECT_EQ(number(*why, "limit"), static_cast<std::int64_t>(most));
    EXPECT_EQ(number(*why, "wanted"), static_cast<std::int64_t>(most + 1));
    EXPECT_EQ(why->field("retry_after_ms"), nullptr);
    EXPECT_EQ(why->field("in_use"), nullptr);
  }
}

TEST(Ledger, TheWaitComesFromHowFastTheScopesOwnComeBack) {
  Limits limits{kUnlimited, kUnlimited};
  limits.total.jobs = 4000;
  limits.per_user.jobs = 2000;
  Ledger ledger(limits);
  ledger.hold(claim(kAda, {.jobs = 2000}), kNow);
  ledger.hold(claim(kBob, {.jobs = 2000}), kNow);
  Nanoseconds now = kNow;
  for (int i = 0; i < 1000; ++i) {  // Ada's: 50 in a second; Bob's: 500
    now += 2 * kMs;
    ledger.give_back(claim(kBob, {.jobs = 1}), now);
    ledger.hold(claim(kBob, {.jobs = 1}), now);
    if (i % 10 != 0) continue;
    ledger.give_back(claim(kAda, {.jobs = 1}), now);
    ledger.hold(claim(kAda, {.jobs = 1}), now);
  }
  const auto ada = ledger.refusal(claim(kAda, {.jobs = 10}), now);
  const auto bob = ledger.refusal(claim(kBob, {.jobs = 10}), now);
  const auto carol = ledger.refusal(claim(7, {.jobs = 11}), now);  // from all of them
  ASSERT_TRUE(ada && bob && carol);
  EXPECT_NEAR(static_cast<double>(number(*ada, "retry_after_ms")), 200, 20);
  EXPECT_NEAR(static_cast<double>(number(*bob, "retry_after_ms")), 20, 2);
  EXPECT_NEAR(static_cast<double>(number(*carol, "retry_after_ms")), 20, 2);
  EXPECT_EQ(scope(*carol), "daemon");
}

TEST(Ledger, AnObjectOfManyJobsIsPinnedOnce) {
  Ledger ledger(kLimits);
  const Claim one = claim(kAda, {.jobs = 1}, {{1, 5, 2900}});
  ledger.hold(one, kNow);
  ASSERT_FALSE(ledger.refusal(one, kNow));
  ledger.hold(one, kNow);
  EXPECT_EQ(ledger.held_by(kAda).pinned_bytes, 2900U);
  EXPECT_EQ(ledger.refusal(claim(kAda, {}, {{1, 6, 101}}), kNow)->code(),
            "too_much_pinned");
  ledger.give_back(one, kNow);
  EXPECT_EQ(ledger.held_by(kAda).pinned_bytes, 2900U);
  ledger.give_back(one, kNow);
  EXPECT_EQ(ledger.held(), Amounts());
}

TEST(Ledger, WhatTurnsOutToBeTooMuchIsAnExcess) {
  Ledger ledger(kLimits);
  ledger.hold(claim(kAda, {.request_bytes = 600}), kNow);
  EXPECT_FALSE(ledger.excess(kAda));
  ledger.hold(claim(kAda, {.request_bytes = 1}), kNow);
  const auto own = ledger.excess(kAda);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->errc(), Errc::Overloaded);
  EXPECT_EQ(scope(*own), "user");
  EXPECT_EQ(number(*own, "in_use"), 601);
  // Above the limit there is no room, not a lot of it.
  EXPECT_EQ(number(*ledger.refusal(claim(kAda, {.request_bytes = 1}), kNow), "in_use"),
            601);
  ledger.hold(claim(kBob, {.request_bytes = 400}), kNow);
  EXPECT_EQ(scope(*ledger.excess(kBob)), "daemon");
}

TEST(Ledger, UsesNameAllAndThoseWhoHoldSomething) {
  Ledger ledger(kLimits);
  ledger.hold(claim(kBob, {.jobs = 2}), kNow);
  ledger.hold(claim(kAda, {.jobs = 1}), kNow);
  const auto uses = ledger.uses();
  ASSERT_EQ(uses.size(), 18U);
  EXPECT_EQ(uses[0], (model::LimitUse{"jobs", std::nullopt, 10, 3}));
  EXPECT_EQ(uses[6], (model::LimitUse{"jobs", kAda, 6, 1}));
  EXPECT_EQ(uses[12], (model::LimitUse{"jobs", kBob, 6, 2}));
  EXPECT_EQ(uses[16], (model::LimitUse{"pinned", kBob, 3000, 0}));
  ledger.give_back(claim(kBob, {.jobs = 2}), kNow);
  EXPECT_EQ(ledger.uses().size(), 12U);
}

TEST(Ledger, PipesAreLimitedByThreadsAndInAllByDescriptors) {
  Ledger ledger(kLimits);
  ledger.hold(claim(kAda, {.pipes = 12}), kNow);
  const auto why = ledger.refusal(claim(kAda, {.pipes = 1}), kNow + 70 * kMs);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code(), "too_many_pipes");
  EXPECT_EQ(why->message(),
            "uid 1000 holds 12 pipes and may hold at most 12 (three quarters of "
            "[threads] max)");
  EXPECT_EQ(number(*why, "retry_after_ms"), 70);
  ledger.hold(claim(kBob, {.pipes = 4}), kNow);
  EXPECT_EQ(scope(*ledger.refusal(claim(kBob, {.pipes = 1}), kNow)), "daemon");
  ledger.give_back(claim(kAda, {.pipes = 12}), kNow);
  EXPECT_FALSE(ledger.refusal(claim(kAda, {.pipes = 12}), kNow));
}

TEST(Ledger, AUsersShareIsThreeQuartersWhereThereAreOthers) {
  EXPECT_EQ(user_limit(0, 1000, false), 750U);
  EXPECT_EQ(user_limit(0, 1000, true), 1000U);
  EXPECT_EQ(user_limit(0, 1, false), 1U);
  EXPECT_EQ(user_limit(200, 1000, false), 200U);
  EXPECT_EQ(user_limit(2000, 1000, true), 1000U);
}

// Against a plain account of what was taken on and not given back.
TEST(Ledger, WhateverIsHeldAndGivenBackNoLimitIsPassedAndNothingStays) {
  std::mt19937_64 random(5);
  Ledger ledger(kLimits);
  std::vector<Claim> held;
  Nanoseconds now = kNow;
  std::uint64_t refused = 0;
  for (int step = 0; step < 20'000; ++step) {
    now += random() % (20 * kMs);
    if (!held.empty() && random() % 2 == 0) {
      const std::size_t which = random() % held.size();
      ledger.give_back(held[which], now);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
    } else {
      Claim one = claim(static_cast<std::uint32_t>(random() % 3),
                        {random() % 2, random() % 30, random() % 6, random() % 250, 0});
      for (std::uint64_t i = random() % 3; i > 0; --i) {
        const std::uint64_t inode = i * 100 + random() % 8;
        one.objects.push_back({1, inode, inode * 4});
      }
      if (ledger.refusal(one, now)) {
        ++refused;
      } else {
        ledger.hold(one, now);
        held.push_back(one);
      }
    }
    Amounts all;
    for (std::uint32_t uid = 0; uid < 3; ++uid) {
      Amounts right;
      std::map<std::uint64_t, std::uint64_t> objects;
      for (const Claim& one : held) {
        if (one.uid != uid) continue;
        for (const OneOf& each : kEach) right.*each.amount += one.amounts.*each.amount;
        for (const MemoryObject& object : one.objects)
          objects[object.inode] = object.bytes;
      }
      for (const auto& [inode, bytes] : objects) right.pinned_bytes += bytes;
      ASSERT_EQ(ledger.held_by(uid), right);
      for (const OneOf& each : kEach) {
        ASSERT_LE(right.*each.amount, kLimits.per_user.*each.amount);
        all.*each.amount += right.*each.amount;
      }
    }
    ASSERT_EQ(ledger.held(), all);
    for (const OneOf& each : kEach)
      ASSERT_LE(all.*each.amount, kLimits.total.*each.amount);
  }
  EXPECT_GT(refused, 1000U);
  for (const Claim& one : held) ledger.give_back(one, now);
  EXPECT_EQ(ledger.held(), Amounts());
  EXPECT_EQ(ledger.uses().size(), 6U);
}

}  // namespace
}  // namespace tally::job
