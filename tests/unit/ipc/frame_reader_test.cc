#include "ipc/frame_reader.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

// One receive() of what was sent; the socket must have something.
void receive(FrameReader& reader, int socket) {
  const Result<Transfer> got = reader.receive(socket, MSG_DONTWAIT);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(*got, Transfer::Moved);
}

Frame next_frame(FrameReader& reader) {
  Result<std::optional<Frame>> frame = reader.next();
  EXPECT_TRUE(frame);
  if (!frame || !*frame) {
    ADD_FAILURE() << "no frame";
    return {};
  }
  return std::move(**frame);
}

bool has_none(FrameReader& reader) {
  const Result<std::optional<Frame>> frame = reader.next();
  return frame && !*frame;
}

bool is_body(std::span<const std::byte> body, std::size_t size) {
  if (body.size() != size) return false;
  for (std::size_t i = 0; i < size; ++i)
    if (body[i] != static_cast<std::byte>(i)) return false;
  return true;
}

void send_fds(int socket, const Bytes& bytes, std::size_t count) {
  const UniqueFd file = some_file();
  const std::vector<int> fds(count, file.get());
  const Result<Moved> sent = send_with_fds(socket, bytes, fds, 0);
  ASSERT_TRUE(sent);
  ASSERT_EQ(sent->bytes, bytes.size());
}

TEST(FrameReader, JoinsFramesThatAreSplitAtAnyByte) {
  const Bytes bytes = frame_bytes(7, 24) + frame_bytes(8, 8);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const auto [near, far] = socket_pair();
    FrameReader reader({});
    std::size_t frames = 0;
    for (const auto part :
         {std::span(bytes).first(cut), std::span(bytes).subspan(cut)}) {
      send_all(far.get(), part);
      receive(reader, near.get());
      for (;;) {
        Result<std::optional<Frame>> frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        EXPECT_EQ((*frame)->header.sequence, 7 + frames);
        EXPECT_TRUE(is_body((*frame)->body, frames == 0 ? 24 : 8));
        ++frames;
      }
    }
    EXPECT_EQ(frames, 2U) << "cut at " << cut;
    EXPECT_FALSE(reader.mid_frame());
  }
}

TEST(FrameReader, YieldsEveryFrameOfOneRead) {
  const auto [near, far] = socket_pair();
  Bytes bytes;
  for (std::uint32_t i = 0; i < 100; ++i)
    bytes = bytes + frame_bytes(i, 8 + 8 * (i % 3));
  send_all(far.get(), bytes);
  FrameReader reader({});
  receive(reader, near.get());
  for (std::uint32_t i = 0; i < 100; ++i) {
    const Frame frame = next_frame(reader);
    EXPECT_EQ(frame.header.sequence, i);
    EXPECT_TRUE(is_body(frame.body, 8 + 8 * (i % 3)));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.body.data()) % 8, 0U);
  }
  EXPECT_TRUE(has_none(reader));
}

TEST(FrameReader, TakesABodyUpToItsLimitOverManyReads) {
  const auto [near, far] = socket_pair();
  FrameReader reader({1U << 18, 64});
  const Bytes bytes = frame_bytes(1, 1U << 18) + frame_bytes(2, 8);
  std::size_t sent = 0;
  std::size_t frames = 0;
  while (frames < 2) {
    if (sent < bytes.size()) {
      const Result<Moved> moved =
          send_with_fds(far.get(), std::span(bytes).subspan(sent), {}, MSG_DONTWAIT);
      ASSERT_TRUE(moved);
      sent += moved->bytes;
    }
    receive(reader, near.get());
    for (;;) {
      Result<std::optional<Frame>> frame = reader.next();
      ASSERT_TRUE(frame);
      if (!*frame) break;
      ++frames;
      EXPECT_EQ((*frame)->header.sequence, frames);
      EXPECT_TRUE(is_body((*frame)->body, frames == 1 ? 1U << 18 : 8));
    }
  }
}

TEST(FrameReader, GivesEachFrameItsOwnDescriptors) {
  const auto [near, far] = socket_pair();
  FrameReader reader({});
  // The end of one frame and the start of the next, with its descriptors.
  const Bytes first = frame_bytes(1, 32, 1);
  send_fds(far.get(), first, 1);
  send_all(far.get(), frame_bytes(2, 8, 0));
  send_fds(far.get(), frame_bytes(3, 8, 2), 2);
  std::vector<Frame> frames;
  std::vector<std::size_t> counts;
  while (counts.size() < 3) {
    receive(reader, near.get());
    for (;;) {
      Result<std::optional<Frame>> frame = reader.next();
      ASSERT_TRUE(frame);
      if (!*frame) break;
      counts.push_back((*frame)->fds.size());
      EXPECT_EQ((*frame)->fds.size(), (*frame)->header.fd_count);
    }
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{1, 0, 2}));
}

TEST(FrameReader, RefusesAFrameWhoseDescriptorsDidNotCome) {
  const auto [near, far] = socket_pair();
  FrameReader reader({});
  send_fds(far.get(), frame_bytes(1, 8, 2), 1);
  receive(reader, near.get());
  const Result<std::optional<Frame>> frame = reader.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code(), "descriptors_missing");
}

TEST(FrameReader, RefusesMoreThan64QueuedDescriptors) {
  const int before = open_descriptors();
  {
    const auto [near, far] = socket_pair();
    FrameReader reader({});
    send_fds(far.get(), {std::byte{'T'}}, 64);
    send_fds(far.get(), {std::byte{'L'}}, 1);
    receive(reader, near.get());
    const Result<Transfer> second = reader.receive(near.get(), MSG_DONTWAIT);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), "too_many_descriptors");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(FrameReader, ClosesDescriptorsThatNoFrameTook) {
  const int before = open_descriptors();
  {
    const auto [near, far] = socket_pair();
    FrameReader reader({});
    send_fds(far.get(), frame_bytes(1, 8, 0), 5);
    receive(reader, near.get());
    EXPECT_EQ(next_frame(reader).fds.size(), 0U);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(FrameReader, AllocatesNothingForABodyOverTheLimit) {
  const auto [near, far] = socket_pair();
  FrameReader reader({4096, 64});
  Bytes bytes = frame_bytes(1, 8);
  encode_header(
      {FrameKind::Request, 0, 1U << 30, 1},
      std::span<std::byte, kFrameHeaderBytes>(bytes.data(), kFrameHeaderBytes));
  send_all(far.get(), bytes);
  const auto before = ::mallinfo2();
  receive(reader, near.get());
  const Result<std::optional<Frame>> frame = reader.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code(), "bad_body_size");
  const auto after = ::mallinfo2();
  EXPECT_LT(after.uordblks + after.hblkhd,
            before.uordblks + before.hblkhd + (1U << 16));
}

TEST(FrameReader, SaysWhetherTheEndCameInsideAFrame) {
  auto [near, far] = socket_pair();
  FrameReader reader({});
  const Bytes bytes = frame_bytes(1, 8);
  send_all(far.get(), std::span(bytes).first(20));
  far.reset();
  receive(reader, near.get());
  EXPECT_TRUE(has_none(reader));
  const Result<Transfer> end = reader.receive(near.get(), MSG_DONTWAIT);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, Transfer::Closed);
  EXPECT_TRUE(reader.mid_frame());
}

TEST(FrameReader, StopsAtAHeaderThatIsNone) {
  const auto [near, far] = socket_pair();
  FrameReader reader({});
  send_all(far.get(), frame_bytes(1, 8) + Bytes(16, std::byte{'x'}));
  receive(reader, near.get());
  EXPECT_EQ(next_frame(reader).header.sequence, 1U);
  const Result<std::optional<Frame>> frame = reader.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code(), "bad_magic");
}

}  // namespace
}  // namespace tally::ipc
