// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_squares_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>

#include "runtime/reduce/float_blocks-inl.h"
#include "runtime/reduce/float_squares_kernel.h"
#include "runtime/reduce/prefetch_ahead.h"
#include "runtime/reduce/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // other kernels have inline functions of the same names

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and has no halves to multiply

using Halves = hn::Repartition<std::int32_t, Doubles>;

constexpr int kDigitBits = 28;
// Products of at most 2^54: 2^8 of them stay below 2^63.
constexpr std::size_t kSteps = 256;
constexpr int kMaxDigits = 4;
constexpr int kMaxExponent = 990;  // the first anchor is 2^26 times as large
constexpr int kLeastUnit = -1074;

HWY_ATTR inline std::size_t BlockElements() {
  return kSteps * hn::Lanes(Doubles());
}

// The first digit has 27 bits and a sign, and what is rounded off is at most half of
// its unit: so has each of the others.
constexpr int UnitOf(int exponent, int digit) {
  return std::max(exponent + 1 - 27 - kDigitBits * digit, kLeastUnit);
}

// Where the block goes: squares always, the rest only if sums are wanted, too.
struct Target {
  ProductSum& squares;
  Superaccumulator* sum = nullptr;
  MomentsBlock* facts = nullptr;
};

template <int kDigits, bool kSums, typename T>
HWY_ATTR bool AddBlock(const T* data, int exponent, const Target& target) {
  constexpr int kPairs = kDigits * (kDigits + 1) / 2;
  const Doubles d;
  const Integers di;
  const Bits bits;
  const Halves halves;
  hn::VFromD<Doubles> anchor[kDigits];
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
    anchor[k] = hn::Set(d, 1.5 * PowerOfTwo(52 + UnitOf(exponent, k)));
  }
  hn::VFromD<Integers> products[kPairs];
  TALLY_UNROLL for (int pair = 0; pair < kPairs; ++pair) {
    products[pair] = hn::Zero(di);
  }
  hn::VFromD<Bits> sums[kDigits];  // modulo 2^64
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) sums[k] = hn::Zero(bits);
  auto rest = hn::Zero(d);
  auto least = LoadDoubles(data);
  auto greatest = least;
  for (std::size_t step = 0; step < kSteps; ++step) {
    prefetch_ahead(data, hn::Lanes(d));
    auto x = LoadDoubles(data);
    data += hn::Lanes(d);
    least = hn::Min(least, x);
    greatest = hn::Max(greatest, x);
    hn::VFromD<Halves> digit[kDigits];
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      const auto raised = hn::Add(anchor[k], x);
      digit[k] = hn::BitCast(halves, raised);
      if constexpr (kSums) sums[k] = hn::Add(sums[k], hn::BitCast(bits, raised));
      x = hn::Sub(x, hn::Sub(raised, anchor[k]));
    }
    rest = hn::Or(rest, x);  // of a NaN or an infinity: not zero
    int pair = 0;
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      TALLY_UNROLL for (int j = k; j < kDigits; ++j, ++pair) {
        products[pair] = hn::Add(products[pair], hn::MulEven(digit[k], digit[j]));
      }
    }
  }
  const auto limit = hn::Set(d, PowerOfTwo(exponent + 1));
  const auto fits =
      hn::And(hn::Eq(rest, hn::Zero(d)),
              hn::And(hn::Lt(greatest, limit), hn::Gt(least, hn::Neg(limit))));
  if (!hn::AllTrue(d, fits)) return false;
  if constexpr (kSums) {
    MomentsBlock& facts = *target.facts;
    facts.least = hn::GetLane(hn::MinOfLanes(d, least));
    facts.greatest = hn::GetLane(hn::MaxOfLanes(d, greatest));
    if (facts.least == 0 && facts.greatest == 0) return false;
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      const auto raised =
          hn::Set(bits, kSteps * std::bit_cast<std::uint64_t>(
                                     1.5 * PowerOfTwo(52 + UnitOf(exponent, k))));
      const Int128 total = TotalOfLanes(hn::BitCast(di, hn::Sub(sums[k], raised)));
      const int weight = UnitOf(exponent, k);
      if (total != 0)
        target.sum->add(total,
                        static_cast<unsigned>(weight + int{Superaccumulator::kOneBit}));
    }
  }
  int pair = 0;
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
    TALLY_UNROLL for (int j = k; j < kDigits; ++j, ++pair) {
      const Int128 total = TotalOfLanes(products[pair]) * (j == k ? 1 : 2);
      const int weight = UnitOf(exponent, k) + UnitOf(exponent, j);
      if (total != 0)
        target.squares.add(total,
                           static_cast<unsigned>(weight + int{ProductSum::kOneBit}));
    }
  }
  return true;
}

template <bool kSums, typename T>
HWY_ATTR bool AddBlockBy(int digits, const T* data, int exponent,
                         const Target& target) {
  switch (digits) {
    case 1: return AddBlock<1, kSums>(data, exponent, target);
    case 2: return AddBlock<2, kSums>(data, exponent, target);
    case 3: return AddBlock<3, kSums>(data, exponent, target);
    case 4: return AddBlock<4, kSums>(data, exponent, target);
    default: return false;
  }
}

// One block, as it needs.
template <bool kSums, typename T>
HWY_ATTR bool AddNextBlock(const T* data, const Target& target, BlockPlan& plan) {
  // Doubles have 53 bits, floats 24: the last ones of a promoted float are zero. And
  // one more: the first digit has 27 of them.
  constexpr int kElementBits = (sizeof(T) == sizeof(float) ? 24 : 53) + 1;
  constexpr Splitting kHow{kElementBits, kDigitBits, kMaxDigits, kMaxExponent};
  return AddNext(
      plan, [&]() HWY_ATTR { return PlanFor(data, BlockElements(), kHow); },
      [&](int digits)
          HWY_ATTR { return AddBlockBy<kSums>(digits, data, plan.exponent, target); });
}

template <typename T>
HWY_ATTR BlockRun AddBlocks(const T* data, std::size_t count, ProductSum& into,
                            BlockPlan& plan) {
  BlockRun run;
  const std::size_t block = BlockElements();
  while (count - run.visited >= block &&
         AddNextBlock<false>(data + run.visited, {into}, plan))
    run.visited += block;
  run.leave = std::min(block, count - run.visited);
  return run;
}

template <typename T>
HWY_ATTR MomentsBlock AddMoments(const T* data, std::size_t count,
                                 Superaccumulator& sum, ProductSum& squares,
                                 BlockPlan& plan) {
  MomentsBlock facts;
  if (count >= BlockElements() &&
      AddNextBlock<true>(data, {squares, &sum, &facts}, plan))
    facts.visited = BlockElements();
  return facts;
}

#else

template <typename T>
BlockRun AddBlocks(const T*, std::size_t count, ProductSum&, BlockPlan&) {
  return {0, count};
}

template <typename T>
MomentsBlock AddMoments(const T*, std::size_t, Superaccumulator&, ProductSum&,
                        BlockPlan&) {
  return {};
}

#endif

BlockRun SquareFloats(const float* data, std::size_t count, ProductSum& into,
                      BlockPlan& plan) {
  return AddBlocks(data, count, into, plan);
}
BlockRun SquareDoubles(const double* data, std::size_t count, ProductSum& into,
                       BlockPlan& plan) {
  return AddBlocks(data, count, into, plan);
}
MomentsBlock FloatMoments(const float* data, std::size_t count, Superaccumulator& sum,
                          ProductSum& squares, BlockPlan& plan) {
  return AddMoments(data, count, sum, squares, plan);
}
MomentsBlock DoubleMoments(const double* data, std::size_t count, Superaccumulator& sum,
                           ProductSum& squares, BlockPlan& plan) {
  return AddMoments(data, count, sum, squares, plan);
}

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(SquareFloats);
HWY_EXPORT(SquareDoubles);
HWY_EXPORT(FloatMoments);
HWY_EXPORT(DoubleMoments);
}  // namespace

BlockRun squares_by_digits(const float* data, std::size_t count, ProductSum& into,
                           BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareFloats)(data, count, into, plan);
}
BlockRun squares_by_digits(const double* data, std::size_t count, ProductSum& into,
                           BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareDoubles)(data, count, into, plan);
}

MomentsBlock moments_by_digits(const float* data, std::size_t count,
                               Superaccumulator& sum, ProductSum& squares,
                               BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(FloatMoments)(data, count, sum, squares, plan);
}
MomentsBlock moments_by_digits(const double* data, std::size_t count,
                               Superaccumulator& sum, ProductSum& squares,
                               BlockPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(DoubleMoments)(data, count, sum, squares, plan);
}

}  // namespace tally::reduce
#endif
