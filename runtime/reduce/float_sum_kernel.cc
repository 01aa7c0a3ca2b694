// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_sum_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>

#include "runtime/reduce/float_sum_kernel.h"

// g++ -O2 keeps arrays of vectors in memory unless every loop over them is unrolled.
#undef TALLY_UNROLL
#if defined(__clang__)
#define TALLY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TALLY_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Integers = hn::RebindToSigned<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;

constexpr int kStreams = 4;  // an addition takes four cycles: so many do not wait
constexpr int kLevelBits = 43;
// 2^7 additions of less than 2^43 units each stay within the anchor's 2^51.
constexpr std::size_t kSteps = 128;
constexpr int kMaxLevels = 4;
constexpr int kMaxExponent = 1010;  // of the first anchor, with its 52 bits
constexpr int kLeastUnit = -1074;

HWY_ATTR inline std::size_t BlockElements() {
  return kSteps * kStreams * hn::Lanes(Doubles());
}

HWY_ATTR inline auto LoadDoubles(const double* data) {
  return hn::LoadU(Doubles(), data);
}

HWY_ATTR inline auto LoadDoubles(const float* data) {
  const Doubles d;
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Doubles>(), data));
}

inline double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

constexpr int UnitOf(int exponent, int level) {
  return std::max(exponent + 1 - kLevelBits * (level + 1), kLeastUnit);
}

template <int kLevels, typename T>
HWY_ATTR bool AddBlock(const T* data, int exponent, Superaccumulator& into) {
  const Doubles d;
  const Integers di;
  const std::size_t lanes = hn::Lanes(d);
  hn::VFromD<Doubles> first[kLevels];
  hn::VFromD<Doubles> anchor[kStreams][kLevels];
  TALLY_UNROLL for (int k = 0; k < kLevels; ++k) {
    first[k] = hn::Set(d, 1.5 * PowerOfTwo(52 + UnitOf(exponent, k)));
    TALLY_UNROLL for (int s = 0; s < kStreams; ++s) anchor[s][k] = first[k];
  }
  auto rest = hn::Zero(d);
  auto largest = hn::Zero(d);
  for (std::size_t step = 0; step < kSteps; ++step) {
    TALLY_UNROLL for (int s = 0; s < kStreams; ++s) {
      auto x = LoadDoubles(data);
      data += lanes;
      largest = hn::Max(largest, hn::Abs(x));
      TALLY_UNROLL for (int k = 0; k < kLevels; ++k) {
        const auto sum = hn::Add(anchor[s][k], x);
        x = hn::Sub(x, hn::Sub(sum, anchor[s][k]));
        anchor[s][k] = sum;
      }
      rest = hn::Or(rest, x);  // of a NaN or an infinity: not zero
    }
  }
  const auto fits = hn::And(hn::Eq(rest, hn::Zero(d)),
                            hn::Lt(largest, hn::Set(d, PowerOfTwo(exponent + 1))));
  if (!hn::AllTrue(d, fits)) return false;
  if (hn::AllTrue(d, hn::Eq(largest, hn::Zero(d)))) return false;
  TALLY_UNROLL for (int k = 0; k < kLevels; ++k) {
    auto units = hn::Zero(di);
    TALLY_UNROLL for (int s = 0; s < kStreams; ++s) units = hn::Add(
        units, hn::Sub(hn::BitCast(di, anchor[s][k]), hn::BitCast(di, first[k])));
    HWY_ALIGN std::int64_t stored[hn::MaxLanes(di)];
    hn::Store(units, di, stored);
    std::int64_t total = 0;
    for (std::size_t i = 0; i < lanes; ++i) total += stored[i];
    if (total != 0)
      into.add(total, static_cast<unsigned>(UnitOf(exponent, k) +
                                            int{Superaccumulator::kOneBit}));
  }
  return true;
}

template <typename T>
HWY_ATTR bool AddBlockBy(int levels, const T* data, int exponent,
                         Superaccumulator& into) {
  switch (levels) {
    case 1: return AddBlock<1>(data, exponent, into);
    case 2: return AddBlock<2>(data, exponent, into);
    case 3: return AddBlock<3>(data, exponent, into);
    case 4: return AddBlock<4>(data, exponent, into);
    default: return false;
  }
}

// What a block needs, by its largest and its least exponent; no levels: it is not for
// us.
template <typename T>
HWY_ATTR FloatSumPlan PlanFor(const T* data, std::size_t count) {
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
  const int bits = high_exponent - low_exponent + 53;
  FloatSumPlan plan;
  plan.exponent = high_exponent - 1023;
  plan.levels = (bits + kLevelBits - 1) / kLevelBits;
  if (high == 0 || plan.exponent > kMaxExponent || plan.levels > kMaxLevels)
    plan.levels = 0;
  return plan;
}

// One block as the last one was, or else as it needs.
template <typename T>
HWY_ATTR bool AddNext(const T* data, Superaccumulator& into, FloatSumPlan& plan) {
  constexpr unsigned kTryLessEvery = 64;  // data may have become simpler
  const auto add = [&](int levels) HWY_ATTR {
    return levels > 0 && AddBlockBy(levels, data, plan.exponent, into);
  };
  if (plan.levels > 1 && ++plan.blocks % kTryLessEvery == 0 && add(plan.levels - 1)) {
    --plan.levels;
    return true;
  }
  if (add(plan.levels)) return true;
  plan = PlanFor(data, BlockElements());
  return add(plan.levels);
}

template <typename T>
HWY_ATTR AnchoredRun SumBlocks(const T* data, std::size_t count, Superaccumulator& into,
                               FloatSumPlan& plan) {
  AnchoredRun run;
#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and there LoadU must be aligned
  const std::size_t block = BlockElements();
  while (count - run.visited >= block && AddNext(data + run.visited, into, plan))
    run.visited += block;
  // What follows a block that is not for us seldom is: do not look at each in vain.
  constexpr std::size_t kLeaveBlocks = 4;
  run.leave = std::min(kLeaveBlocks * block, count - run.visited);
#else
  (void)data, (void)into, (void)plan;
  run.leave = count;
#endif
  return run;
}

AnchoredRun SumFloats(const float* data, std::size_t count, Superaccumulator& into,
                      FloatSumPlan& plan) {
  return SumBlocks(data, count, into, plan);
}
AnchoredRun SumDoubles(const double* data, std::size_t count, Superaccumulator& into,
                       FloatSumPlan& plan) {
  return SumBlocks(data, count, into, plan);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(SumFloats);
HWY_EXPORT(SumDoubles);
}  // namespace

AnchoredRun anchored_sum(const float* data, std::size_t count, Superaccumulator& into,
                         FloatSumPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SumFloats)(data, count, into, plan);
}
AnchoredRun anchored_sum(const double* data, std::size_t count, Superaccumulator& into,
                         FloatSumPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SumDoubles)(data, count, into, plan);
}

}  // namespace tally::reduce
#endif
