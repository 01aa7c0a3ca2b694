// For kernels of floats that go by blocks (float_blocks.h): what is the same in them.
// Included by a kernel's file, once for each instruction set, as Highway's -inl.h are.
#if defined(TALLY_RUNTIME_REDUCE_FLOAT_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TALLY_RUNTIME_REDUCE_FLOAT_BLOCKS_INL_H_
#undef TALLY_RUNTIME_REDUCE_FLOAT_BLOCKS_INL_H_
#else
#define TALLY_RUNTIME_REDUCE_FLOAT_BLOCKS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ipc/base/int128.h"
#include "runtime/reduce/float_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // equal names in two kernels' files would be one function to the linker

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Integers = hn::RebindToSigned<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;

[[maybe_unused]] HWY_ATTR inline auto LoadDoubles(const double* data) {
  return hn::LoadU(Doubles(), data);
}

// A float is a double, exactly, where subnormals count.
[[maybe_unused]] HWY_ATTR inline auto LoadDoubles(const float* data) {
  const Doubles d;
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Doubles>(), data));
}

[[maybe_unused]] inline double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

// Of lanes that are Integers.
template <class V>
HWY_ATTR Int128 TotalOfLanes(V lanes) {
  const Integers d;
  HWY_ALIGN std::int64_t stored[hn::MaxLanes(d)];
  hn::Store(lanes, d, stored);
  Int128 total = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) total += stored[i];
  return total;
}

// How a kernel splits elements.
struct Splitting {
  int element_bits;  // from an element's first to its last, and what else must fit in
  int part_bits;
  int most_parts;
  int most_exponent;
};

// What a block needs, by its largest and its least exponent; no parts: it is not for
// the kernel.
template <typename T>
HWY_ATTR BlockPlan PlanFor(const T* data, std::size_t count, const Splitting& how) {
  const Bits d;
  const auto magnitude = hn::Set(d, ~std::uint64_t{0} >> 1);
  const auto one = hn::Set(d, 1);
  auto most = hn::Zero(d);
  auto least = hn::Set(d, ~std::uint64_t{0});  // less one: zeros do not count
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto bits = hn::And(magnitude, hn::BitCast(d, LoadDoubles(data + i)));
    most = hn::Max(most, bits);
    least = hn::Min(least, hn::Sub(bits, one));
  }
  HWY_ALIGN std::uint64_t mosts[hn::MaxLanes(d)];
  HWY_ALIGN std::uint64_t leasts[hn::MaxLanes(d)];
  hn::Store(most, d, mosts);
  hn::Store(least, d, leasts);
  const std::uint64_t high = *std::max_element(mosts, mosts + hn::Lanes(d));
  const std::uint64_t low = *std::min_element(leasts, leasts + hn::Lanes(d)) + 1;
  const int high_exponent = std::max(static_cast<int>(high >> 52), 1);
  const int low_exponent = std::max(static_cast<int>(low >> 52), 1);
  const int bits = high_exponent - low_exponent + how.element_bits;
  BlockPlan plan;
  plan.exponent = high_exponent - 1023;
  plan.parts = (bits + how.part_bits - 1) / how.part_bits;
  if (high == 0 || plan.exponent > how.most_exponent || plan.parts > how.most_parts)
    plan.parts = 0;
  return plan;
}

// One block as the last one was, or else as it needs, which is make_plan(): add(parts)
// by the rest of the plan, which says whether that did.
template <typename Plan, typename MakePlan, typename Add>
HWY_ATTR bool AddNext(Plan& plan, const MakePlan& make_plan, const Add& add) {
  constexpr unsigned kTryLessEvery = 64;  // data may have become simpler
  if (plan.parts > 1 && ++plan.blocks % kTryLessEvery == 0 && add(plan.parts - 1)) {
    --plan.parts;
    return true;
  }
  if (plan.parts > 0 && add(plan.parts)) return true;
  plan = make_plan();
  return plan.parts > 0 && add(plan.parts);
}

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
