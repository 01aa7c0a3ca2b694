// The layouts of runtime/reduce/README.md, and that no bytes get past deserialise.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/reduce/extremes_state.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/pairs.h"

namespace tally::reduce::testing {
namespace {

using Bytes = std::vector<std::byte>;

bool accepts(Family family, ElementType type, const Bytes& bytes) {
  const auto state = make_state(family, type);
  return static_cast<bool>(state->deserialise(state->version(), bytes));
}

void set_word(Bytes& bytes, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i)
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

TEST(StateBytesTest, IntegerSumsAreTwosComplementInLittleEndian) {
  Bytes expected(16, std::byte{0xFF});
  expected[0] = std::byte{0xFE};
  EXPECT_EQ(bytes_of(*state_over<std::int8_t>(Family::Sum, {-5, 3})), expected);
}

TEST(StateBytesTest, TheSumOfOneIsTheReadmesExample) {
  Bytes expected(280);
  expected[0] = std::byte{16};
  expected[142] = std::byte{8};
  EXPECT_EQ(bytes_of(*state_over<double>(Family::Sum, {1.0})), expected);
}

TEST(StateBytesTest, ExtremesHaveTheirPlaces) {
  Bytes expected(48);
  set_word(expected, 0, 1);
  set_word(expected, 8, static_cast<std::uint64_t>(-5));
  set_word(expected, 16, kFirstIndex + 1);
  set_word(expected, 24, 9);
  set_word(expected, 32, kFirstIndex);
  expected[40] = expected[44] = std::byte{3};
  EXPECT_EQ(bytes_of(*state_over<std::int16_t>(Family::Extremes, {9, -5})), expected);
}

TEST(StateBytesTest, SquaresAreLimbsLeastFirst) {
  Bytes integers(24);
  set_word(integers, 8, std::uint64_t{1} << 62);
  set_word(integers, 0, 9);
  EXPECT_EQ(bytes_of(*state_over<std::int64_t>(
                Family::Squares, {std::numeric_limits<std::int64_t>::min(), -3})),
            integers);
  Bytes floats(544);  // bit 2150 is bit 38 of limb 33
  set_word(floats, 8 + 8 * 33, std::uint64_t{1} << 38);
  EXPECT_EQ(bytes_of(*state_over<double>(Family::Squares, {-1.0})), floats);
  set_word(floats, 0, 2);
  EXPECT_EQ(
      bytes_of(*state_over<float>(
          Family::Squares, {1.0F, -std::numeric_limits<float>::infinity(), -0.0F})),
      floats);
}

TEST(StateBytesTest, DotsAreLimbsLeastFirstInTwosComplement) {
  Bytes integers(32, std::byte{0xFF});
  set_word(integers, 0, static_cast<std::uint64_t>(-6));
  EXPECT_EQ(bytes_of(*dot_over<std::int16_t>({9, -5}, {1, 3})), integers);
  Bytes floats(544, std::byte{0xFF});  // bit 2150 is bit 38 of limb 33
  set_word(floats, 0, 16);
  for (std::size_t limb = 0; limb < 33; ++limb) set_word(floats, 8 + 8 * limb, 0);
  set_word(floats, 8 + 8 * 33, ~std::uint64_t{0} << 38);
  EXPECT_EQ(bytes_of(*dot_over<double>({-1.0}, {1.0})), floats);
  Bytes zero(544);
  set_word(zero, 0, 8);
  EXPECT_EQ(bytes_of(*dot_over<double>({-1.0}, {0.0})), zero);
}

TEST(StateBytesTest, DotsThatNothingCanHaveAreRefused) {
  for (const auto type : {ElementType::F32, ElementType::F64}) {
    Bytes bytes(544);
    EXPECT_TRUE(accepts(Family::Dot, type, bytes));
    for (const std::uint64_t flags : {1U, 2U, 4U, 24U, 32U, 256U}) {
      set_word(bytes, 0, flags);
      EXPECT_FALSE(accepts(Family::Dot, type, bytes)) << flags;
    }
    set_word(bytes, 0, 0);
    set_word(bytes, 8, 1);  // a sum, and nothing seen
    EXPECT_FALSE(accepts(Family::Dot, type, bytes));
    set_word(bytes, 0, 16);
    EXPECT_TRUE(accepts(Family::Dot, type, bytes));
    set_word(bytes, 8 + 8 * 66, std::uint64_t{1} << 38);
    EXPECT_FALSE(accepts(Family::Dot, type, bytes));
    set_word(bytes, 8 + 8 * 66, ~std::uint64_t{0} << 38);
    EXPECT_TRUE(accepts(Family::Dot, type, bytes));
    set_word(bytes, 8 + 8 * 66, ~std::uint64_t{0} << 39);
    EXPECT_FALSE(accepts(Family::Dot, type, bytes));
    EXPECT_FALSE(accepts(Family::Dot, type, Bytes(543)));
  }
  EXPECT_TRUE(accepts(Family::Dot, ElementType::U64, Bytes(32, std::byte{0x7F})));
  EXPECT_FALSE(accepts(Family::Dot, ElementType::U64, Bytes(24)));
}

TEST(StateBytesTest, SquaresThatNothingCanHaveAreRefused) {
  const auto type = ElementType::F32;
  Bytes bytes(544);
  for (const std::uint64_t flags : {4U, 8U, 16U, 256U}) {
    set_word(bytes, 0, flags);
    EXPECT_FALSE(accepts(Family::Squares, type, bytes)) << flags;
  }
  set_word(bytes, 0, 3);
  EXPECT_TRUE(accepts(Family::Squares, type, bytes));
  set_word(bytes, 536, std::uint64_t{1} << 37);
  EXPECT_TRUE(accepts(Family::Squares, type, bytes));
  set_word(bytes, 536, std::uint64_t{1} << 38);
  EXPECT_FALSE(accepts(Family::Squares, type, bytes)) << "2^2112";
}

TEST(StateBytesTest, BitsHaveTheirPlaces) {
  Bytes expected(32);
  set_word(expected, 0, 2);
  set_word(expected, 8, 0x80);
  set_word(expected, 16, 0x83);
  set_word(expected, 24, 0x03);
  EXPECT_EQ(bytes_of(*state_over<std::int8_t>(Family::Bits, {-127, -126})), expected);
  set_word(expected, 0, 3);
  set_word(expected, 8, 0);
  set_word(expected, 16, 0);
  set_word(expected, 24, 0);
  EXPECT_EQ(bytes_of(*state_over<double>(Family::Bits, {-0.0, 1e-320})), expected);
  set_word(expected, 0, 0);
  set_word(expected, 8, 0xFFFF'FFFF);
  EXPECT_EQ(bytes_of(*make_state(Family::Bits, ElementType::I32)), expected);
}

TEST(StateBytesTest, ProductsAreSizeAndSign) {
  const std::int64_t quarter = std::int64_t{1} << 62;
  Bytes expected(24);
  set_word(expected, 8, std::uint64_t{1} << 63);
  set_word(expected, 16, 1);
  EXPECT_EQ(
      bytes_of(*state_over<std::int64_t>(Family::Product, {quarter, -8, quarter})),
      expected);
  set_word(expected, 0, 1);
  set_word(expected, 16, 0);
  EXPECT_EQ(bytes_of(*state_over<std::int64_t>(Family::Product,
                                               {quarter, -8, 1, quarter, 3, quarter})),
            expected)
      << "too large";
  EXPECT_EQ(bytes_of(*state_over<std::int64_t>(Family::Product,
                                               {quarter, quarter, quarter, -1, 0})),
            Bytes(24));
}

TEST(StateBytesTest, BitsThatNothingCanHaveAreRefused) {
  const auto good = bytes_of(*state_over<std::uint8_t>(Family::Bits, {6, 12}));
  const auto refuses = [&good](std::size_t at, std::uint64_t word) {
    Bytes bytes = good;
    set_word(bytes, at, word);
    return !accepts(Family::Bits, ElementType::U8, bytes);
  };
  EXPECT_FALSE(refuses(0, 2));
  EXPECT_TRUE(refuses(0, 0)) << "bits of no elements";
  EXPECT_TRUE(refuses(0, 1)) << "bits of nothing but zeros";
  EXPECT_TRUE(refuses(0, 3)) << "a zero, and yet a bit that all have";
  EXPECT_TRUE(refuses(0, 4));
  EXPECT_TRUE(refuses(8, 1)) << "a bit of all that none has";
  EXPECT_TRUE(refuses(24, 16)) << "a bit of an odd number that none has";
  EXPECT_TRUE(refuses(16, 0x10E)) << "no u8";
  EXPECT_FALSE(accepts(Family::Bits, ElementType::F64, good)) << "floats have no bits";
}

TEST(StateBytesTest, ProductsThatNothingCanHaveAreRefused) {
  const auto accepts_product = [](std::uint64_t low, std::uint64_t high,
                                  std::uint64_t negative) {
    Bytes bytes(24);
    set_word(bytes, 0, low);
    set_word(bytes, 8, high);
    set_word(bytes, 16, negative);
    return accepts(Family::Product, ElementType::I8, bytes);
  };
  const std::uint64_t top = std::uint64_t{1} << 63;
  EXPECT_TRUE(accepts_product(5, 0, 1));
  EXPECT_TRUE(accepts_product(0, top, 1));
  EXPECT_TRUE(accepts_product(1, top, 0)) << "too large";
  EXPECT_FALSE(accepts_product(2, top, 0)) << "too large has one form";
  EXPECT_FALSE(accepts_product(1, top, 1)) << "and no sign";
  EXPECT_FALSE(accepts_product(0, 0, 1)) << "nor has zero";
  EXPECT_FALSE(accepts_product(5, 0, 2));
}

TEST(StateBytesTest, WrongSizesAndVersionsAreRefusedAndChangeNothing) {
  for (std::uint8_t number = 1; number <= model::kLastElementType; ++number)
    for (const Family family : families_of(static_cast<ElementType>(number))) {
      const auto type = static_cast<ElementType>(number);
      const auto state = make_state(family, type);
      const Bytes good = bytes_of(*state);
      Bytes longer = good, shorter = good;
      longer.push_back({});
      shorter.pop_back();
      for (const Bytes& bad : {longer, shorter, Bytes()}) {
        const auto result = state->deserialise(state->version(), bad);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().errc(), Errc::InvalidData);
      }
      for (std::uint16_t other = 0; other < 5; ++other) {
        if (other == state->version()) continue;
        EXPECT_FALSE(state->deserialise(other, good));
      }
      EXPECT_EQ(bytes_of(*state), good);
    }
}

TEST(StateBytesTest, FloatSumsThatNothingCanHaveAreRefused) {
  const auto type = ElementType::F64;
  Bytes bytes(280);
  EXPECT_TRUE(accepts(Family::Sum, type, bytes));
  for (const std::uint64_t flags : {1U, 2U, 4U, 32U, 256U}) {
    set_word(bytes, 0, flags);
    EXPECT_FALSE(accepts(Family::Sum, type, bytes)) << flags;
  }
  set_word(bytes, 0, 8);
  set_word(bytes, 16, 1);
  EXPECT_FALSE(accepts(Family::Sum, type, bytes)) << "a sum of nothing but -0";
  set_word(bytes, 0, 8 + 16);
  EXPECT_FALSE(accepts(Family::Sum, type, bytes)) << "two forms of one value";
  set_word(bytes, 0, 16);
  EXPECT_TRUE(accepts(Family::Sum, type, bytes));
  set_word(bytes, 272, std::uint64_t{1} << 51);
  EXPECT_FALSE(accepts(Family::Sum, type, bytes)) << "2^1088";
  set_word(bytes, 272, ~std::uint64_t{0} << 51);
  EXPECT_TRUE(accepts(Family::Sum, type, bytes));
}

TEST(StateBytesTest, ExtremesThatNothingCanHaveAreRefused) {
  const auto good = bytes_of(*state_over<std::int8_t>(Family::Extremes, {1, 2}));
  const auto refuses = [&good](std::size_t at, std::uint64_t word) {
    Bytes bytes = good;
    set_word(bytes, at, word);
    return !accepts(Family::Extremes, ElementType::I8, bytes);
  };
  EXPECT_FALSE(refuses(0, 1));
  EXPECT_TRUE(refuses(0, 0)) << "empty, and yet with a least";
  EXPECT_TRUE(refuses(0, 2));
  EXPECT_TRUE(refuses(8, 3)) << "the least above the greatest";
  EXPECT_TRUE(refuses(8, 2)) << "all equal, first at two positions";
  EXPECT_TRUE(refuses(24, 128)) << "no i8";
  Bytes nan = good;
  set_word(nan, 8, std::uint64_t{1} << 63);
  set_word(nan, 24, ~std::uint64_t{0} >> 1);
  EXPECT_FALSE(accepts(Family::Extremes, ElementType::F64, nan))
      << "the first NaN at two positions";
  set_word(nan, 32, kFirstIndex);
  EXPECT_TRUE(accepts(Family::Extremes, ElementType::F64, nan));
  EXPECT_TRUE(accepts(
      Family::Extremes, ElementType::I64,
      bytes_of(*state_over(
          Family::Extremes,
          std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::max()}))));
}

// What is accepted must be normal: it serialises to the same bytes again.
TEST(StateBytesTest, AnyBytesGiveAnErrorOrAStateOfJustTheseBytes) {
  std::mt19937_64 random(13);
  for (std::uint8_t number = 1; number <= model::kLastElementType; ++number)
    for (const Family family : families_of(static_cast<ElementType>(number))) {
      const auto type = static_cast<ElementType>(number);
      const auto state = make_state(family, type);
      for (int round = 0; round < 2000; ++round) {
        Bytes bytes = bytes_of(*make_state(family, type));
        for (std::uint64_t changes = random() % 6; changes > 0; --changes)
          bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        if (state->deserialise(state->version(), bytes)) {
          EXPECT_EQ(bytes_of(*state), bytes);
        }
      }
    }
}

}  // namespace
}  // namespace tally::reduce::testing
