// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/int_squares_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "runtime/reduce/int_squares_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // other kernels have inline functions of the same names

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and has no halves to multiply

template <class V>
std::uint64_t TotalOfLanes(V lanes) {
  const hn::DFromV<V> d;
  HWY_ALIGN hn::TFromV<V> stored[hn::MaxLanes(d)];
  hn::Store(lanes, d, stored);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) total += stored[i];
  return total;
}

// Adds the lower and the upper halves of the lanes apart.
template <class D, class V>
HWY_INLINE void AddHalves(D d, V squares, hn::VFromD<D>& low, hn::VFromD<D>& high) {
  using Lane = hn::TFromD<D>;
  constexpr int kHalfBits = sizeof(Lane) * 4;
  const auto lanes = hn::BitCast(d, squares);
  const auto mask = hn::Set(d, static_cast<Lane>((Lane{1} << kHalfBits) - 1));
  low = hn::Add(low, hn::And(lanes, mask));
  high = hn::Add(high, hn::ShiftRight<kHalfBits>(lanes));
}

// T has 8 or 16 bits; Wide is of its signedness, and twice as wide.
template <typename Wide, typename T>
SquareHalves NarrowSquares(const T* data, std::size_t count) {
  const hn::ScalableTag<Wide> d;
  const hn::Repartition<
      std::conditional_t<sizeof(T) == 1, std::uint32_t, std::uint64_t>, decltype(d)>
      lanes;
  const hn::Rebind<T, decltype(d)> narrow;
  const std::size_t step = hn::Lanes(d);
  // A half takes as many additions as it has values.
  constexpr std::size_t kMaxTrips = std::size_t{1} << std::min<int>(sizeof(T) * 16, 24);
  SquareHalves sums;
  while (count - sums.visited >= step) {
    const std::size_t trips = std::min(kMaxTrips, (count - sums.visited) / step);
    auto low = hn::Zero(lanes), high = low;
    for (std::size_t trip = 0; trip < trips; ++trip) {
      const auto x = hn::PromoteTo(d, hn::LoadU(narrow, data + sums.visited));
      AddHalves(lanes, hn::Mul(x, x), low, high);  // the square as an unsigned number
      sums.visited += step;
    }
    sums.low += TotalOfLanes(low);
    sums.high += TotalOfLanes(high);
  }
  return sums;
}

template <typename T>
SquareHalves WideSquares(const T* data, std::size_t count) {
  const hn::ScalableTag<T> d;
  const hn::Repartition<std::uint64_t, decltype(d)> lanes;
  const std::size_t step = hn::Lanes(d);
  SquareHalves sums;
  auto low = hn::Zero(lanes), high = low;
  for (; count - sums.visited >= step; sums.visited += step) {
    const auto even = hn::LoadU(d, data + sums.visited);
    const auto odd = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(lanes, even)));
    AddHalves(lanes, hn::MulEven(even, even), low, high);
    AddHalves(lanes, hn::MulEven(odd, odd), low, high);
  }
  sums.low += TotalOfLanes(low);
  sums.high += TotalOfLanes(high);
  return sums;
}

template <typename T>
LongSquares SquaresByHalves(const T* data, std::size_t count) {
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<decltype(d)> lanes;
  const hn::Repartition<std::uint32_t, decltype(d)> halves;
  const std::size_t step = hn::Lanes(d);
  LongSquares sums;
  // Named, not arrays: g++ -O2 keeps arrays of vectors in memory.
  auto lower_low = hn::Zero(lanes), lower_high = lower_low, mixed_low = lower_low;
  auto mixed_high = lower_low, upper_low = lower_low, upper_high = lower_low;
  for (; count - sums.visited >= step; sums.visited += step) {
    auto size = hn::LoadU(d, data + sums.visited);
    if constexpr (std::is_signed_v<T>) size = hn::Abs(size);  // 2^63 if read unsigned
    const auto l = hn::BitCast(halves, size);
    const auto u = hn::BitCast(halves, hn::ShiftRight<32>(hn::BitCast(lanes, size)));
    AddHalves(lanes, hn::MulEven(l, l), lower_low, lower_high);
    AddHalves(lanes, hn::MulEven(l, u), mixed_low, mixed_high);
    AddHalves(lanes, hn::MulEven(u, u), upper_low, upper_high);
  }
  sums.lower = {TotalOfLanes(lower_low), TotalOfLanes(lower_high)};
  sums.mixed = {TotalOfLanes(mixed_low), TotalOfLanes(mixed_high)};
  sums.upper = {TotalOfLanes(upper_low), TotalOfLanes(upper_high)};
  return sums;
}

#else

template <typename Wide, typename T>
SquareHalves NarrowSquares(const T*, std::size_t) {
  return {};
}
template <typename T>
SquareHalves WideSquares(const T*, std::size_t) {
  return {};
}
template <typename T>
LongSquares SquaresByHalves(const T*, std::size_t) {
  return {};
}

#endif

SquareHalves I8(const std::int8_t* data, std::size_t count) {
  return NarrowSquares<std::int16_t>(data, count);
}
SquareHalves U8(const std::uint8_t* data, std::size_t count) {
  return NarrowSquares<std::uint16_t>(data, count);
}
SquareHalves I16(const std::int16_t* data, std::size_t count) {
  return NarrowSquares<std::int32_t>(data, count);
}
SquareHalves U16(const std::uint16_t* data, std::size_t count) {
  return NarrowSquares<std::uint32_t>(data, count);
}
SquareHalves I32(const std::int32_t* data, std::size_t count) {
  return WideSquares(data, count);
}
SquareHalves U32(const std::uint32_t* data, std::size_t count) {
  return WideSquares(data, count);
}
LongSquares I64(const std::int64_t* data, std::size_t count) {
  return SquaresByHalves(data, count);
}
LongSquares U64(const std::uint64_t* data, std::size_t count) {
  return SquaresByHalves(data, count);
}

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(I8);
HWY_EXPORT(U8);
HWY_EXPORT(I16);
HWY_EXPORT(U16);
HWY_EXPORT(I32);
HWY_EXPORT(U32);
HWY_EXPORT(I64);
HWY_EXPORT(U64);
}  // namespace

SquareHalves square_halves(const std::int8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I8)(data, count);
}
SquareHalves square_halves(const std::uint8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U8)(data, count);
}
SquareHalves square_halves(const std::int16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I16)(data, count);
}
SquareHalves square_halves(const std::uint16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U16)(data, count);
}
SquareHalves square_halves(const std::int32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I32)(data, count);
}
SquareHalves square_halves(const std::uint32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U32)(data, count);
}

LongSquares long_squares(const std::int64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(I64)(data, count);
}
LongSquares long_squares(const std::uint64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(U64)(data, count);
}

}  // namespace tally::reduce
#endif
