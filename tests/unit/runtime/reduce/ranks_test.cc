// The family Ranks: what a window counts and keeps, at every instruction set, against
// comparing one key after the other; and the laws of state.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "runtime/reduce/order_key.h"
#include "runtime/reduce/quantile.h"
#include "runtime/reduce/ranks_state.h"
#include "tests/unit/runtime/reduce/inputs.h"
#include "tests/unit/runtime/reduce/targets.h"

namespace tally::reduce::testing {
namespace {

template <typename T>
std::vector<T> elements(std::size_t count) {
  auto values = hostile<T>(count, count + 3);
  if constexpr (std::is_floating_point_v<T>) {
    if (count > 2) {
      values[count / 2] = std::numeric_limits<T>::quiet_NaN();
      values[count - 1] = -std::numeric_limits<T>::quiet_NaN();
      values[count / 3] = -std::numeric_limits<T>::infinity();
    }
  }
  return values;
}

// All keys; those between two of the elements; one.
template <typename T>
std::vector<model::KeyWindow> windows(const std::vector<T>& values) {
  std::vector<std::int64_t> keys{kLowestKey<T>, kHighestKey<T>};
  for (const T value : values) {
    const std::int64_t key = order_key(value);
    if (key >= kLowestKey<T> && key <= kHighestKey<T>) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  const std::size_t n = keys.size();
  std::vector<model::KeyWindow> result;
  for (const std::uint32_t keeps : {0U, kAlwaysKept}) {
    result.push_back({keys.front(), keys.back(), keeps});
    result.push_back({keys[n / 4], keys[n - 1 - n / 4], keeps});
    result.push_back({keys[n / 2], keys[n / 2], keeps});
  }
  return result;
}

template <typename T>
void expect_counts(const RanksState& state, const std::vector<T>& values) {
  const model::KeyWindow& window = state.window();
  std::uint64_t below = 0, above = 0, nans = 0;
  std::vector<std::int64_t> inside;
  for (const T value : values) {
    const std::int64_t key = order_key(value);
    if (value != value)
      ++nans;
    else if (key < window.least)
      ++below;
    else if (key > window.greatest)
      ++above;
    else
      inside.push_back(key);
  }
  EXPECT_EQ(state.below(), below);
  EXPECT_EQ(state.above(), above);
  EXPECT_EQ(state.nans(), nans);
  EXPECT_EQ(state.inside(), inside.size());
  EXPECT_EQ(state.least(), window.least);
  EXPECT_EQ(state.greatest(), window.greatest);
  if (window.keeps()) {
    if (window.least == window.greatest) inside.clear();
    EXPECT_EQ(std::vector(state.keys().begin(), state.keys().end()), inside);
    return;
  }
  EXPECT_LE(state.buckets().size(), kMostBuckets);
  for (std::size_t i = 0; i < state.buckets().size(); ++i) {
    const model::KeyWindow bucket = state.bucket(i);
    const auto in_it =
        std::count_if(inside.begin(), inside.end(), [&](std::int64_t key) {
          return key >= bucket.least && key <= bucket.greatest;
        });
    ASSERT_EQ(state.buckets()[i], static_cast<std::uint64_t>(in_it)) << i;
  }
}

std::vector<std::int64_t> ascending(const RanksState& state) {
  std::vector<std::int64_t> keys(state.keys().begin(), state.keys().end());
  std::sort(keys.begin(), keys.end());
  return keys;
}

template <typename T>
class RanksTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(RanksTest, AllTypes);

TYPED_TEST(RanksTest, EveryInstructionSetCountsWhatIsThere) {
  for_each_target([](std::int64_t) {
    for (const std::size_t size : {0U, 1U, 3U, 31U, 64U, 1023U, 1025U}) {
      const auto values = elements<TypeParam>(size);
      for (const model::KeyWindow& window : windows(values)) {
        RanksState state(window, type_of<TypeParam>());
        feed<TypeParam>(state, values, 0, size);
        expect_counts(state, values);
      }
    }
  });
}

TYPED_TEST(RanksTest, MergingIsCountingAllAndBytesBringItBack) {
  const auto values = elements<TypeParam>(2000);
  for (const model::KeyWindow& window : windows(values)) {
    const auto over = [&](std::size_t begin, std::size_t end) {
      RanksState state(window, type_of<TypeParam>());
      feed<TypeParam>(state, values, begin, end);
      return state;
    };
    const RanksState whole = over(0, 2000);
    RanksState left = over(0, 700);
    const RanksState right = over(700, 2000);
    const auto before = bytes_of(right);
    RanksState swapped = right;
    left.merge(right);
    swapped.merge(over(0, 700));
    EXPECT_EQ(bytes_of(left), bytes_of(whole));
    if (swapped.keys().empty()) {
      EXPECT_EQ(bytes_of(swapped), bytes_of(whole));
    }
    EXPECT_EQ(ascending(swapped), ascending(whole));
    EXPECT_EQ(bytes_of(right), before);
    RanksState copy(window, type_of<TypeParam>());
    ASSERT_TRUE(copy.deserialise(whole.version(), bytes_of(whole)));
    EXPECT_EQ(bytes_of(copy), bytes_of(whole));
    copy.clear();
    EXPECT_EQ(bytes_of(copy), bytes_of(over(0, 0)));
  }
}

// What a state says of its range is so.
void expect_true_of(const RanksState& state, const std::vector<std::int64_t>& values) {
  std::vector<std::int64_t> inside;
  std::uint64_t below = 0;
  for (const std::int64_t value : values) {
    below += value < state.least() ? 1 : 0;
    if (value >= state.least() && value <= state.greatest()) inside.push_back(value);
  }
  EXPECT_EQ(state.below(), below);
  EXPECT_EQ(state.inside(), inside.size());
  EXPECT_EQ(state.above(), values.size() - below - inside.size());
  if (state.least() == state.greatest()) inside.clear();
  EXPECT_EQ(std::vector(state.keys().begin(), state.keys().end()), inside);
  EXPECT_LE(state.keys().size(), state.window().most_kept);
}

model::KeyWindow near_median(std::uint32_t most_kept) {
  return {kLowestKey<std::int64_t>, kHighestKey<std::int64_t>, most_kept,
          kQuantileScale / 2};
}

RanksState state_of(const model::KeyWindow& window,
                    const std::vector<std::int64_t>& values) {
  RanksState state(window, ElementType::I64);
  feed<std::int64_t>(state, values, 0, values.size());
  RanksState copy(window, ElementType::I64);
  EXPECT_TRUE(copy.deserialise(state.version(), bytes_of(state)));
  EXPECT_EQ(bytes_of(copy), bytes_of(state));
  return copy;
}

std::vector<std::int64_t> shuffled(std::size_t count, std::int64_t first,
                                   std::uint64_t seed) {
  std::vector<std::int64_t> values(count);
  std::iota(values.begin(), values.end(), first);
  std::shuffle(values.begin(), values.end(), std::mt19937_64(seed));
  return values;
}

TEST(RanksStateTest, ARangeBecomesNarrowerAroundItsAim) {
  auto all = shuffled(300'000, -1000, 1);
  const auto window = near_median(model::kMostKeptKeys);
  RanksState merged(window, ElementType::I64);
  for (std::size_t part = 0; part < 3; ++part) {
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(100'000 * part);
    const std::vector<std::int64_t> values(at, at + 100'000);
    const RanksState state = state_of(window, values);
    expect_true_of(state, values);
    EXPECT_LE(state.keys().size(), kAlwaysKept);
    merged.merge(state);
  }
  expect_true_of(merged, all);
  EXPECT_LE(merged.below(), 149'999U);
  EXPECT_GT(merged.below() + merged.inside(), 150'000U);
}

TEST(RanksStateTest, RangesOfUnlikePartsStayTrueOrAreLost) {
  const auto window = near_median(64);
  auto low = shuffled(1000, 0, 2), high = shuffled(1000, 5000, 3);
  RanksState one = state_of(window, low), two = state_of(window, high);
  expect_true_of(one, low);
  expect_true_of(two, high);
  const auto before = bytes_of(two);
  one.merge(two);
  EXPECT_EQ(bytes_of(two), before);
  ASSERT_TRUE(one.is_lost());
  EXPECT_EQ(one.above(), 2000U);
  EXPECT_EQ(one.below() + one.inside() + one.nans(), 0U);
  RanksState copy(window, ElementType::I64);
  ASSERT_TRUE(copy.deserialise(copy.version(), bytes_of(one)));
  EXPECT_EQ(bytes_of(copy), bytes_of(one));
  feed<std::int64_t>(copy, low, 0, low.size());
  EXPECT_EQ(copy.above(), 3000U);
  copy.merge(state_of(window, low));
  EXPECT_EQ(copy.above(), 4000U);
  EXPECT_TRUE(copy.is_lost());
}

TEST(RanksStateTest, OfManyEqualElementsTheRangeIsOneKey) {
  std::vector<std::int64_t> values(1000, 3);
  values.insert(values.begin() + 500, {1, 2, 4, 5});
  RanksState state = state_of(near_median(16), values);
  EXPECT_EQ(state.least(), 3);
  expect_true_of(state, values);
  state.merge(state_of(near_median(16), {3, 9, 3}));
  values.insert(values.end(), {3, 9, 3});
  expect_true_of(state, values);
  RanksState few = state_of(near_median(16), {9, 3, 1});
  few.merge(state);
  EXPECT_EQ(few.inside(), 1003U);
  EXPECT_TRUE(few.keys().empty());
}

TEST(RanksStateTest, BytesThatAreNoStateAreRefused) {
  for (const std::uint32_t keeps : {0U, 3U}) {
    const std::vector<std::int64_t> values{1, 2, 3};
    RanksState state({1, 3, keeps}, ElementType::I64);
    feed<std::int64_t>(state, values, 0, values.size());
    const auto bytes = bytes_of(state);
    const auto refused = [&](std::size_t at, int bits) {
      auto changed = bytes;
      changed[at] ^= std::byte(bits);
      return !state.deserialise(state.version(), changed);
    };
    EXPECT_TRUE(refused(24, 4));     // inside
    EXPECT_TRUE(refused(39, 0xFF));  // the first bucket, or the range's first key
    EXPECT_TRUE(refused(bytes.size() - 8, 4));  // the last bucket, or key
    auto changed = bytes;
    changed.pop_back();
    EXPECT_FALSE(state.deserialise(state.version(), changed));
    EXPECT_FALSE(state.deserialise(1, bytes));
    EXPECT_FALSE(state.deserialise(state.version(), {}));
    EXPECT_EQ(bytes_of(state), bytes);
  }
}

}  // namespace
}  // namespace tally::reduce::testing
