// The family Ranks: what a window counts and keeps, at every instruction set, against
// comparing one key after the other; and the laws of state.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/reduce/order_key.h"
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
  for (const bool keeps : {false, true}) {
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
  if (window.keeps) {
    std::sort(inside.begin(), inside.end());
    EXPECT_EQ(state.keys(), inside);
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

template <typename T>
class RanksTest : public ::testing::Test {};
using AllTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                  std::uint8_t, std::uint16_t, std::uint32_t,
                                  std::uint64_t, float, double>;
TYPED_TEST_SUITE(RanksTest, AllTypes);

TYPED_TEST(RanksTest, EveryInstructionSetCountsWhatIsThere) {
  for_each_target([](std::int64_t) {
    for (const std::size_t size : {0, 1, 3, 31, 64, 1023, 1025}) {
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
    EXPECT_EQ(bytes_of(swapped), bytes_of(whole));
    EXPECT_EQ(bytes_of(right), before);
    RanksState copy(window, type_of<TypeParam>());
    ASSERT_TRUE(copy.deserialise(whole.version(), bytes_of(whole)));
    EXPECT_EQ(bytes_of(copy), bytes_of(whole));
    copy.clear();
    EXPECT_EQ(bytes_of(copy), bytes_of(over(0, 0)));
  }
}

TEST(RanksStateTest, MoreThanItKeepsIsOnlyCounted) {
  const model::KeyWindow window{0, 10, true};
  const std::vector<std::int64_t> values(kMostKept, 3);
  RanksState state(window, ElementType::I64);
  feed<std::int64_t>(state, values, 0, values.size());
  EXPECT_EQ(state.kept(), kMostKept);
  RanksState other = state;
  state.merge(other);
  EXPECT_EQ(state.inside(), 2 * kMostKept);
  EXPECT_EQ(state.kept(), 0U);
  RanksState copy(window, ElementType::I64);
  ASSERT_TRUE(copy.deserialise(1, bytes_of(state)));
  EXPECT_EQ(bytes_of(copy), bytes_of(state));
}

TEST(RanksStateTest, BytesThatAreNoStateAreRefused) {
  for (const bool keeps : {false, true}) {
    const std::vector<std::int64_t> values{1, 2, 3};
    RanksState state({1, 3, keeps}, ElementType::I64);
    feed<std::int64_t>(state, values, 0, values.size());
    const auto bytes = bytes_of(state);
    auto changed = bytes;
    changed[24] ^= std::byte{4};  // inside
    EXPECT_FALSE(state.deserialise(1, changed));
    changed = bytes;
    changed[32 + 7] = std::byte{0xFF};  // the first bucket, or key
    EXPECT_FALSE(state.deserialise(1, changed));
    changed = bytes;
    changed.pop_back();
    EXPECT_FALSE(state.deserialise(1, changed));
    EXPECT_FALSE(state.deserialise(2, bytes));
    EXPECT_FALSE(state.deserialise(1, {}));
    EXPECT_EQ(bytes_of(state), bytes);
  }
}

}  // namespace
}  // namespace tally::reduce::testing
