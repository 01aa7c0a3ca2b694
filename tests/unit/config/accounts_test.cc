#include "config/accounts.h"

#include <gtest/gtest.h>

#include <string>

namespace tally::config {
namespace {

TEST(AccountsTest, ANameIsLookedUp) {
  EXPECT_EQ(*account_named("root", AccountKind::User), 0U);
  EXPECT_EQ(*account_named("root", AccountKind::Group), 0U);
}

TEST(AccountsTest, AnIdStandsForItself) {
  EXPECT_EQ(*account_id(1234, AccountKind::User), 1234U);
  EXPECT_EQ(*account_id(4294967294, AccountKind::Group), 4294967294U);
}

TEST(AccountsTest, TheOverflowAccountIsRefusedByIdAndByName) {
  for (const AccountKind kind : {AccountKind::User, AccountKind::Group}) {
    const std::uint32_t overflow = overflow_id(kind);
    EXPECT_EQ(account_id(overflow, kind).error().code(), "overflow_id");
  }
  if (overflow_id(AccountKind::User) != 65534)
    GTEST_SKIP() << "an unusual overflow uid";
  EXPECT_EQ(account_named("nobody", AccountKind::User).error().code(), "overflow_id");
}

TEST(AccountsTest, AnyBytesAreANameThatThereIsNot) {
  const std::string zero("ro\0ot", 5);
  for (const std::string& name : {std::string(), zero, std::string("a:b"),
                                  std::string("\xFF\n"), std::string(100'000, 'x')}) {
    const Result<std::uint32_t> id = account_named(name, AccountKind::User);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code(), "no_such_account");
    EXPECT_EQ(id.error().message().find('\n'), std::string::npos);
    EXPECT_LT(id.error().message().size(), 200U);
  }
}

}  // namespace
}  // namespace tally::config
