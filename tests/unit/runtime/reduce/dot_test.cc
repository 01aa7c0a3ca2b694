// dot against its definition, in big integers; and by blocks as pair by pair.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/dot_state.h"
#include "runtime/reduce/float_dot_kernel.h"
#include "runtime/reduce/reducers.h"
#include "tests/unit/runtime/reduce/big_natural.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/pairs.h"
#include "tests/unit/runtime/reduce/tame.h"

namespace tally::reduce::testing {
namespace {

using Limits = std::numeric_limits<double>;
constexpr double kInfinity = Limits::infinity();
constexpr double kNan = Limits::quiet_NaN();
constexpr std::size_t kBlocks = 10 * 1024;  // of the widest vectors; others have more

template <typename T>
Result<FinishedValue> finished(const std::vector<T>& x, const std::vector<T>& y) {
  std::vector<std::unique_ptr<State>> states;
  states.push_back(dot_over(x, y));
  model::ElementCounts counts;
  counts.seen = counts.kept = x.size();
  return finish(*find_reducer("dot"), {type_of<T>(), &counts, states});
}

template <typename T>
double f64(const std::vector<T>& x, const std::vector<T>& y) {
  const auto result = finished(x, y);
  EXPECT_TRUE(result);
  return result ? std::get<double>(*result) : -1;
}

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

// The size of a double in units of 2^-2150; 2^1024 stands in for infinity.
BigNatural scaled_twice(double value) {
  const BigNatural size = std::isinf(value) ? BigNatural::scaled(0x1p1023) * 2
                                            : BigNatural::scaled(std::fabs(value));
  return size * BigNatural::scaled(1);
}

// Is `value` what the sum of products rounds to, ties to even? By definition: it is not
// farther than its neighbours.
template <typename T>
void expect_rounded(const std::vector<T>& x, const std::vector<T>& y, double value) {
  BigNatural above, below;  // the sums of products above and below zero
  for (std::size_t i = 0; i < x.size(); ++i) {
    const BigNatural product = BigNatural::scaled(std::fabs(double{x[i]})) *
                               BigNatural::scaled(std::fabs(double{y[i]}));
    BigNatural& sum = std::signbit(x[i]) != std::signbit(y[i]) ? below : above;
    sum = sum + product;
  }
  const BigNatural size = BigNatural::distance(above, below);
  if (value != 0) {
    EXPECT_EQ(value < 0, above < below);
  }
  const auto off = [&](double candidate) {
    return BigNatural::distance(size, scaled_twice(candidate));
  };
  const double found = std::fabs(value);
  const bool even = std::isinf(found) || (bits(found) & 1) == 0;
  for (const double other :
       {std::nextafter(found, -1.0), std::nextafter(found, kInfinity)}) {
    if (other < 0 || other == found) continue;
    EXPECT_TRUE(off(found) < off(other) || (even && off(found) == off(other)))
        << value << " against " << other;
  }
}

TEST(DotTest, IsTheSumOfProductsCorrectlyRounded) {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 17U, 400U}) {
    const auto x = hostile<double>(size, 2 * size);
    const auto y = hostile<double>(size, 2 * size + 1);
    expect_rounded(x, y, f64(x, y));
    const auto floats = hostile<float>(size, 3 * size);
    expect_rounded(floats, reversed(floats), f64(floats, reversed(floats)));
  }
}

TEST(DotTest, OfTameDataIsCorrectlyRounded) {
  for (const int spread : {0, 12, 29, 60, 200})
    for (const int scale : {0, -500, 480, -1030}) {
      const auto x = tame<double>(1500, scale, spread);
      const auto y = tame<double>(1500, -scale / 2, spread / 2);
      expect_rounded(x, y, f64(x, y));
    }
}

TEST(DotTest, LosesNothingWhereProductsCancel) {
  EXPECT_EQ(f64<double>({1e200, 3, -1e200}, {1e200, 7, 1e200}), 21);
  EXPECT_EQ(f64<double>({1e308, 1, 1e308}, {10, 5, -10}), 5);  // beyond f64 on the way
  EXPECT_EQ(f64<double>({1e-200, 1e-200}, {1e-200, -1e-200}), 0);
  EXPECT_EQ(f64<double>({0x1p-600, 0x1p-600}, {0x1p-475, 0x1p-475}), 0x1p-1074);
  // One more than half of the least subnormal, made of products far below it.
  EXPECT_EQ(f64<double>({0x1p-1074, 0x1p-1000}, {0x1p-1074, 0x1p-75}), 0x1p-1074);
  EXPECT_EQ(f64<double>({0x1p-1000}, {0x1p-75}), 0);  // half: to even
  EXPECT_EQ(f64<double>({1e200, 1e200}, {1e200, 1e200}), kInfinity);
  EXPECT_EQ(f64<double>({-1e200}, {1e200}), -kInfinity);
}

TEST(DotTest, HasTheSignsOfZeros) {
  EXPECT_EQ(bits(f64<double>({}, {})), bits(0.0));
  EXPECT_EQ(bits(f64<double>({-0.0}, {1})), bits(-0.0));
  EXPECT_EQ(bits(f64<double>({-0.0, 0.0}, {1, -3})), bits(-0.0));
  EXPECT_EQ(bits(f64<double>({-0.0, 0.0}, {1, 3})), bits(0.0));
  EXPECT_EQ(bits(f64<double>({-0.0}, {-0.0})), bits(0.0));
  EXPECT_EQ(bits(f64<double>({1, -1}, {1, 1})), bits(0.0));
  EXPECT_EQ(bits(f64<double>({-1e-300}, {1e-300})), bits(-0.0));  // rounded to zero
}

TEST(DotTest, SignsOfZerosAreTheSameByBlocks) {
  // Elements that are not zero, whose products are all -0.
  std::vector<double> x(kBlocks), y(kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    x[i] = i % 2 == 0 ? -3.0 : 0.0;
    y[i] = i % 2 == 0 ? 0.0 : -5.0;
  }
  EXPECT_EQ(bits(f64(x, y)), bits(-0.0));
  x.back() = 0.0;
  y.back() = 5.0;
  EXPECT_EQ(bits(f64(x, y)), bits(0.0));
}

TEST(DotTest, HasInfinitiesAndNans) {
  EXPECT_EQ(f64<double>({kInfinity, 1}, {2, 1}), kInfinity);
  EXPECT_EQ(f64<double>({kInfinity, 1}, {-2, 1}), -kInfinity);
  EXPECT_EQ(f64<double>({-kInfinity}, {-kInfinity}), kInfinity);
  for (const auto& [x, y] :
       {std::pair(kNan, 1.0), std::pair(0.0, kNan), std::pair(kInfinity, 0.0),
        std::pair(-0.0, kInfinity), std::pair(kInfinity, kNan)})
    EXPECT_EQ(bits(f64<double>({1, x}, {1, y})), 0x7ff8000000000000U) << x << " " << y;
  EXPECT_EQ(bits(f64<double>({kInfinity, kInfinity}, {1, -1})), 0x7ff8000000000000U);
  EXPECT_EQ(f64<float>({std::numeric_limits<float>::infinity()}, {1e-40F}), kInfinity);
}

TEST(DotTest, OfIntegersIsExactOrOverflows) {
  using Wide = std::vector<std::int64_t>;
  const auto least = std::numeric_limits<std::int64_t>::min();
  const auto text = [](const auto& x, const auto& y) {
    const auto value = finished(x, y);
    return value ? to_string(std::get<Int128>(*value))
                 : std::string(value.error().code());
  };
  EXPECT_EQ(text(Wide{}, Wide{}), "0");
  EXPECT_EQ(text(Wide{least, 1}, Wide{least, -1}),
            "85070591730234615865843651857942052863");  // 2^126 - 1
  EXPECT_EQ(text(Wide{least, least}, Wide{least, least}), "overflow");
  EXPECT_EQ(text(Wide{least, least, 1}, Wide{least, least, -1}),
            "170141183460469231731687303715884105727");
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(text(Wide{least, least, least, least, most, most, most},
                 Wide(7, least)),  // beyond 128 bits on the way, and back
            "85070591730234615893513767968506380288");
  const auto top = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(text(std::vector{top}, std::vector{top}), "overflow");
  EXPECT_EQ(text(std::vector{top}, std::vector<std::uint64_t>{2}),
            "36893488147419103230");
  EXPECT_EQ(
      text(std::vector<std::int8_t>{-128, 127}, std::vector<std::int8_t>{-128, -1}),
      "16257");
  EXPECT_EQ(text(std::vector<std::uint32_t>(3, 0xFFFFFFFF),
                 std::vector<std::uint32_t>(3, 0xFFFFFFFF)),
            "55340232195358851075");
}

template <typename T>
void expect_integers(std::size_t size) {
  const auto x = hostile<T>(size, size);
  const auto y = hostile<T>(size, size + 1);
  // The products by their upper and lower halves, in decimal: nothing wraps.
  BigNatural above, below;
  for (std::size_t i = 0; i < size; ++i) {
    const auto magnitude = [](T value) {
      const auto raw = static_cast<std::uint64_t>(value);
      return BigNatural(value < 0 ? -raw : raw);
    };
    BigNatural& sum = (x[i] < 0) != (y[i] < 0) ? below : above;
    sum = sum + magnitude(x[i]) * magnitude(y[i]);
  }
  const BigNatural found = BigNatural::distance(above, below);
  const auto value = finished(x, y);
  if (!value) {
    EXPECT_EQ(value.error().code(), "overflow");
    EXPECT_TRUE(found >=
                BigNatural(std::uint64_t{1} << 63) * (std::uint64_t{1} << 63) * 2);
    return;
  }
  const Int128 total = std::get<Int128>(*value);
  const bool negative = total < 0;
  const auto size_of_total =
      negative ? UInt128{0} - static_cast<UInt128>(total) : static_cast<UInt128>(total);
  const BigNatural ours = BigNatural(static_cast<std::uint64_t>(size_of_total >> 64)) *
                              (std::uint64_t{1} << 32) * (std::uint64_t{1} << 32) +
                          BigNatural(static_cast<std::uint64_t>(size_of_total));
  EXPECT_TRUE(ours == found);
  if (total != 0) {
    EXPECT_EQ(negative, above < below);
  }
}

TEST(DotTest, OfIntegersIsWhatBigNumbersSay) {
  for (const std::size_t size : {1U, 2U, 17U, 1000U}) {
    expect_integers<std::int8_t>(size);
    expect_integers<std::int16_t>(size);
    expect_integers<std::int32_t>(size);
    expect_integers<std::int64_t>(size);
    expect_integers<std::uint8_t>(size);
    expect_integers<std::uint16_t>(size);
    expect_integers<std::uint32_t>(size);
    expect_integers<std::uint64_t>(size);
  }
}

// Runs this short do not go by blocks.
template <typename T>
std::vector<std::byte> one_by_one(const std::vector<T>& x, const std::vector<T>& y) {
  constexpr std::size_t kShort = 1000;
  const auto state = make_state(Family::Dot, type_of<T>());
  for (std::size_t at = 0; at < x.size(); at += kShort)
    feed_pairs(*state, std::span<const T>(x), std::span<const T>(y), at,
               std::min(at + kShort, x.size()));
  return bytes_of(*state);
}

template <typename T>
BlockRun digits(const std::vector<T>& x, const std::vector<T>& y) {
  const FloatEnvironment environment;
  ProductSum sum;
  DotPlan plan;
  return dot_by_digits(x.data(), y.data(), x.size(), sum, plan);
}

bool has_vectors() {
  const auto ones = tame<double>(kBlocks, 0, 0);
  return digits(ones, ones).visited != 0;
}

template <typename T>
void expect_same_by_blocks() {
  for (const int spread : {0, 1, 20, 27, 29, 31, 55, 57, 59, 90, 300})
    for (const int scale : {0, 100, -100}) {
      const auto x = tame<T>(kBlocks, scale, spread);
      const auto y = tame<T>(kBlocks, 0, spread / 2);
      EXPECT_EQ(bytes_of(*dot_over(x, y)), one_by_one(x, y)) << spread;
      EXPECT_EQ(bytes_of(*dot_over(y, x)), one_by_one(x, y)) << spread;
    }
}

TEST(DotBlocksTest, GiveTheSameStateAsPairByPair) {
  expect_same_by_blocks<double>();
  expect_same_by_blocks<float>();
}

// The largest digits there are, all of one sign: what a lane has room for.
TEST(DotBlocksTest, HoldTheLargestDigits) {
  for (const double low : {0.0, 0x1p-29, 0x1p-57, 0x1p-85}) {
    std::vector<double> x(kBlocks, std::nextafter(2.0, 0.0));
    for (std::size_t i = 1; i < kBlocks; i += 2) x[i] = low + 0x1p-1 + 0x1p-28;
    std::vector<double> y(kBlocks, -std::nextafter(2.0, 0.0));
    if (low != 0) y[5] = low;
    EXPECT_EQ(bytes_of(*dot_over(x, y)), one_by_one(x, y));
    EXPECT_EQ(bytes_of(*dot_over(x, x)), one_by_one(x, x));
  }
}

TEST(DotBlocksTest, TakeWhatIsForThem) {
  if (!has_vectors()) GTEST_SKIP() << "one lane: all goes pair by pair";
  const auto plain = tame<double>(kBlocks, 0, 0);
  for (const int spread : {0, 12, 29, 57})
    EXPECT_EQ(digits(tame<double>(kBlocks, 0, spread), plain).visited, kBlocks)
        << spread;
  EXPECT_EQ(
      digits(tame<double>(kBlocks, 900, 3), tame<double>(kBlocks, -900, 3)).visited,
      kBlocks);
  // Too wide, too large, too small, zeros alone, and what is no number.
  EXPECT_EQ(digits(tame<double>(kBlocks, 0, 300), plain).visited, 0U);
  EXPECT_EQ(digits(plain, tame<double>(kBlocks, 1000, 0)).visited, 0U);
  EXPECT_EQ(digits(tame<double>(kBlocks, -1022, 10), plain).visited, 0U);
  EXPECT_EQ(digits(std::vector<double>(kBlocks), plain).visited, 0U);
  for (const double odd : {kNan, kInfinity, -kInfinity}) {
    auto y = plain;
    y[1] = odd;
    EXPECT_EQ(digits(plain, y).visited, 0U);
    EXPECT_GT(digits(plain, y).leave, 0U);
    EXPECT_EQ(bytes_of(*dot_over(plain, y)), one_by_one(plain, y));
  }
}

TEST(DotBlocksTest, ChangeTheirWayWithTheData) {
  std::vector<double> x, y;
  for (const int spread : {0, 50, 300, 10, 0, 100, 0})
    for (const double value : tame<double>(kBlocks / 4, spread, spread))
      x.push_back(value), y.push_back(value * 0x1p-50);
  y[y.size() / 2] = kNan;
  x[x.size() / 3] = 0;
  EXPECT_EQ(bytes_of(*dot_over(x, reversed(y))), one_by_one(x, reversed(y)));
}

}  // namespace
}  // namespace tally::reduce::testing
