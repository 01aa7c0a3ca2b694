// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_sum_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>

#include "runtime/reduce/float_blocks-inl.h"
#include "runtime/reduce/float_sum_kernel.h"
#include "runtime/reduce/prefetch_ahead.h"
#include "runtime/reduce/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // other kernels have inline functions of the same names

namespace hn = hwy::HWY_NAMESPACE;

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
    prefetch_ahead(data, kStreams * lanes);
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

// One block, as it needs.
template <typename T>
HWY_ATTR bool AddNextBlock(const T* data, Superaccumulator& into, BlockPlan& plan) {
  constexpr Splitting kHow{53, kLevelBits, kMaxLevels, kMaxExponent};
  return AddNext(
      plan, [&]() HWY_ATTR { return PlanFor(data, BlockElements(), kHow); },
      [&](int levels)
          HWY_ATTR { return AddBlockBy(levels, data, plan.exponent, into); });
}

template <typename T>
HWY_ATTR BlockRun SumBlocks(const T* data, std::size_t count, Superaccumulator& into,
                            BlockPlan& plan) {
  BlockRun run;
#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and there LoadU must be aligned
  const std::size_t block = BlockElements();
  while (count - run.visited >= block && AddNextBlock(data + run.visited, into, plan))
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

BlockRun SumFloats(const float* data, std::size_t count, Superaccumulator& into,
                   BlockPlan& plan) {
  return SumBlocks(data, count, into, plan);
}
BlockRun SumDoubles(const double* data, std::size_t count, Superaccumulator& into,
                    BlockPlan& plan) {
  return SumBlocks(data, count, into, plan);
}

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(SumFloats);
HWY_EXPORT(SumDoubles);
}  // namespace

BlockRun anchored_sum(const float* data, std::size_t count, Superaccumulator& into,
                      BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SumFloats)(data, count, into, plan);
}
BlockRun anchored_sum(const double* data, std::size_t count, Superaccumulator& into,
                      BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SumDoubles)(data, count, into, plan);
}

}  // namespace tally::reduce
#endif
