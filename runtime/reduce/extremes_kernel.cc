// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/extremes_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "runtime/reduce/extremes_kernel.h"
#include "runtime/reduce/order_key.h"
#include "runtime/reduce/prefetch_ahead.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Integers are compared as they are; floats as the signed integers of their key.
template <typename T>
using Comparable =
    std::conditional_t<std::is_same_v<T, float>, std::int32_t,
                       std::conditional_t<std::is_same_v<T, double>, std::int64_t, T>>;

template <typename T, class D>
HWY_INLINE hn::VFromD<D> LoadComparable(D d, const T* at) {
  if constexpr (std::is_floating_point_v<T>) {
    using C = hn::TFromD<D>;
    const auto bits = hn::BitCast(d, hn::LoadU(hn::Rebind<T, D>(), at));
    const auto negative = hn::VecFromMask(d, hn::Lt(bits, hn::Zero(d)));
    const auto turn = hn::Set(d, std::numeric_limits<C>::max());
    return hn::Xor(bits, hn::And(negative, turn));
  } else {
    return hn::LoadU(d, at);
  }
}

template <typename C>
std::int64_t KeyOfComparable(C value) {
  return order_key(value);
}

template <typename T>
KeyRange KeyRangeOf(const T* data, std::size_t count) {
  using C = Comparable<T>;
  const hn::ScalableTag<C> d;
  const std::size_t lanes = hn::Lanes(d);
  KeyRange range{order_key(data[0]), order_key(data[0]), 0};
  if (count >= 2 * lanes) {
    auto least0 = LoadComparable(d, data), least1 = least0;
    auto greatest0 = least0, greatest1 = least0;
    for (; count - range.visited >= 2 * lanes; range.visited += 2 * lanes) {
      prefetch_ahead(data + range.visited, 2 * lanes);
      const auto a = LoadComparable(d, data + range.visited);
      const auto b = LoadComparable(d, data + range.visited + lanes);
      least0 = hn::Min(least0, a);
      least1 = hn::Min(least1, b);
      greatest0 = hn::Max(greatest0, a);
      greatest1 = hn::Max(greatest1, b);
    }
    HWY_ALIGN C least[hn::MaxLanes(d)];
    HWY_ALIGN C greatest[hn::MaxLanes(d)];
    hn::Store(hn::Min(least0, least1), d, least);
    hn::Store(hn::Max(greatest0, greatest1), d, greatest);
    range.least = KeyOfComparable(*std::min_element(least, least + lanes));
    range.greatest = KeyOfComparable(*std::max_element(greatest, greatest + lanes));
  }
  for (; range.visited < count; ++range.visited) {
    const std::int64_t key = order_key(data[range.visited]);
    range.least = std::min(range.least, key);
    range.greatest = std::max(range.greatest, key);
  }
  return range;
}

KeyRange I8(const std::int8_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange I16(const std::int16_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange I32(const std::int32_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange I64(const std::int64_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange U8(const std::uint8_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange U16(const std::uint16_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange U32(const std::uint32_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange U64(const std::uint64_t* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange F32(const float* data, std::size_t n) {
  return KeyRangeOf(data, n);
}
KeyRange F64(const double* data, std::size_t n) {
  return KeyRangeOf(data, n);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(I8);
HWY_EXPORT(I16);
HWY_EXPORT(I32);
HWY_EXPORT(I64);
HWY_EXPORT(U8);
HWY_EXPORT(U16);
HWY_EXPORT(U32);
HWY_EXPORT(U64);
HWY_EXPORT(F32);
HWY_EXPORT(F64);
}  // namespace

template <>
KeyRange key_range(const std::int8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I8)(data, count);
}
template <>
KeyRange key_range(const std::int16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I16)(data, count);
}
template <>
KeyRange key_range(const std::int32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I32)(data, count);
}
template <>
KeyRange key_range(const std::int64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I64)(data, count);
}
template <>
KeyRange key_range(const std::uint8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U8)(data, count);
}
template <>
KeyRange key_range(const std::uint16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U16)(data, count);
}
template <>
KeyRange key_range(const std::uint32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U32)(data, count);
}
template <>
KeyRange key_range(const std::uint64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U64)(data, count);
}
template <>
KeyRange key_range(const float* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F32)(data, count);
}
template <>
KeyRange key_range(const double* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(F64)(data, count);
}

}  // namespace tally::reduce
#endif
