// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
//
// A range has few of the elements as a rule. Elements are compared with its ends as
// what they are, two comparisons a vector: what is on neither side, as bits of a mask
// of some vectors, is looked at again by its key, and that is where a NaN comes to
// light, or a -0 where the range begins at +0. (Highway's Compress takes a table that
// g++ copies to the stack each time: twice as long.)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/rank_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <concepts>
#include <type_traits>

#include "runtime/reduce/order_key.h"
#include "runtime/reduce/prefetch_ahead.h"
#include "runtime/reduce/rank_kernel.h"
#include "runtime/reduce/unroll.h"

// Once, for all instruction sets.
#ifndef TALLY_RUNTIME_REDUCE_RANK_KERNEL_COMMON_
#define TALLY_RUNTIME_REDUCE_RANK_KERNEL_COMMON_
namespace tally::reduce {

// One more element, which is written even if it is not in the range.
template <typename T>
inline void select_one(T value, std::int64_t least, std::int64_t greatest,
                       std::int64_t* keys, SelectedKeys& selected) {
  if constexpr (std::floating_point<T>) {
    if (std::isnan(value)) {
      ++selected.nans;
      return;
    }
  }
  const std::int64_t key = order_key(value);
  keys[selected.inside] = key;
  selected.below += key < least ? 1 : 0;
  selected.inside += key >= least && key <= greatest ? 1 : 0;
}

}  // namespace tally::reduce
#endif

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors whose masks fit 64 bits.
template <typename T>
constexpr std::size_t kGroup = sizeof(T) == 8 ? 8 : 4;

template <class D, class M>
[[maybe_unused]] HWY_ATTR HWY_INLINE std::uint64_t BitsOf(D d, M mask) {
  // Of the size that is stored: reading more than was just written waits for it.
  std::conditional_t<(hn::MaxLanes(d) > 8), std::uint16_t, std::uint8_t> bits = 0;
  hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

template <typename T>
HWY_ATTR void Select(const T* data, std::size_t count, std::int64_t least,
                     std::int64_t greatest, std::int64_t* keys,
                     SelectedKeys& selected) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(T) >= 4) {
    const hn::ScalableTag<T> d;
    static_assert(kGroup<T> * hn::MaxLanes(d) <= 64);
    const std::size_t lanes = hn::Lanes(d);
    const auto lowest = hn::Set(d, value_of_key<T>(least));
    const auto highest = hn::Set(d, value_of_key<T>(greatest));
    std::size_t below = 0;
    for (; i + kGroup<T> * lanes <= count; i += kGroup<T> * lanes) {
      std::uint64_t rest = 0;
      prefetch_ahead(data + i, kGroup<T> * lanes);
      TALLY_UNROLL for (std::size_t k = 0; k < kGroup<T>; ++k) {
        const auto x = hn::LoadU(d, data + i + k * lanes);
        const auto is_below = hn::Lt(x, lowest);
        const auto is_above = hn::Gt(x, highest);
        rest |= BitsOf(d, hn::Not(hn::Or(is_below, is_above))) << (k * lanes);
        below += hn::CountTrue(d, is_below);
      }
      for (; rest != 0; rest &= rest - 1)
        select_one(data[i + static_cast<std::size_t>(std::countr_zero(rest))], least,
                   greatest, keys, selected);
    }
    selected.below += below;
  }
#endif
  for (; i < count; ++i) select_one(data[i], least, greatest, keys, selected);
  selected.visited += i;
}

#define TALLY_SELECT(name, type)                                                 \
  void name(const type* data, std::size_t count, std::int64_t least,             \
            std::int64_t greatest, std::int64_t* keys, SelectedKeys& selected) { \
    Select(data, count, least, greatest, keys, selected);                        \
  }
TALLY_SELECT(SelectF64, double)
TALLY_SELECT(SelectF32, float)
TALLY_SELECT(SelectI64, std::int64_t)
TALLY_SELECT(SelectU64, std::uint64_t)
TALLY_SELECT(SelectI32, std::int32_t)
TALLY_SELECT(SelectU32, std::uint32_t)
#undef TALLY_SELECT

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {

HWY_EXPORT(SelectF64);
HWY_EXPORT(SelectF32);
HWY_EXPORT(SelectI64);
HWY_EXPORT(SelectU64);
HWY_EXPORT(SelectI32);
HWY_EXPORT(SelectU32);

}  // namespace

SelectedKeys select_keys(model::ElementType type, const void* data, std::size_t count,
                         std::int64_t least, std::int64_t greatest,
                         std::int64_t* keys) {
  SelectedKeys selected;
  model::with_type(type, [&](auto zero) {
    using T = decltype(zero);
    const auto* elements = static_cast<const T*>(data);
    const auto run = [&](auto kernel) {
      kernel(elements, count, least, greatest, keys, selected);
    };
    if constexpr (std::same_as<T, double>) {
      run(HWY_DYNAMIC_DISPATCH(SelectF64));
    } else if constexpr (std::same_as<T, float>) {
      run(HWY_DYNAMIC_DISPATCH(SelectF32));
    } else if constexpr (std::same_as<T, std::int64_t>) {
      run(HWY_DYNAMIC_DISPATCH(SelectI64));
    } else if constexpr (std::same_as<T, std::uint64_t>) {
      run(HWY_DYNAMIC_DISPATCH(SelectU64));
    } else if constexpr (std::same_as<T, std::int32_t>) {
      run(HWY_DYNAMIC_DISPATCH(SelectI32));
    } else if constexpr (std::same_as<T, std::uint32_t>) {
      run(HWY_DYNAMIC_DISPATCH(SelectU32));
    } else {
      for (std::size_t i = 0; i < count; ++i)
        select_one(elements[i], least, greatest, keys, selected);
      selected.visited = count;
    }
  });
  return selected;
}

}  // namespace tally::reduce
#endif
