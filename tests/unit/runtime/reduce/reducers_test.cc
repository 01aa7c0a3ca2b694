#include "runtime/reduce/reducers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ipc/base/nearest.h"
#include "tests/unit/runtime/reduce/inputs.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
Result<FinishedValue> finished(std::string_view name, const std::vector<T>& values) {
  std::vector<std::unique_ptr<State>> states;
  for (const Family family : find_reducer(name)->families)
    states.push_back(state_over(family, values));
  model::ElementCounts counts;
  counts.seen = counts.kept = values.size();
  return finish(*find_reducer(name), {type_of<T>(), &counts, states});
}

template <typename Answer, typename T>
Answer answer(std::string_view name, const std::vector<T>& values) {
  const auto result = finished(name, values);
  EXPECT_TRUE(result) << name;
  return std::get<Answer>(*result);
}

Result<const Reducer*> resolved(std::string name, std::vector<std::string> args = {}) {
  model::ReducerSpec spec;
  spec.name = std::move(name);
  spec.args = std::move(args);
  return resolve_reducer(spec);
}

TEST(ReducersTest, EveryNameOfTheTableResolvesToItsEntry) {
  ASSERT_EQ(all_reducers().size(), 21U);
  for (const Reducer& reducer : all_reducers()) {
    std::vector<std::string> args;
    if (reducer.has_bins) args = {"10", "0", "1"};
    if (reducer.name == "quantile") args = {"0.5"};
    const auto result = resolved(std::string(reducer.name), args);
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, &reducer);
    EXPECT_EQ(reducer.needs_column, reducer.name != "count");
  }
}

TEST(ReducersTest, UnknownNamesAreToldTheNearestAndAll) {
  const auto result = resolved("smu");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::InvalidArgument);
  EXPECT_EQ(result.error().code(), "unknown_reducer");
  EXPECT_EQ(result.error().message(),
            "unknown reducer 'smu'; did you mean 'sum'? (there are: count, sum, mean, "
            "min, max, argmin, argmax, sumsq, var, std, norm2, any, all, and, or, xor, "
            "prod, histogram, median, quantile, dot)");
  EXPECT_NE(resolved("avg").error().message().find("did you mean 'mean'?"),
            std::string::npos);
  EXPECT_EQ(resolved("zzz").error().message(),
            "unknown reducer 'zzz' (there are: count, sum, mean, min, max, argmin, "
            "argmax, sumsq, var, std, norm2, any, all, and, or, xor, prod, histogram, "
            "median, quantile, dot)");
}

TEST(ReducersTest, ArgumentsAreRefused) {
  const auto result = resolved("sum", {"0.5"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::InvalidArgument);
  EXPECT_EQ(result.error().code(), "bad_argument");
}

TEST(ReducersTest, AHistogramIsRefusedThatCountedOtherThanWasSeen) {
  const model::HistogramBins bins{2, 0, 2, {}};
  const auto states = make_states({{}, false, {bins}}, ElementType::F64);
  const std::vector<double> values{0.5, 7};
  feed(*states[0], std::span<const double>(values), 0, 2);
  model::ElementCounts counts;
  counts.seen = counts.kept = 2;
  const Reducer& histogram = *find_reducer("histogram");
  const FinishInput input{ElementType::F64, &counts, states, {}, states[0].get()};
  const auto value = finish(histogram, input);
  ASSERT_TRUE(value);
  EXPECT_EQ(std::get<model::Histogram>(*value),
            (model::Histogram{{0, 1, 2}, {1, 0}, 0, 1, 0}));
  counts.kept = 3;
  const auto lie = finish(histogram, input);
  ASSERT_FALSE(lie);
  EXPECT_EQ(lie.error().errc(), Errc::Internal);
}

TEST(ReducersTest, IntegersGiveIntegers) {
  const std::vector<std::uint64_t> values{7, std::numeric_limits<std::uint64_t>::max()};
  EXPECT_TRUE(answer<Int128>("sum", values) == (Int128{1} << 64) + 6);
  EXPECT_TRUE(answer<Int128>("min", values) == 7);
  EXPECT_TRUE(answer<Int128>("max", values) == (Int128{1} << 64) - 1);
  EXPECT_TRUE(answer<Int128>("count", values) == 2);
  EXPECT_EQ(answer<double>("mean", values), 0x1p63);
  EXPECT_EQ(answer<Position>("argmin", values), (Position{3, kFirstIndex}));
  EXPECT_EQ(answer<Position>("argmax", values), (Position{3, kFirstIndex + 1}));
}

TEST(ReducersTest, FloatsKeepTheirTypeInExtremesAndAreDoublesInSums) {
  const std::vector<float> values{0.1F, 0.2F};
  EXPECT_EQ(answer<float>("min", values), 0.1F);
  EXPECT_EQ(answer<float>("max", values), 0.2F);
  EXPECT_EQ(answer<double>("sum", values), double{0.1F} + double{0.2F});
  EXPECT_EQ(answer<double>("max", std::vector<double>{0.1, 0.2}), 0.2);
}

TEST(ReducersTest, NanResultsAreCanonical) {
  const std::vector<double> values{1.0, std::bit_cast<double>(0xFFF8'0000'0000'0123)};
  for (const auto name : {"sum", "mean", "min", "max"})
    EXPECT_EQ(std::bit_cast<std::uint64_t>(answer<double>(name, values)),
              0x7FF8'0000'0000'0000U)
        << name;
  const std::vector<float> floats{std::bit_cast<float>(0xFFFF'FFFFU)};
  EXPECT_EQ(std::bit_cast<std::uint32_t>(answer<float>("min", floats)), 0x7FC0'0000U);
  EXPECT_EQ(answer<Position>("argmax", values), (Position{3, kFirstIndex + 1}));
}

TEST(ReducersTest, CountAndSumOfNothingAreZero) {
  EXPECT_TRUE(answer<Int128>("count", std::vector<double>{}) == 0);
  EXPECT_TRUE(answer<Int128>("sum", std::vector<std::int32_t>{}) == 0);
  const double sum = answer<double>("sum", std::vector<double>{});
  EXPECT_EQ(std::bit_cast<std::uint64_t>(sum), 0U);
}

TEST(ReducersTest, OthersOfNothingHaveNoValue) {
  for (const std::string name : {"mean", "min", "max", "argmin", "argmax"}) {
    const auto result = finished(name, std::vector<double>{});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().errc(), Errc::NoValue);
    EXPECT_EQ(result.error().code(), "no_value");
    EXPECT_EQ(result.error().message(), name + " of no elements has no value");
  }
}

TEST(ReducersTest, WhatLogicAndProductsOfNothingAreChangesNothing) {
  const std::vector<std::int8_t> none;
  EXPECT_TRUE(answer<Int128>("any", none) == 0);
  EXPECT_TRUE(answer<Int128>("all", none) == 1);
  EXPECT_TRUE(answer<Int128>("and", none) == -1);
  EXPECT_TRUE(answer<Int128>("and", std::vector<std::uint8_t>{}) == 255);
  EXPECT_TRUE(answer<Int128>("or", none) == 0);
  EXPECT_TRUE(answer<Int128>("xor", none) == 0);
  EXPECT_TRUE(answer<Int128>("prod", none) == 1);
}

TEST(ReducersTest, AProductBeyond128BitsIsAnErrorOfItsOwn) {
  const auto result = finished("prod", std::vector<std::uint64_t>(3, 1ULL << 63));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::NoValue);
  EXPECT_EQ(result.error().code(), "overflow");
}

TEST(ReducersTest, FloatsAreRefusedByWhatOnlyIntegersHave) {
  for (const auto name : {"and", "or", "xor", "prod"}) {
    EXPECT_TRUE(check_type(*find_reducer(name), ElementType::U64));
    const auto result = check_type(*find_reducer(name), ElementType::F32);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().errc(), Errc::InvalidArgument);
    EXPECT_EQ(result.error().code(), "reducer_type");
    EXPECT_NE(result.error().message().find("f32"), std::string::npos);
    EXPECT_NE(result.error().message().find("--dtype i64"), std::string::npos);
  }
  for (const auto name : {"any", "all", "sum", "argmin"})
    EXPECT_TRUE(check_type(*find_reducer(name), ElementType::F32)) << name;
}

TEST(ReducersTest, AnEmptyStateThatClaimsElementsIsAnErrorNotAValue) {
  std::vector<std::unique_ptr<State>> states;
  states.push_back(make_state(Family::Extremes, ElementType::F64));
  model::ElementCounts counts;
  counts.kept = 5;
  const auto result = finish(*find_reducer("min"), {ElementType::F64, &counts, states});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().errc(), Errc::Internal);
}

TEST(NearestTest, ForgivesOneTypingErrorForThreeCharacters) {
  const std::vector<std::string_view> choices{"count", "sum", "argmin", "argmax"};
  EXPECT_EQ(nearest("SUM", choices), "sum");
  EXPECT_EQ(nearest("suum", choices), "sum");
  EXPECT_EQ(nearest("su", choices), "sum");
  EXPECT_EQ(nearest("conut", choices), "count");
  EXPECT_EQ(nearest("argmxa", choices), "argmax");
  EXPECT_EQ(nearest("median", choices), std::nullopt);
  EXPECT_EQ(nearest("", choices), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 's'), choices), std::nullopt);
  EXPECT_EQ(nearest("sum", {}), std::nullopt);
}

}  // namespace
}  // namespace tally::reduce::testing
