// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/range_sum_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime/reduce/range_sum_kernel.h"
#include "runtime/reduce/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The compiler must take `vector` for changed in a way that it cannot know.
template <class V>
HWY_INLINE void Opaque(V& vector) {
#if HWY_TARGET == HWY_EMU128
  asm volatile("" : "+m"(vector.raw));
#elif HWY_TARGET == HWY_SCALAR
  asm volatile("" : "+r"(vector.raw));
#elif HWY_ARCH_X86
  asm volatile("" : "+v"(vector.raw));
#elif HWY_ARCH_ARM
  asm volatile("" : "+w"(vector.raw));
#else
  asm volatile("" : "+m"(vector.raw));
#endif
}

// The name is known to range_loop_disassembly_test.py.
HWY_NOINLINE RangeLoopSum RangeSumLoop(std::uint64_t first, std::uint64_t step,
                                       std::uint64_t count) {
  const hn::ScalableTag<std::uint64_t> d;
  using V = hn::VFromD<decltype(d)>;
  // Sums, indexes and the stride must fit the registers: 32 with AVX-512, else 16.
  constexpr std::size_t kVectors = HWY_TARGET <= HWY_AVX3 ? 8 : 6;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN std::uint64_t start[hn::MaxLanes(d)];
  for (std::size_t i = 0; i < lanes; ++i) start[i] = first + i * step;

  V index[kVectors], sum[kVectors];
  TALLY_UNROLL for (std::size_t i = 0; i < kVectors; ++i) {
    index[i] = hn::Add(hn::Load(d, start), hn::Set(d, i * lanes * step));
    sum[i] = hn::Zero(d);
  }
  const V stride = hn::Set(d, kVectors * lanes * step);
  const std::uint64_t groups = count / (kVectors * lanes);
  std::uint64_t group = 0;
  for (; group < groups; ++group) {
    TALLY_UNROLL for (std::size_t i = 0; i < kVectors; ++i) {
      sum[i] = hn::Add(sum[i], index[i]);
      index[i] = hn::Add(index[i], stride);
      Opaque(index[i]);
    }
  }
  V all = hn::Zero(d);
  TALLY_UNROLL for (std::size_t i = 0; i < kVectors; ++i) all = hn::Add(all, sum[i]);
  hn::Store(all, d, start);
  RangeLoopSum result{0, group * kVectors * lanes};
  for (std::size_t i = 0; i < lanes; ++i) result.sum += start[i];
  return result;
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(RangeSumLoop);
}  // namespace

RangeLoopSum range_sum_loop(std::uint64_t first, std::uint64_t step,
                            std::uint64_t count) {
  return HWY_DYNAMIC_DISPATCH(RangeSumLoop)(first, step, count);
}

}  // namespace tally::reduce
#endif
