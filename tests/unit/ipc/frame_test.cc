#include "ipc/frame.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

namespace tally::ipc {
namespace {

using Raw = std::array<std::byte, kFrameHeaderBytes>;

Raw raw_header(const FrameHeader& header) {
  Raw raw{};
  encode_header(header, raw);
  return raw;
}

template <typename T>
Raw with(Raw raw, std::size_t offset, T value) {
  std::memcpy(raw.data() + offset, &value, sizeof value);
  return raw;
}

std::string code_of(const Raw& raw, const FrameLimits& limits = {}) {
  const Result<FrameHeader> header = decode_header(raw, limits);
  if (header) return "accepted";
  EXPECT_EQ(header.error().errc(), Errc::ProtocolViolation);
  return header.error().code();
}

constexpr FrameHeader kValid{FrameKind::Reply, 3, 4096, 0xdeadbeef};

TEST(Frame, DecodesWhatItEncodes) {
  for (const FrameKind kind :
       {FrameKind::Request, FrameKind::Reply, FrameKind::Event, FrameKind::Worker}) {
    const FrameHeader header{kind, 64, kMaxRequestBytes, 0xffffffff};
    const Result<FrameHeader> again = decode_header(raw_header(header), {});
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, header);
  }
}

TEST(Frame, LaysOutEachFieldWhereTheTableSays) {
  const Raw raw = raw_header({FrameKind::Event, 0x0102, 0x03040508, 0x090a0b0c});
  const unsigned char expected[] = {'T',  'L',  'Y',  '1',  3,    0,    0x02, 0x01,
                                    0x08, 0x05, 0x04, 0x03, 0x0c, 0x0b, 0x0a, 0x09};
  EXPECT_EQ(std::memcmp(raw.data(), expected, sizeof expected), 0);
}

TEST(Frame, RefusesEveryOtherMagic) {
  for (std::size_t i = 0; i < 4; ++i) {
    Raw raw = raw_header(kValid);
    raw[i] ^= std::byte{1};
    EXPECT_EQ(code_of(raw), "bad_magic") << i;
  }
}

TEST(Frame, RefusesUnknownKinds) {
  for (const int kind : {0, 5, 255, 65535})
    EXPECT_EQ(code_of(with(raw_header(kValid), 4, static_cast<std::uint16_t>(kind))),
              "bad_kind")
        << kind;
}

TEST(Frame, RefusesMoreDescriptorsThanTheLimit) {
  EXPECT_EQ(code_of(with(raw_header(kValid), 6, std::uint16_t{64})), "accepted");
  EXPECT_EQ(code_of(with(raw_header(kValid), 6, std::uint16_t{65})),
            "too_many_descriptors");
  EXPECT_EQ(code_of(with(raw_header(kValid), 6, std::uint16_t{1}), {4096, 0}),
            "too_many_descriptors");
}

TEST(Frame, RefusesBodySizesOutsideTheLimits) {
  for (const std::uint32_t size : {0U, 4U, 7U, 9U, 12U, kMaxRequestBytes + 8, ~0U, ~7U})
    EXPECT_EQ(code_of(with(raw_header(kValid), 8, size)), "bad_body_size") << size;
  for (const std::uint32_t size : {8U, 16U, kMaxRequestBytes})
    EXPECT_EQ(code_of(with(raw_header(kValid), 8, size)), "accepted") << size;
}

TEST(Frame, TakesItsBodyLimitFromTheCaller) {
  const Raw raw = with(raw_header(kValid), 8, kMaxReplyBytes);
  EXPECT_EQ(code_of(raw), "bad_body_size");
  EXPECT_EQ(code_of(raw, {kMaxReplyBytes, 64}), "accepted");
}

}  // namespace
}  // namespace tally::ipc
