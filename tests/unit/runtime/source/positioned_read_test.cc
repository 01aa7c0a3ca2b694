#include "runtime/source/positioned_read.h"

#include <cerrno>

#include "tests/unit/runtime/source/pread_fake.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using test::field;
using test::file_of;

std::span<std::byte> room(std::string& bytes) {
  return std::as_writable_bytes(std::span(bytes.data(), bytes.size()));
}

TEST(PositionedRead, OneCallFillsTheRoom) {
  const UniqueFd file = file_of("0123456789");
  std::string into(4, ' ');
  test::PreadFake fake;
  const auto got = pread_full(file.get(), room(into), 3);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 4U);
  EXPECT_EQ(into, "3456");
  EXPECT_EQ(fake.calls, 1U);
}

TEST(PositionedRead, GoesOnAfterInterruptionsAndShortReads) {
  const UniqueFd file = file_of("0123456789");
  std::string into(10, ' ');
  test::PreadFake fake;
  fake.interrupt_first = 3;
  fake.at_most = 4;
  const auto got = pread_full(file.get(), room(into), 0);
  ASSERT_TRUE(got);
  EXPECT_EQ(into, "0123456789");
  EXPECT_EQ(fake.calls, 6U);
}

TEST(PositionedRead, TellsTheEndOfTheFile) {
  const UniqueFd file = file_of("0123456789");
  std::string into(8, ' ');
  const auto got = pread_full(file.get(), room(into), 5);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 5U);
}

TEST(PositionedRead, AFileThatEndsEarlyHasShrunk) {
  const UniqueFd file = file_of("0123456789");
  std::string into(8, ' ');
  const auto got = pread_exactly(file.get(), room(into), 5, "a.raw");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().errc(), Errc::InvalidData);
  EXPECT_EQ(got.error().code(), "file_shrank");
  EXPECT_EQ(field(got.error(), "file"), "a.raw");
  EXPECT_EQ(field(got.error(), "expected_bytes"), "13");
  EXPECT_EQ(field(got.error(), "found_bytes"), "10");
}

TEST(PositionedRead, AFailureNamesTheFile) {
  const UniqueFd file = file_of("0123456789");
  std::string into(8, ' ');
  test::PreadFake fake;
  fake.fail_with = EIO;
  const auto got = pread_exactly(file.get(), room(into), 0, "a.raw");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().errc(), Errc::Io);
  EXPECT_EQ(field(got.error(), "file"), "a.raw");
  EXPECT_EQ(field(got.error(), "errno"), std::to_string(EIO));
}

TEST(PositionedRead, AnOffsetBeyondAllFilesIsAnError) {
  const UniqueFd file = file_of("0123456789");
  std::string into(8, ' ');
  EXPECT_FALSE(pread_full(file.get(), room(into), UINT64_MAX - 3));
  EXPECT_FALSE(pread_full(file.get(), room(into), INT64_MAX - 3));
}

}  // namespace
}  // namespace tally::source
