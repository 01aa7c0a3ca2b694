#include "ipc/base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace tally {
namespace {

struct Row {
  std::uint16_t number;
  std::string_view name;
  int exit_code;
};

// The contract, spelt out: what programs match on. Never change a row.
constexpr Row kRows[] = {
    {1, "invalid_argument", 2},   {2, "not_found", 2},
    {3, "overloaded", 4},         {4, "cancelled", 6},
    {5, "deadline_exceeded", 5},  {6, "worker_lost", 1},
    {7, "protocol_violation", 1}, {8, "io", 1},
    {9, "internal", 1},           {10, "unavailable", 3},
    {11, "permission_denied", 4}, {12, "invalid_data", 1},
    {13, "no_value", 1},          {14, "partial", 7},
};

TEST(Error, EveryClassHasItsNameAndExitCode) {
  EXPECT_EQ(std::size(kRows), std::size_t{kLastErrc});
  for (const Row& row : kRows) {
    const auto errc = static_cast<Errc>(row.number);
    EXPECT_EQ(name_of(errc), row.name);
    EXPECT_EQ(exit_code_of(errc), row.exit_code) << row.name;
  }
}

TEST(Error, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (std::uint16_t i = 1; i <= kLastErrc; ++i) names.insert(name_of(Errc{i}));
  EXPECT_EQ(names.size(), std::size_t{kLastErrc});
}

TEST(Error, TheFinerCodeIsTheClassUnlessGiven) {
  EXPECT_EQ(Error(Errc::NotFound, "no").code(), "not_found");
  EXPECT_EQ(Error(Errc::NotFound, "unknown_job", "no").code(), "unknown_job");
}

TEST(Error, CarriesFactsByName) {
  const Error error = Error(Errc::InvalidData, "no number")
                          .with("line", 17)
                          .with("text", std::string("abc"));
  ASSERT_NE(error.field("line"), nullptr);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("line")), 17);
  EXPECT_EQ(std::get<std::string>(*error.field("text")), "abc");
  EXPECT_EQ(error.field("column"), nullptr);
}

TEST(Error, TellsTheStoryFromOutsideIn) {
  EXPECT_EQ(Error(Errc::Io, "it broke").within("file a").within("job 1").message(),
            "job 1: file a: it broke");
}

TEST(Error, OfASystemCallCarriesItsErrno) {
  errno = ENOSPC;
  const Error error = Error::from_errno("write");
  EXPECT_EQ(error.errc(), Errc::Io);
  EXPECT_EQ(std::get<std::int64_t>(*error.field("errno")), ENOSPC);
  EXPECT_EQ(error.message(), "write: No space left on device");
}

}  // namespace
}  // namespace tally
