// Who gets a session, and who is told that there are too many.
#include "daemon/session_accounts.h"

#include <gtest/gtest.h>

#include <string>

namespace tally::daemon {
namespace {

constexpr std::uint32_t kAda = 1000;
constexpr std::uint32_t kBob = 1001;
constexpr SessionAccounts::Limits kLimits{8, 6};

SessionAccounts with(std::uint32_t uid, int sessions) {
  SessionAccounts accounts;
  for (int n = 0; n < sessions; ++n) accounts.open(uid);
  return accounts;
}

// Whose limit it is; "" if there is a place.
std::string told(const SessionAccounts& accounts, std::uint32_t uid,
                 bool administrator) {
  const auto why = accounts.refusal(uid, administrator, kLimits);
  if (!why) return "";
  EXPECT_EQ(why->errc(), Errc::Overloaded);
  EXPECT_EQ(why->code(), "too_many_sessions");
  return why->message().starts_with("the daemon") ? "daemon" : "user";
}

TEST(SessionAccountsTest, NoUserTakesThePlacesOfAllOthers) {
  SessionAccounts accounts = with(kAda, 6);
  EXPECT_EQ(told(accounts, kAda, false), "user");
  EXPECT_EQ(told(accounts, kBob, false), "");
  accounts.close(kAda);
  EXPECT_EQ(told(accounts, kAda, false), "");
}

TEST(SessionAccountsTest, TheLastPlacesAreForAdministrators) {
  SessionAccounts accounts = with(kAda, 4);
  for (int n = 0; n < 4; ++n) accounts.open(kBob);
  EXPECT_EQ(told(accounts, kAda, false), "daemon");
  for (std::uint64_t n = 0; n < SessionAccounts::kForAdministrators; ++n) {
    EXPECT_EQ(told(accounts, static_cast<std::uint32_t>(n), true), "");
    accounts.open(static_cast<std::uint32_t>(n));
  }
  EXPECT_EQ(told(accounts, 99, true), "daemon");
}

TEST(SessionAccountsTest, AnAdministratorHasALimitOfItsOwnToo) {
  EXPECT_EQ(told(with(0, 6), 0, true), "user");
}

TEST(SessionAccountsTest, DescriptorsThatWaitAreBoundedOverAUsersSessions) {
  constexpr std::uint64_t kMost = SessionAccounts::kMostWaitingDescriptors;
  SessionAccounts accounts;
  EXPECT_FALSE(accounts.waiting_descriptors(kAda, 0, kMost));
  const auto why = accounts.waiting_descriptors(kAda, 0, 2);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code(), "too_many_waiting_descriptors");
  EXPECT_FALSE(accounts.waiting_descriptors(kAda, 2, 1)) << "fewer are welcome";
  EXPECT_FALSE(accounts.waiting_descriptors(kBob, 0, 64));
  EXPECT_FALSE(accounts.waiting_descriptors(kAda, kMost, 0));
  EXPECT_FALSE(accounts.waiting_descriptors(kAda, 0, 64));
}

TEST(SessionAccountsTest, AUsersSessionsShareWhatMayBeUnsent) {
  EXPECT_EQ(with(kAda, 1).unsent_bytes(kAda), 4U << 20);
  EXPECT_EQ(with(kAda, 16).unsent_bytes(kAda), 4U << 20);
  EXPECT_EQ(with(kAda, 64).unsent_bytes(kAda), 1U << 20);
  EXPECT_EQ(with(kAda, 64).unsent_bytes(kBob), 4U << 20);
  EXPECT_EQ(with(kAda, 1000).unsent_bytes(kAda), 256U << 10);
}

TEST(SessionAccountsTest, WhoHasClosedAllHasNone) {
  SessionAccounts accounts = with(kAda, 2);
  accounts.open(kBob);
  accounts.close(kAda);
  accounts.close(kAda);
  EXPECT_EQ(accounts.of(kAda), 0U);
  EXPECT_EQ(accounts.of(kBob), 1U);
  EXPECT_EQ(accounts.total(), 1U);
}

}  // namespace
}  // namespace tally::daemon
