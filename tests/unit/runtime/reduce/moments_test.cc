// sumsq, var, std and norm2 against their definitions, in big integers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "runtime/reduce/reducers.h"
#include "tests/unit/runtime/reduce/big_natural.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/tame.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
Result<FinishedValue> finished(std::string_view name, const std::vector<T>& values,
                               std::vector<std::string> args = {}) {
  std::vector<std::unique_ptr<State>> states;
  for (const Family family : find_reducer(name)->families)
    states.push_back(state_over(family, values));
  model::ElementCounts counts;
  counts.seen = counts.kept = values.size();
  return finish(*find_reducer(name), {type_of<T>(), &counts, states, args});
}

template <typename T>
double f64(std::string_view name, const std::vector<T>& values,
           std::vector<std::string> args = {}) {
  const auto result = finished(name, values, std::move(args));
  EXPECT_TRUE(result) << name;
  return result ? std::get<double>(*result) : -1;
}

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

// |value| * 2^1075, exactly, of any element type.
template <typename T>
BigNatural size_of_element(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return BigNatural::scaled(std::fabs(double{value}));
  } else {
    const auto raw = static_cast<std::uint64_t>(value);
    return BigNatural(value < 0 ? -raw : raw) * BigNatural::scaled(1);
  }
}

// A square in the unit 2^-2150 as a quotient; so are the variance and the norm's.
struct Fraction {
  BigNatural top;
  BigNatural bottom = 1;
};

template <typename T>
Fraction sum_of_squares(const std::vector<T>& values) {
  Fraction result;
  for (const T value : values) {
    const BigNatural size = size_of_element(value);
    result.top = result.top + size * size;
  }
  return result;
}

// The sum of (n x - S)^2, over n^2 (n - ddof).
template <typename T>
Fraction variance(const std::vector<T>& values, std::uint64_t ddof) {
  BigNatural above, below;  // the positive and the negative elements' sums
  for (const T value : values)
    (value < 0 ? below : above) = (value < 0 ? below : above) + size_of_element(value);
  const std::uint64_t n = values.size();
  Fraction result;
  result.bottom = BigNatural(n) * n * (n - ddof);
  for (const T value : values) {
    const BigNatural size = BigNatural(n) * size_of_element(value);
    const BigNatural off = value < 0 ? BigNatural::distance(above + size, below)
                                     : BigNatural::distance(below + size, above);
    result.top = result.top + off * off;
  }
  return result;
}

// Twice the middle between two neighbours; 2^1024 stands in for infinity.
BigNatural twice_middle(double a, double b) {
  const auto scaled = [](double value) {
    return std::isinf(value) ? BigNatural::scaled(0x1p1023) * 2
                             : BigNatural::scaled(value);
  };
  return scaled(a) + scaled(b);
}

// Is `result` the double nearest to the value (or to its square root), ties to even?
// Judged by the middles between it and its neighbours, which the value must not pass.
void expect_nearest(const Fraction& value, bool root, double result) {
  ASSERT_FALSE(std::isnan(result) || std::signbit(result));
  const auto compare = [&](const BigNatural& twice) {  // middle with value
    const BigNatural left = root ? twice * twice * value.bottom
                                 : twice * 2 * BigNatural::scaled(1) * value.bottom;
    return left <=> value.top * 4;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool even = bits(result) % 2 == 0;
  if (result > 0) {
    const auto order = compare(twice_middle(std::nextafter(result, 0), result));
    EXPECT_TRUE(order < 0 || (order == 0 && even)) << result << " is too large";
  }
  if (result < kInfinity) {
    const auto order = compare(twice_middle(std::nextafter(result, kInfinity), result));
    EXPECT_TRUE(order > 0 || (order == 0 && even)) << result << " is too small";
  }
}

template <typename T>
void expect_exact(const std::vector<T>& values) {
  SCOPED_TRACE(::testing::Message() << values.size() << " elements of type "
                                    << static_cast<int>(type_of<T>()));
  const Fraction squares = sum_of_squares(values);
  expect_nearest(squares, true, f64("norm2", values));
  if constexpr (std::is_floating_point_v<T>)
    expect_nearest(squares, false, f64("sumsq", values));
  for (const std::uint64_t ddof : {0U, 1U, 5U}) {
    if (values.size() <= ddof) continue;
    const Fraction exact = variance(values, ddof);
    expect_nearest(exact, false, f64("var", values, {std::to_string(ddof)}));
    expect_nearest(exact, true, f64("std", values, {std::to_string(ddof)}));
  }
}

template <typename T>
class MomentsTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(MomentsTest, AllTypes);

TYPED_TEST(MomentsTest, AreTheTrueValuesRoundedOnce) {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 16U, 65U})
    for (std::uint64_t seed = 0; seed < 4; ++seed)
      expect_exact(hostile<TypeParam>(size, 100 * seed + size));
  expect_exact(hostile<TypeParam>(1500, 3));
}

TYPED_TEST(MomentsTest, OfEqualElementsTheVarianceIsZero) {
  for (const TypeParam value : hostile<TypeParam>(20, 9)) {
    const std::vector<TypeParam> values(3000, value);
    EXPECT_EQ(bits(f64("var", values)), 0U);
    EXPECT_EQ(bits(f64("std", values, {"1"})), 0U);
  }
}

TEST(MomentsEdgesTest, OfFloatsOfSimilarSizeToo) {
  for (const int spread : {0, 2, 30, 60, 100, 200})
    for (const int scale : {0, 100, -1000, 1023}) {
      expect_exact(tame<double>(60, scale, spread));
      expect_exact(tame<float>(60, std::clamp(scale, -149, 127), spread));
    }
}

TEST(MomentsEdgesTest, HaveNoErrorWhereSquaringInDoublesHas) {
  EXPECT_EQ(f64("var", std::vector<double>{1e8 + 1, 1e8 + 2, 1e8 + 3}, {"1"}), 1.0);
  EXPECT_EQ(f64("std", std::vector<double>{0x1p600, 0x3p600}, {"ddof=0"}), 0x1p600);
  EXPECT_EQ(f64("var", std::vector<std::int32_t>{1, 2, 3, 4}), 1.25);
}

// What decides is below all bits that are kept, and below those that are divided out.
TEST(MomentsEdgesTest, TheLeastElementBreaksATie) {
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  // The variance is a^2 / 2, half way between two doubles, and 3/16 of the least
  // square.
  constexpr double kA = 0x1p27 - 1;
  const std::vector<double> tie{kA, -kA, 0, 0};
  const std::vector<double> above{kA, -kA, kLeast, 0};
  EXPECT_EQ(f64("var", above), std::nextafter(f64("var", tie), 0x1p60));
  expect_exact(tie);
  expect_exact(above);
  // 4/3 of the least square's quarter: its root is more than half of kLeast.
  const std::vector<double> least{0, 0, kLeast};
  EXPECT_EQ(f64("std", least, {"1"}), kLeast);
  expect_exact(least);
  // x^2 + y^2 = z^2, and z = 4 k + 1 has 54 bits.
  constexpr std::int64_t kM = (1 << 26) + 2, kN = (1 << 26) + 1;
  constexpr std::int64_t kX = kM * kM - kN * kN, kY = 2 * kM * kN;
  constexpr std::int64_t kZ = kM * kM + kN * kN;
  const std::vector<std::int64_t> integers{kX, -kY};
  EXPECT_EQ(f64("norm2", integers), static_cast<double>(kZ - 1));
  const auto norm = [&](double third) {
    return f64("norm2", std::vector<double>{static_cast<double>(kX),
                                            static_cast<double>(kY), third});
  };
  EXPECT_EQ(norm(0), static_cast<double>(kZ - 1));
  for (const double third : {1.0, 0x1p-200, kLeast})
    EXPECT_EQ(norm(third), static_cast<double>(kZ + 1)) << third;
}

TEST(MomentsEdgesTest, OverflowOnlyIfTheTrueValueDoes) {
  constexpr double kMost = std::numeric_limits<double>::max();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> both{kMost, -kMost};
  EXPECT_EQ(f64("norm2", std::vector<double>{-kMost}), kMost);
  EXPECT_EQ(f64("norm2", both), kInfinity);
  EXPECT_EQ(f64("sumsq", both), kInfinity);
  EXPECT_EQ(f64("std", both), kMost);
  EXPECT_EQ(f64("std", both, {"1"}), kInfinity);
  EXPECT_EQ(f64("var", both), kInfinity);
  EXPECT_EQ(f64("var", std::vector<double>{kMost, kMost}), 0.0);
}

TEST(MomentsEdgesTest, KeepSubnormals) {
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(f64("norm2", std::vector<double>{-kLeast}), kLeast);
  EXPECT_EQ(f64("norm2", std::vector<double>{3 * kLeast, 4 * kLeast}), 5 * kLeast);
  EXPECT_EQ(bits(f64("sumsq", std::vector<double>{kLeast, -kLeast})), 0U);
  // Half of the least subnormal is a tie, and goes to the even zero.
  EXPECT_EQ(bits(f64("std", std::vector<double>{0, kLeast})), 0U);
  EXPECT_EQ(f64("std", std::vector<double>{0, kLeast}, {"1"}), kLeast);
  EXPECT_EQ(f64("sumsq", std::vector<double>{0x1p-537}), kLeast);
  EXPECT_EQ(bits(f64("sumsq", std::vector<double>(2, 0x1p-538))), 0U);
  EXPECT_EQ(f64("sumsq", std::vector<double>(3, 0x1p-538)), kLeast);
  expect_exact(std::vector<double>{kLeast, 0, 5 * kLeast, -0x1p-1022, 0x1p-537});
}

TEST(MomentsEdgesTest, OfNanAreNanAndOfInfinitiesInfiniteOrNan) {
  using Limits = std::numeric_limits<double>;
  constexpr std::uint64_t kNan = 0x7FF8'0000'0000'0000;
  const std::vector<double> nans(3, -Limits::quiet_NaN());
  const std::vector<double> infinities{1, Limits::infinity(), -Limits::infinity()};
  std::vector<double> all = infinities;
  all.push_back(Limits::quiet_NaN());
  for (const auto name : {"sumsq", "norm2", "var", "std"}) {
    EXPECT_EQ(bits(f64(name, nans)), kNan) << name;
    EXPECT_EQ(bits(f64(name, all)), kNan) << name;
  }
  for (const auto name : {"sumsq", "norm2"})
    EXPECT_EQ(f64(name, infinities), Limits::infinity());
  for (const auto name : {"var", "std"}) {
    EXPECT_EQ(bits(f64(name, infinities)), kNan);
    EXPECT_EQ(
        bits(f64(name, std::vector<float>{-std::numeric_limits<float>::infinity()})),
        kNan);
  }
}

TEST(MomentsEdgesTest, SumsOfSquaresOfIntegersAreIntegersOrAnError) {
  const std::vector<std::int64_t> least{std::numeric_limits<std::int64_t>::min(), -3};
  const auto value = finished("sumsq", least);
  ASSERT_TRUE(value);
  EXPECT_TRUE(std::get<Int128>(*value) == (Int128{1} << 126) + 9);
  const std::vector<std::int64_t> two(2, least.front());
  const auto beyond = finished("sumsq", two);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().errc(), Errc::NoValue);
  EXPECT_EQ(beyond.error().code(), "overflow");
  EXPECT_EQ(f64("norm2", two), std::sqrt(2.0) * 0x1p63);
}

TEST(MomentsEdgesTest, SumsOfSquaresOfNothingAreZeroAndVariancesHaveNoValue) {
  EXPECT_EQ(bits(f64("sumsq", std::vector<double>{})), 0U);
  EXPECT_EQ(bits(f64("norm2", std::vector<std::int8_t>{})), 0U);
  EXPECT_EQ(bits(f64("sumsq", std::vector<double>{-0.0})), 0U);
  EXPECT_TRUE(std::get<Int128>(*finished("sumsq", std::vector<std::uint8_t>{})) == 0);
  for (const auto name : {"var", "std"}) {
    for (const auto& args : {std::vector<std::string>{}, {"3"}}) {
      const auto result = finished(name, std::vector<double>{}, args);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().errc(), Errc::NoValue);
      EXPECT_EQ(result.error().code(), "no_value");
    }
  }
}

TEST(MomentsEdgesTest, ThereMustBeMoreElementsThanDdof) {
  const std::vector<double> one{4};
  EXPECT_EQ(bits(f64("var", one)), 0U);
  const auto result = finished("std", one, {"ddof=1"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::NoValue);
  EXPECT_EQ(result.error().code(), "no_value");
  EXPECT_EQ(result.error().message(),
            "std of 1 element with ddof 1 has no value: it divides by the count less "
            "ddof");
  EXPECT_FALSE(finished("var", std::vector<int>{1, 2}, {"18446744073709551615"}));
}

TEST(MomentsEdgesTest, DdofIsAWholeNumberFromZero) {
  const auto resolved = [](std::string name, std::vector<std::string> args) {
    model::ReducerSpec spec;
    spec.name = std::move(name);
    spec.args = std::move(args);
    return resolve_reducer(spec);
  };
  for (const auto good : {"0", "1", "ddof=1", "12"}) {
    EXPECT_TRUE(resolved("var", {good})) << good;
    EXPECT_TRUE(resolved("std", {good})) << good;
    EXPECT_FALSE(resolved("norm2", {good})) << good;
  }
  for (const auto bad : {"", "-1", "0.5", "1 ", "x", "ddof", "ddof=", "dof=1", "+1",
                         "18446744073709551616"}) {
    const auto result = resolved("std", {bad});
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().errc(), Errc::InvalidArgument);
    EXPECT_EQ(result.error().code(), "bad_argument");
  }
  EXPECT_EQ(resolved("var", {"0", "2"}).error().message(),
            "'var' was given '2'; it takes one argument at most, ddof, a whole number "
            "from 0: var(0) divides by the count, var(1) by one less");
}

TEST(MomentsEdgesTest, StatesThatContradictEachOtherAreAnErrorNotAValue) {
  std::vector<std::unique_ptr<State>> states;
  states.push_back(state_over<double>(Family::Sum, {3.0, 4.0}));
  states.push_back(state_over<double>(Family::Squares, {1.0, 1.0}));
  model::ElementCounts counts;
  counts.seen = counts.kept = 2;
  const auto result = finish(*find_reducer("var"), {ElementType::F64, &counts, states});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::Internal);
  EXPECT_EQ(result.error().code(), "bad_state");
}

}  // namespace
}  // namespace tally::reduce::testing
