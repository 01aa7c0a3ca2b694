#include "client/cli/value_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tally::cli {
namespace {

model::ReducerResult result_of(model::Value value) {
  model::ReducerResult result;
  result.label = "x";
  result.value = std::move(value);
  return result;
}

TEST(ValueTextTest, FloatsAreShortAndReadBackAsTheSameNumber) {
  EXPECT_EQ(text_of_float(249999999.5), "249999999.5");
  EXPECT_EQ(text_of_float(2.0), "2.0");
  EXPECT_EQ(text_of_float(100000.0), "100000.0");
  EXPECT_EQ(text_of_float(0.1), "0.1");
  EXPECT_EQ(text_of_float(0.1F), "0.1");
  EXPECT_EQ(text_of_float(-0.0), "-0.0");
  EXPECT_EQ(text_of_float(1e300), "1e+300");
  EXPECT_EQ(text_of_float(2.7755575615628914e-17), "2.7755575615628914e-17");
  for (const double value : {399992138.9303, 1.0 / 3, 5e-324, 9999999999999998.0, 1e16,
                             1.7976931348623157e308, 0.0001, 0.00012345678901234567})
    EXPECT_EQ(std::strtod(text_of_float(value).c_str(), nullptr), value);
}

TEST(ValueTextTest, SpecialFloatsHaveTheNamesOfTheJson) {
  EXPECT_EQ(text_of_float(std::nan("")), "NaN");
  EXPECT_EQ(text_of_float(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(text_of_float(-std::numeric_limits<float>::infinity()), "-Infinity");
}

TEST(ValueTextTest, IntegersAreInFull) {
  EXPECT_EQ(text_of_result(result_of(Int128{124999999750000000}), false),
            "124999999750000000");
  EXPECT_EQ(text_of_result(result_of(static_cast<Int128>(UInt128{1} << 127)), false),
            "-170141183460469231731687303715884105728");
}

TEST(ValueTextTest, AnIndexNamesItsFileWhereThereAreSeveral) {
  const auto result = result_of(model::ElementIndex{"b.npy", 17});
  EXPECT_EQ(text_of_result(result, false), "17");
  EXPECT_EQ(text_of_result(result, true), "17 (b.npy)");
  EXPECT_EQ(text_of_result(result_of(model::ElementIndex{"\x1b[2J", 0}), true),
            "0 (\\x1b[2J)");
}

TEST(ValueTextTest, AHistogramSaysWhatItsBinsDoNot) {
  EXPECT_EQ(text_of_result(result_of(model::Histogram{{0, 1}, {5}, 1234, 0, 0}), false),
            "1 bin, 1,234 below, 0 above");
  EXPECT_EQ(
      text_of_result(result_of(model::Histogram{{0, 1, 2}, {5, 6}, 0, 2, 3}), false),
      "2 bins, 0 below, 2 above, 3 NaN");
}

TEST(ValueTextTest, AResultWithoutAValueShowsItsError) {
  model::ReducerResult result = result_of({});
  result.error = Error(Errc::NoValue, "the mean of no elements has no value");
  EXPECT_EQ(text_of_result(result, false),
            "error: the mean of no elements has no value");
}

TEST(SameBitsTest, ZerosAndNansAreComparedByTheirBits) {
  EXPECT_TRUE(same_bits(result_of(1.5), result_of(1.5)));
  EXPECT_FALSE(same_bits(result_of(0.0), result_of(-0.0)));
  EXPECT_FALSE(same_bits(result_of(0.0F), result_of(-0.0F)));
  EXPECT_TRUE(same_bits(result_of(std::nan("")), result_of(std::nan(""))));
  EXPECT_FALSE(same_bits(result_of(std::nan("")), result_of(-std::nan(""))));
  EXPECT_FALSE(same_bits(result_of(1.0), result_of(std::nextafter(1.0, 2.0))));
}

TEST(SameBitsTest, TypesErrorsAndLabelsCount) {
  EXPECT_FALSE(same_bits(result_of(Int128{1}), result_of(1.0)));
  EXPECT_FALSE(same_bits(result_of(Int128{1}), result_of(Int128{2})));
  EXPECT_FALSE(same_bits(result_of(model::ElementIndex{"a", 1}),
                         result_of(model::ElementIndex{"b", 1})));
  model::ReducerResult failed = result_of({});
  failed.error = Error(Errc::NoValue, "none");
  EXPECT_FALSE(same_bits(failed, result_of({})));
  EXPECT_TRUE(same_bits(failed, failed));
  model::JobAnswer one;
  one.results = {result_of(1.0)};
  model::JobAnswer two;
  EXPECT_FALSE(same_bits(one, two));
  EXPECT_TRUE(same_bits(one, one));
}

}  // namespace
}  // namespace tally::cli
