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

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and has no halves to multiply

using Doubles = hn::ScalableTag<double>;
using Integers = hn::RebindToSigned<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;
using Halves = hn::Repartition<std::int32_t, Doubles>;

constexpr int kDigitBits = 28;
// Products of less than 2^55 (2^27 * 2^27, and some): 2^8 of them stay below 2^63.
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

template <int kDigits, typename T>
HWY_ATTR bool AddBlock(const T* data, int exponent, SquareSum& into) {
  constexpr int kPairs = kDigits * (kDigits + 1) / 2;
  const Doubles d;
  const Halves halves;
  hn::VFromD<Doubles> anchor[kDigits];
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
    anchor[k] = hn::Set(d, 1.5 * PowerOfTwo(52 + UnitOf(exponent, k)));
  }
  hn::VFromD<Integers> products[kPairs];
  TALLY_UNROLL for (int pair = 0; pair < kPairs; ++pair) {
    products[pair] = hn::Zero(Integers());
  }
  auto rest = hn::Zero(d);
  auto largest = hn::Zero(d);
  for (std::size_t step = 0; step < kSteps; ++step) {
    auto x = LoadDoubles(data);
    data += hn::Lanes(d);
    largest = hn::Max(largest, hn::Abs(x));
    hn::VFromD<Halves> digit[kDigits];
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      const auto sum = hn::Add(anchor[k], x);
      digit[k] = hn::BitCast(halves, sum);
      x = hn::Sub(x, hn::Sub(sum, anchor[k]));
    }
    rest = hn::Or(rest, x);  // of a NaN or an infinity: not zero
    int pair = 0;
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      TALLY_UNROLL for (int j = k; j < kDigits; ++j, ++pair) {
        products[pair] = hn::Add(products[pair], hn::MulEven(digit[k], digit[j]));
      }
    }
  }
  const auto fits = hn::And(hn::Eq(rest, hn::Zero(d)),
                            hn::Lt(largest, hn::Set(d, PowerOfTwo(exponent + 1))));
  if (!hn::AllTrue(d, fits)) return false;
  int pair = 0;
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
    TALLY_UNROLL for (int j = k; j < kDigits; ++j, ++pair) {
      const Int128 total = TotalOfLanes(products[pair]) * (j == k ? 1 : 2);
      const int weight = UnitOf(exponent, k) + UnitOf(exponent, j);
      if (total != 0)
        into.add(total, static_cast<unsigned>(weight + int{SquareSum::kOneBit}));
    }
  }
  return true;
}

template <typename T>
HWY_ATTR bool AddBlockBy(int digits, const T* data, int exponent, SquareSum& into) {
  switch (digits) {
    case 1: return AddBlock<1>(data, exponent, into);
    case 2: return AddBlock<2>(data, exponent, into);
    case 3: return AddBlock<3>(data, exponent, into);
    case 4: return AddBlock<4>(data, exponent, into);
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
template <typename T>
HWY_ATTR bool AddNext(const T* data, SquareSum& into, SquaresPlan& plan) {
  constexpr unsigned kTryLessEvery = 64;  // data may have become simpler
  const auto add = [&](int digits) HWY_ATTR {
    return digits > 0 && AddBlockBy(digits, data, plan.exponent, into);
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
  while (count - run.visited >= block && AddNext(data + run.visited, into, plan))
    run.visited += block;
  run.leave = std::min(block, count - run.visited);
  return run;
}

#else

template <typename T>
DigitRun AddBlocks(const T*, std::size_t count, SquareSum&, SquaresPlan&) {
  return {0, count};
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

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(SquareFloats);
HWY_EXPORT(SquareDoubles);
}  // namespace

DigitRun squares_by_digits(const float* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareFloats)(data, count, into, plan);
}
DigitRun squares_by_digits(const double* data, std::size_t count, SquareSum& into,
                           SquaresPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(SquareDoubles)(data, count, into, plan);
}

}  // namespace tally::reduce
#endif
