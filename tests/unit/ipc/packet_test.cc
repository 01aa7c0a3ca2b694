#include "ipc/packet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

Bytes packet(std::uint16_t magic, std::uint16_t flags, std::uint32_t total,
             std::span<const std::byte> payload) {
  Bytes bytes(kPacketHeaderBytes + payload.size());
  std::memcpy(bytes.data(), &magic, 2);
  std::memcpy(bytes.data() + 2, &flags, 2);
  std::memcpy(bytes.data() + 4, &total, 4);
  std::copy(payload.begin(), payload.end(), bytes.begin() + kPacketHeaderBytes);
  return bytes;
}

constexpr std::uint16_t kMagic = 0x5754;

// Gives the packets to an assembler: the error's code, "frame" or "nothing".
std::string fate(const std::vector<Bytes>& packets) {
  const auto [near, far] = socket_pair(SOCK_SEQPACKET);
  PacketAssembler assembler;
  for (const Bytes& bytes : packets) {
    EXPECT_EQ(::send(far.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    const Result<Transfer> got = assembler.receive(near.get(), MSG_DONTWAIT);
    if (!got) return got.error().code();
  }
  const Result<std::optional<Frame>> frame = assembler.next();
  if (!frame) return frame.error().code();
  return *frame ? "frame" : "nothing";
}

std::string fate_of_frame(const Bytes& frame) {
  return fate({packet(kMagic, 1, static_cast<std::uint32_t>(frame.size()), frame)});
}

TEST(Packet, FramesOfEverySizeAroundThePacketSizeArriveWhole) {
  for (const std::size_t body :
       {8UL, kPacketBytes - 32, kPacketBytes - 24, kPacketBytes - 16, kPacketBytes,
        5 * kPacketBytes, (std::size_t{1} << 20)}) {
    const auto [near, far] = socket_pair(SOCK_SEQPACKET);
    const Bytes frame = frame_bytes(9, body, 0, FrameKind::Worker);
    PacketAssembler assembler;
    std::size_t sent = 0;
    std::optional<Frame> whole;
    while (!whole) {
      if (sent < frame.size()) {
        ASSERT_TRUE(send_packets(far.get(), frame, {}, sent, MSG_DONTWAIT));
      }
      const Result<Transfer> got = assembler.receive(near.get(), MSG_DONTWAIT);
      ASSERT_TRUE(got);
      ASSERT_EQ(*got, Transfer::Moved);
      Result<std::optional<Frame>> next = assembler.next();
      ASSERT_TRUE(next);
      whole = *std::move(next);
    }
    EXPECT_EQ(whole->header.sequence, 9U);
    ASSERT_EQ(whole->body.size(), body);
    EXPECT_EQ(std::memcmp(whole->body.data(), body_of(frame).data(), body), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(whole->body.data()) % 8, 0U);
  }
}

TEST(Packet, DescriptorsGoWithTheFirstPacket) {
  const auto [near, far] = socket_pair(SOCK_SEQPACKET);
  const UniqueFd file = some_file();
  const std::vector<int> fds(3, file.get());
  const Bytes frame = frame_bytes(1, 2 * kPacketBytes, 3, FrameKind::Worker);
  std::size_t sent = 0;
  ASSERT_TRUE(send_packets(far.get(), frame, fds, sent, MSG_DONTWAIT));
  ASSERT_EQ(sent, frame.size());
  PacketAssembler assembler;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(assembler.receive(near.get(), MSG_DONTWAIT));
  Result<std::optional<Frame>> whole = assembler.next();
  ASSERT_TRUE(whole);
  ASSERT_TRUE(*whole);
  EXPECT_EQ((*whole)->fds.size(), 3U);
}

TEST(Packet, AFrameIsGivenOutOnce) {
  const auto [near, far] = socket_pair(SOCK_SEQPACKET);
  std::size_t sent = 0;
  ASSERT_TRUE(send_packets(far.get(), frame_bytes(1, 8), {}, sent, 0));
  PacketAssembler assembler;
  ASSERT_TRUE(assembler.receive(near.get(), 0));
  EXPECT_TRUE(*assembler.next());
  const Result<std::optional<Frame>> again = assembler.next();
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST(Packet, HostilePacketsAreRefused) {
  const Bytes frame = frame_bytes(1, 8);
  const auto size = static_cast<std::uint32_t>(frame.size());
  const Bytes half(frame.begin(), frame.begin() + 8);
  EXPECT_EQ(fate({Bytes(7)}), "bad_packet") << "shorter than its header";
  EXPECT_EQ(fate({packet(0x1234, 1, size, frame)}), "bad_packet") << "wrong magic";
  EXPECT_EQ(fate({packet(kMagic, 1, size - 8, frame)}), "bad_packet") << "too long";
  EXPECT_EQ(fate({packet(kMagic, 1, size + 8, frame)}), "bad_packet") << "last, short";
  EXPECT_EQ(fate({packet(kMagic, 0, size, frame)}), "bad_packet") << "whole, not last";
  EXPECT_EQ(fate({packet(kMagic, 1, 8, half)}), "bad_packet") << "half a header";
  EXPECT_EQ(fate({packet(kMagic, 1, 0, {})}), "bad_packet") << "an empty frame";
  EXPECT_EQ(fate({packet(kMagic, 0, size, half)}), "nothing") << "more to come";
  EXPECT_EQ(fate({packet(kMagic, 0, size, half), packet(kMagic, 1, size, frame)}),
            "bad_packet")
      << "more than its frame";
  EXPECT_EQ(fate_of_frame(frame), "frame");
}

TEST(Packet, ATotalOverTheLimitIsRefusedAtTheFirstPacket) {
  const Bytes few(8);
  EXPECT_EQ(fate({packet(kMagic, 0, ~0U, few)}), "bad_packet");
  EXPECT_EQ(fate({packet(kMagic, 0, kFrameHeaderBytes + kMaxWorkerBytes + 1, few)}),
            "bad_packet");
  EXPECT_EQ(fate({packet(kMagic, 0, kFrameHeaderBytes + kMaxWorkerBytes, few)}),
            "nothing");
}

TEST(Packet, AFrameThatIsNotWhatItsHeaderSaysIsRefused) {
  Bytes longer = frame_bytes(1, 16);
  longer[8] = std::byte{8};
  EXPECT_EQ(fate_of_frame(longer), "bad_packet");
  EXPECT_EQ(fate_of_frame(frame_bytes(1, 8, 2)), "bad_packet") << "no descriptors came";
  Bytes alien = frame_bytes(1, 8);
  alien[0] = std::byte{'X'};
  EXPECT_EQ(fate_of_frame(alien), "bad_magic");
}

}  // namespace
}  // namespace tally::ipc
