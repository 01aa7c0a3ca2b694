// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/int_sum_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "runtime/reduce/int_sum_kernel.h"
#include "runtime/reduce/prefetch_ahead.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
std::uint64_t TotalOfLanes(D d, V lanes) {
  HWY_ALIGN hn::TFromD<D> stored[hn::MaxLanes(d)];
  hn::Store(lanes, d, stored);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) total += stored[i];
  return total;
}

template <typename Lane>
HalfSums SumOfHalves(const std::byte* data, std::size_t bytes, Lane bias) {
  HalfSums sums;
#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and there LoadU must be aligned
  const hn::ScalableTag<Lane> d;
  constexpr int kHalfBits = sizeof(Lane) * 4;
  // A lane takes 2^half additions of less than 2^half each.
  constexpr std::size_t kMaxTrips = std::size_t{1} << std::min(kHalfBits, 24);
  const std::size_t vector_bytes = hn::Lanes(d) * sizeof(Lane);
  const auto flip = hn::Set(d, bias);
  const auto low_half = hn::Set(d, static_cast<Lane>((Lane{1} << kHalfBits) - 1));
  while (bytes - sums.bytes >= 2 * vector_bytes) {
    const std::size_t trips =
        std::min(kMaxTrips, (bytes - sums.bytes) / (2 * vector_bytes));
    // Named, not arrays: g++ -O2 keeps arrays of vectors in memory.
    auto low0 = hn::Zero(d), low1 = low0, high0 = low0, high1 = low0;
    for (std::size_t trip = 0; trip < trips; ++trip) {
      const std::byte* at = data + sums.bytes;
      prefetch_ahead(at, 2 * vector_bytes);
      const auto a = hn::Xor(flip, hn::LoadU(d, reinterpret_cast<const Lane*>(at)));
      const auto b =
          hn::Xor(flip, hn::LoadU(d, reinterpret_cast<const Lane*>(at + vector_bytes)));
      low0 = hn::Add(low0, hn::And(a, low_half));
      low1 = hn::Add(low1, hn::And(b, low_half));
      high0 = hn::Add(high0, hn::ShiftRight<kHalfBits>(a));
      high1 = hn::Add(high1, hn::ShiftRight<kHalfBits>(b));
      sums.bytes += 2 * vector_bytes;
    }
    sums.low += TotalOfLanes(d, low0) + TotalOfLanes(d, low1);
    sums.high += TotalOfLanes(d, high0) + TotalOfLanes(d, high1);
  }
#else
  (void)data, (void)bytes, (void)bias;
#endif
  return sums;
}

HalfSums HalfSums16(const std::byte* data, std::size_t bytes, std::uint16_t bias) {
  return SumOfHalves<std::uint16_t>(data, bytes, bias);
}
HalfSums HalfSums32(const std::byte* data, std::size_t bytes, std::uint32_t bias) {
  return SumOfHalves<std::uint32_t>(data, bytes, bias);
}
HalfSums HalfSums64(const std::byte* data, std::size_t bytes, std::uint64_t bias) {
  return SumOfHalves<std::uint64_t>(data, bytes, bias);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(HalfSums16);
HWY_EXPORT(HalfSums32);
HWY_EXPORT(HalfSums64);
}  // namespace

HalfSums half_sums_16(const std::byte* data, std::size_t bytes, std::uint16_t bias) {
  return HWY_DYNAMIC_DISPATCH(HalfSums16)(data, bytes, bias);
}
HalfSums half_sums_32(const std::byte* data, std::size_t bytes, std::uint32_t bias) {
  return HWY_DYNAMIC_DISPATCH(HalfSums32)(data, bytes, bias);
}
HalfSums half_sums_64(const std::byte* data, std::size_t bytes, std::uint64_t bias) {
  return HWY_DYNAMIC_DISPATCH(HalfSums64)(data, bytes, bias);
}

}  // namespace tally::reduce
#endif
