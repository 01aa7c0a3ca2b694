#include "ipc/message.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "ipc/schema/common.capnp.h"
#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

// A body of `words` words that begins with `table`.
Bytes body_with(const std::vector<std::uint32_t>& table, std::size_t words) {
  Bytes body(words * 8);
  const std::size_t size = std::min(body.size(), table.size() * 4);
  std::memcpy(body.data(), table.data(), size);
  return body;
}

std::string fate(const Bytes& body) {
  const Result<void> checked = check_segments(body);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().errc(), Errc::ProtocolViolation);
  return checked.error().code();
}

TEST(Message, ATableThatAddsUpIsAccepted) {
  EXPECT_EQ(fate(body_with({0, 3}, 4)), "accepted");
  EXPECT_EQ(fate(body_with({1, 1, 1}, 4)), "accepted");
  EXPECT_EQ(fate(body_with({0, 0}, 1)), "accepted");
}

TEST(Message, TwoHundredThousandSegmentsAreRefused) {
  EXPECT_EQ(fate(body_with({200'000}, 4)), "bad_segments");
  EXPECT_EQ(fate(body_with({200'000}, 100'001)), "bad_segments");
  EXPECT_EQ(fate(body_with({0xffffffff}, 4)), "bad_segments");
}

TEST(Message, SixtyFourSegmentsAreTheMost) {
  std::vector<std::uint32_t> table(65, 0);
  table[0] = 63;
  EXPECT_EQ(fate(body_with(table, 33)), "accepted");
  table[0] = 64;
  EXPECT_EQ(fate(body_with(table, 33)), "bad_segments");
}

TEST(Message, SizesThatDoNotAddUpAreRefused) {
  EXPECT_EQ(fate(body_with({0, 2}, 4)), "bad_segments");
  EXPECT_EQ(fate(body_with({0, 4}, 4)), "bad_segments");
  EXPECT_EQ(fate(body_with({0, 0xffffffff}, 4)), "bad_segments");
  // Sums that would wrap in 32 bits.
  EXPECT_EQ(fate(body_with({2, 0x80000000, 0x80000000, 2}, 4)), "bad_segments");
}

TEST(Message, ATableThatIsCutShortIsRefused) {
  EXPECT_EQ(fate(Bytes()), "bad_segments");
  EXPECT_EQ(fate(body_with({63}, 4)), "bad_segments");
}

TEST(Message, AFrameOverTheLimitLeavesTheOutputAsItWas) {
  MessageScratch scratch;
  const std::string text(4096, 'x');
  scratch.builder().initRoot<schema::Error>().setMessage(text.c_str());
  Bytes out = frame_bytes(1, 8);
  const Bytes before = out;
  const Result<void> added =
      append_frame(out, {FrameKind::Reply, 0, 0, 2}, scratch.builder(), 1024);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), "message_too_large");
  EXPECT_EQ(out, before);
}

TEST(Message, MessagesLargerThanTheScratchAreReadBack) {
  const std::string text(100'000, 'y');
  MessageScratch scratch;
  scratch.builder().initRoot<schema::Error>().setMessage(text.c_str());
  Bytes out;
  ASSERT_TRUE(append_frame(out, {FrameKind::Reply, 0, 0, 2}, scratch.builder(),
                           kMaxReplyBytes));
  ASSERT_TRUE(check_segments(body_of(out)));
  const auto read = read_message<schema::Error>(
      body_of(out), [](schema::Error::Reader from) -> Result<std::string> {
        return std::string(from.getMessage().cStr());
      });
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, text);
}

TEST(Message, PointersOutOfBoundsAreAnErrorNotAnException) {
  Bytes body = body_with({0, 1}, 2);
  std::memset(body.data() + 8, 0xff, 8);
  const auto read = read_message<schema::Error>(
      body, [](schema::Error::Reader from) -> Result<std::string> {
        return std::string(from.getMessage().cStr());
      });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().errc(), Errc::InvalidArgument);
}

}  // namespace
}  // namespace tally::ipc
