// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
//
// A window has few of the elements as a rule: what is in it is found by one unsigned
// comparison of the key's distance from the window's start, some vectors at a time, and
// only the bits of their mask are looked at again. (Highway's Compress takes a table
// that g++ copies to the stack each time: twice as long.)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/rank_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

#include "runtime/reduce/order_key.h"
#include "runtime/reduce/rank_kernel.h"
#include "runtime/reduce/unroll.h"

// Once, for all instruction sets.
#ifndef TALLY_RUNTIME_REDUCE_RANK_KERNEL_COMMON_
#define TALLY_RUNTIME_REDUCE_RANK_KERNEL_COMMON_
namespace tally::reduce {

// One element after the other: what is left at the end of a run, and narrow types.
template <typename T>
void select_one_by_one(const T* data, std::size_t count, const model::KeyWindow& window,
                       std::uint64_t* offsets, SelectedKeys& selected) {
  const auto least = static_cast<std::uint64_t>(window.least);
  const std::uint64_t width = static_cast<std::uint64_t>(window.greatest) - least;
  for (std::size_t i = 0; i < count; ++i) {
    const T value = data[i];
    if constexpr (std::floating_point<T>) {
      if (std::isnan(value)) {
        ++selected.nans;
        continue;
      }
    }
    const std::int64_t key = order_key(value);
    const std::uint64_t offset = static_cast<std::uint64_t>(key) - least;
    *offsets = offset;
    const bool inside = offset <= width;
    offsets += inside ? 1 : 0;
    selected.inside += inside ? 1 : 0;
    selected.below += key < window.least ? 1 : 0;
  }
  selected.visited += count;
}

// NaNs that a loop took for keys: those of a sign lie below every window.
template <std::floating_point T>
void set_nans_apart(const T* data, std::size_t count, SelectedKeys& selected) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isnan(data[i])) continue;
    ++selected.nans;
    if (std::signbit(data[i])) --selected.below;
  }
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

// Integers compare as they are, floats as the bits of order_key().
template <typename T>
struct KeyOf {
  using Lane = T;
};
template <>
struct KeyOf<float> {
  using Lane = std::int32_t;
};
template <>
struct KeyOf<double> {
  using Lane = std::int64_t;
};

template <typename T>
typename KeyOf<T>::Lane LeastKey(const model::KeyWindow& window) {
  if constexpr (std::floating_point<T>)
    return static_cast<typename KeyOf<T>::Lane>(window.least);
  else
    return value_of_key<T>(window.least);
}

template <typename T, class D = hn::ScalableTag<typename KeyOf<T>::Lane>>
HWY_ATTR HWY_INLINE hn::VFromD<D> LoadKeys(D d, const T* data) {
  if constexpr (std::floating_point<T>) {
    const auto bits = hn::BitCast(d, hn::LoadU(hn::ScalableTag<T>(), data));
    const auto flip = hn::Set(d, std::numeric_limits<hn::TFromD<D>>::max());
    return hn::Xor(bits, hn::And(hn::BroadcastSignBit(bits), flip));
  } else {
    return hn::LoadU(d, data);
  }
}

template <class D, class M>
[[maybe_unused]] HWY_ATTR HWY_INLINE std::uint64_t BitsOf(D d, M mask) {
  // Of the size that is stored: reading more than was just written waits for it.
  std::conditional_t<(hn::MaxLanes(d) > 8), std::uint16_t, std::uint8_t> bits = 0;
  hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

template <typename T>
HWY_ATTR void Select(const T* data, std::size_t count, const model::KeyWindow& window,
                     std::uint64_t* offsets, SelectedKeys& selected) {
#if HWY_TARGET != HWY_SCALAR
  using Lane = typename KeyOf<T>::Lane;
  using Signed = std::make_signed_t<Lane>;
  using Offset = std::make_unsigned_t<Lane>;
  const hn::ScalableTag<Lane> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  // Distances less 2^(bits - 1), which compare as signed numbers.
  constexpr Offset kBias = Offset{1} << (8 * sizeof(Offset) - 1);
  const auto first = static_cast<std::uint64_t>(window.least);
  const auto width =
      static_cast<Offset>(static_cast<std::uint64_t>(window.greatest) - first);
  const auto farthest =
      hn::Set(di, static_cast<Signed>(static_cast<Offset>(width ^ kBias)));
  const Lane least_key = LeastKey<T>(window);
  const auto least = hn::Set(d, least_key);
  const auto start =
      hn::Set(du, static_cast<Offset>(static_cast<Offset>(least_key) ^ kBias));
  SelectedKeys found;
  [[maybe_unused]] auto any_nan = hn::MaskFromVec(hn::Zero(d));
  for (; found.visited + kGroup<T> * lanes <= count;
       found.visited += kGroup<T> * lanes) {
    std::uint64_t inside = 0;
    const T* const at = data + found.visited;
    TALLY_UNROLL for (std::size_t k = 0; k < kGroup<T>; ++k) {
      const auto key = LoadKeys(d, at + k * lanes);
      if constexpr (std::floating_point<T>) {
        const auto x = hn::LoadU(hn::ScalableTag<T>(), at + k * lanes);
        any_nan = hn::Or(any_nan, hn::RebindMask(d, hn::IsNaN(x)));
      }
      const auto distance = hn::BitCast(di, hn::Sub(hn::BitCast(du, key), start));
      inside |= BitsOf(di, hn::Not(hn::Gt(distance, farthest))) << (k * lanes);
      found.below += hn::CountTrue(d, hn::Lt(key, least));
    }
    for (; inside != 0; inside &= inside - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(inside));
      offsets[found.inside++] = static_cast<std::uint64_t>(order_key(at[i])) - first;
    }
  }
  selected.visited += found.visited;
  selected.inside += found.inside;
  selected.below += found.below;
  if constexpr (std::floating_point<T>)
    if (!hn::AllFalse(d, any_nan)) set_nans_apart(data, found.visited, selected);
  data += found.visited;
  count -= found.visited;
  offsets += found.inside;
#endif
  select_one_by_one(data, count, window, offsets, selected);
}

#define TALLY_SELECT(name, type)                                                 \
  void name(const type* data, std::size_t count, const model::KeyWindow& window, \
            std::uint64_t* offsets, SelectedKeys& selected) {                    \
    Select(data, count, window, offsets, selected);                              \
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
                         const model::KeyWindow& window, std::uint64_t* offsets) {
  SelectedKeys selected;
  model::with_type(type, [&](auto zero) {
    using T = decltype(zero);
    const auto* elements = static_cast<const T*>(data);
    if constexpr (std::same_as<T, double>)
      HWY_DYNAMIC_DISPATCH(SelectF64)(elements, count, window, offsets, selected);
    else if constexpr (std::same_as<T, float>)
      HWY_DYNAMIC_DISPATCH(SelectF32)(elements, count, window, offsets, selected);
    else if constexpr (std::same_as<T, std::int64_t>)
      HWY_DYNAMIC_DISPATCH(SelectI64)(elements, count, window, offsets, selected);
    else if constexpr (std::same_as<T, std::uint64_t>)
      HWY_DYNAMIC_DISPATCH(SelectU64)(elements, count, window, offsets, selected);
    else if constexpr (std::same_as<T, std::int32_t>)
      HWY_DYNAMIC_DISPATCH(SelectI32)(elements, count, window, offsets, selected);
    else if constexpr (std::same_as<T, std::uint32_t>)
      HWY_DYNAMIC_DISPATCH(SelectU32)(elements, count, window, offsets, selected);
    else
      select_one_by_one(elements, count, window, offsets, selected);
  });
  return selected;
}

}  // namespace tally::reduce
#endif
