// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_squares_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>

#include "runtime/reduce/float_squares_kernel.h"

// g++ -O2 keeps arrays of vectors in memory unless every loop over them is unrolled.
#undef TALLY_UNROLL
#if defined(__clang__)
#define TALLY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TALLY_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // other kernels have inline functions of the same names

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and has no halves to multiply

using Doubles = hn::ScalableTag<double>;
using Integers = hn::RebindToSigned<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;
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

// The first digit has 27 bits and a sign, and what is rounded off is at most half of
// its unit: so has each of the others.
constexpr int UnitOf(int exponent, int digit) {
  return std::max(exponent + 1 - 27 - kDigitBits * digit, kLeastUnit);
}

template <class V>
HWY_ATTR Int128 TotalOfLanes(V lanes) {
  const Integers d;
  HWY_ALIGN std::int64_t stored[hn::MaxLanes(d)];
  hn::Store(lanes, d, stored);
  Int128 total = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) total += stored[i];
  return total;
}

// Where the block goes: squares always, the rest only if sums are wanted, too.
struct Target {
  SquareSum& squares;
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
                           static_cast<unsigned>(weight + int{SquareSum::kOneBit}));
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

// What a block needs, by its largest and its least exponent; no digits: it is not for
// us.
template <typename T>
HWY_ATTR SquaresPlan PlanFor(const T* data, std::size_t count) {
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
  // Doubles have 53 bits, floats 24: the last ones of a promoted float are zero.
  const int mantissa = sizeof(T) == sizeof(float) ? 24 : 53;
  // One more: the first digit has 27 of them.
  const int bits = high_exponent - low_exponent + mantissa + 1;
  SquaresPlan plan;
  plan.exponent = high_exponent - 1023;
  plan.digits = (bits + kDigitBits - 1) / kDigitBits;
  if (high == 0 || plan.exponent > kMaxExponent || plan.digits > kMaxDigits)
    plan.digits = 0;
  return plan;
}

// One block as the last one was, or else as it needs.
template <bool kSums, typename T>
HWY_ATTR bool AddNext(const T* data, const Target& target, SquaresPlan& plan) {
  constexpr unsigned kTryLessEvery = 64;  // data may have become simpler
  const auto add = [&](int digits) HWY_ATTR {
    return digits > 0 && AddBlockBy<kSums>(digits, data, plan.exponent, target);
  };
  if (plan.digits > 1 && ++plan.blocks % kTryLessEvery == 0 && add(plan.digits - 1)) {
    --plan.digits;
    return true;
  }
  if (add(plan.digits)) return true;
  plan = PlanFor(data, BlockElements());
  return add(plan.digits);
}

template <typename T>
HWY_ATTR DigitRun AddBlocks(const T* data, std::size_t count, SquareSum& into,
                            SquaresPlan& plan) {
  DigitRun run;
  const std::size_t block = BlockElements();
  while (count - run.visited >= block &&
         AddNext<false>(data + run.visited, {into}, plan))
    run.visited += block;
  run.leave = std::min(block, count - run.visited);
  return run;
}

template <typename T>
HWY_ATTR MomentsBlock AddMoments(const T* data, std::size_t count,
                                 Superaccumulator& sum, SquareSum& squares,
                                 SquaresPlan& plan) {
  MomentsBlock facts;
  if (count >= BlockElements() && AddNext<true>(data, {squares, &sum, &facts}, plan))
    facts.visited = BlockElements();
  return facts;
}

#else

template <typename T>
DigitRun AddBlocks(const T*, std::size_t count, SquareSum&, SquaresPlan&) {
  return {0, count};
}

template <typename T>
MomentsBlock AddMoments(const T*, std::size_t, Superaccumulator&, SquareSum&,
                        SquaresPlan&) {
  return {};
}

#endif

DigitRun SquareFloats(const float* data, std::size_t count, SquareSum& into,
                      SquaresPlan& plan) {
  return AddBlocks(data, count, into, plan);
}
DigitRun SquareDoubles(const double* data, std::size_t count, SquareSum& into,
                       SquaresPlan& plan) {
  return AddBlocks(data, count, into, plan);
}
MomentsBlock FloatMoments(const float* data, std::size_t count, Superaccumulator& sum,
                          SquareSum& squares, SquaresPlan& plan) {
  return AddMoments(data, count, sum, squares, plan);
}
MomentsBlock DoubleMoments(const double* data, std::size_t count, Superaccumulator& sum,
                           SquareSum& squares, SquaresPlan& plan) {
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

DigitRun squares_by_digits(const float* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareFloats)(data, count, into, plan);
}
DigitRun squares_by_digits(const double* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareDoubles)(data, count, into, plan);
}

MomentsBlock moments_by_digits(const float* data, std::size_t count,
                               Superaccumulator& sum, SquareSum& squares,
                               SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(FloatMoments)(data, count, sum, squares, plan);
}
MomentsBlock moments_by_digits(const double* data, std::size_t count,
                               Superaccumulator& sum, SquareSum& squares,
                               SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(DoubleMoments)(data, count, sum, squares, plan);
}

}  // namespace tally::reduce
#endif
