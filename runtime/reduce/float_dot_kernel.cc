// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_dot_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "runtime/reduce/float_blocks-inl.h"
#include "runtime/reduce/float_dot_kernel.h"
#include "runtime/reduce/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {
namespace {  // other kernels have inline functions of the same names

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // one lane is no gain, and has no halves to multiply

using Halves = hn::Repartition<std::int32_t, Doubles>;

constexpr int kDigitBits = 28;
constexpr int kFirstBits = 27;  // of the first digit, beside its sign
constexpr int kMaxDigits = 4;
constexpr int kMaxExponent = 990;  // the first anchor is 2^26 times as large
constexpr int kLeastUnit = -1074;
// With up to four products a step in one lane it would be 2^9: see SlotOf.
constexpr std::size_t kSteps = 128;

HWY_ATTR inline std::size_t BlockElements() {
  return kSteps * hn::Lanes(Doubles());
}

constexpr int UnitOf(int exponent, int digit) {
  return exponent + 1 - kFirstBits - kDigitBits * digit;
}

// The lanes that the product of two digits is added to. At most three share one: where
// there are four of equal weight, two go into a further one.
constexpr int SlotOf(int digits, int k, int j) {
  return digits == 4 && k + j == 3 && k > 1 ? 2 * digits - 1 : k + j;
}
constexpr int Slots(int digits) {
  return 2 * digits - (digits == 4 ? 0 : 1);
}
constexpr int WeightOf(int digits, int slot) {
  return slot == 2 * digits - 1 ? 3 : slot;  // k + j
}

template <int kDigits, typename T>
HWY_ATTR bool AddBlock(const T* x_data, const T* y_data, const DotPlan& plan,
                       ProductSum& into) {
  const Doubles d;
  const Integers di;
  const Halves halves;
  hn::VFromD<Doubles> x_anchor[kDigits];
  hn::VFromD<Doubles> y_anchor[kDigits];
  TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
    x_anchor[k] = hn::Set(d, 1.5 * PowerOfTwo(52 + UnitOf(plan.x_exponent, k)));
    y_anchor[k] = hn::Set(d, 1.5 * PowerOfTwo(52 + UnitOf(plan.y_exponent, k)));
  }
  hn::VFromD<Integers> products[Slots(kDigits)];
  TALLY_UNROLL for (int slot = 0; slot < Slots(kDigits); ++slot) {
    products[slot] = hn::Zero(di);
  }
  auto rest = hn::Zero(d);
  auto x_most = hn::Zero(d);
  auto y_most = hn::Zero(d);
  for (std::size_t step = 0; step < kSteps; ++step) {
    auto x = LoadDoubles(x_data);
    auto y = LoadDoubles(y_data);
    x_data += hn::Lanes(d);
    y_data += hn::Lanes(d);
    x_most = hn::Max(x_most, hn::Abs(x));
    y_most = hn::Max(y_most, hn::Abs(y));
    hn::VFromD<Halves> x_digit[kDigits];
    hn::VFromD<Halves> y_digit[kDigits];
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      const auto x_raised = hn::Add(x_anchor[k], x);
      const auto y_raised = hn::Add(y_anchor[k], y);
      x_digit[k] = hn::BitCast(halves, x_raised);
      y_digit[k] = hn::BitCast(halves, y_raised);
      x = hn::Sub(x, hn::Sub(x_raised, x_anchor[k]));
      y = hn::Sub(y, hn::Sub(y_raised, y_anchor[k]));
    }
    rest = hn::Or(rest, hn::Or(x, y));  // of a NaN or an infinity: not zero
    TALLY_UNROLL for (int k = 0; k < kDigits; ++k) {
      TALLY_UNROLL for (int j = 0; j < kDigits; ++j) {
        auto& into_lanes = products[SlotOf(kDigits, k, j)];
        into_lanes = hn::Add(into_lanes, hn::MulEven(x_digit[k], y_digit[j]));
      }
    }
  }
  const auto fits =
      hn::And(hn::Eq(rest, hn::Zero(d)),
              hn::And(hn::Lt(x_most, hn::Set(d, PowerOfTwo(plan.x_exponent + 1))),
                      hn::Lt(y_most, hn::Set(d, PowerOfTwo(plan.y_exponent + 1)))));
  if (!hn::AllTrue(d, fits)) return false;
  const int first = UnitOf(plan.x_exponent, 0) + UnitOf(plan.y_exponent, 0);
  TALLY_UNROLL for (int slot = 0; slot < Slots(kDigits); ++slot) {
    const int weight = first - kDigitBits * WeightOf(kDigits, slot);
    const Int128 total = TotalOfLanes(products[slot]);
    if (total != 0)
      into.add(total, static_cast<unsigned>(weight + int{ProductSum::kOneBit}));
  }
  return true;
}

template <typename T>
HWY_ATTR bool AddBlockBy(int digits, const T* x, const T* y, const DotPlan& plan,
                         ProductSum& into) {
  switch (digits) {
    case 1: return AddBlock<1>(x, y, plan, into);
    case 2: return AddBlock<2>(x, y, plan, into);
    case 3: return AddBlock<3>(x, y, plan, into);
    case 4: return AddBlock<4>(x, y, plan, into);
    default: return false;
  }
}

// What a block needs; no parts: it is not for the kernel. Units are not cut off at the
// least there is, as then equal k + j would not weigh the same.
template <typename T>
HWY_ATTR DotPlan DotPlanFor(const T* x, const T* y) {
  // Doubles have 53 bits, floats 24: the last ones of a promoted float are zero. And
  // one more: the first digit has 27 of them.
  constexpr int kElementBits = (sizeof(T) == sizeof(float) ? 24 : 53) + 1;
  constexpr Splitting kHow{kElementBits, kDigitBits, kMaxDigits, kMaxExponent};
  const BlockPlan of_x = PlanFor(x, BlockElements(), kHow);
  const BlockPlan of_y = PlanFor(y, BlockElements(), kHow);
  DotPlan plan{of_x.exponent, of_y.exponent, std::max(of_x.parts, of_y.parts), 0};
  const int least = std::min(of_x.exponent, of_y.exponent);
  if (of_x.parts == 0 || of_y.parts == 0 || UnitOf(least, plan.parts - 1) < kLeastUnit)
    plan.parts = 0;
  return plan;
}

// One block, as it needs.
template <typename T>
HWY_ATTR bool AddNextPairs(const T* x, const T* y, DotPlan& plan, ProductSum& into) {
  return AddNext(
      plan, [&]() HWY_ATTR { return DotPlanFor(x, y); },
      [&](int digits) HWY_ATTR { return AddBlockBy(digits, x, y, plan, into); });
}

template <typename T>
HWY_ATTR BlockRun AddPairs(const T* x, const T* y, std::size_t count, ProductSum& into,
                           DotPlan& plan) {
  BlockRun run;
  const std::size_t block = BlockElements();
  while (count - run.visited >= block &&
         AddNextPairs(x + run.visited, y + run.visited, plan, into))
    run.visited += block;
  run.leave = std::min(block, count - run.visited);
  return run;
}

#else

template <typename T>
BlockRun AddPairs(const T*, const T*, std::size_t count, ProductSum&, DotPlan&) {
  return {0, count};
}

#endif

BlockRun DotFloats(const float* x, const float* y, std::size_t count, ProductSum& into,
                   DotPlan& plan) {
  return AddPairs(x, y, count, into, plan);
}
BlockRun DotDoubles(const double* x, const double* y, std::size_t count,
                    ProductSum& into, DotPlan& plan) {
  return AddPairs(x, y, count, into, plan);
}

}  // namespace
}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(DotFloats);
HWY_EXPORT(DotDoubles);
}  // namespace

BlockRun dot_by_digits(const float* x, const float* y, std::size_t count,
                       ProductSum& into, DotPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(DotFloats)(x, y, count, into, plan);
}
BlockRun dot_by_digits(const double* x, const double* y, std::size_t count,
                       ProductSum& into, DotPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(DotDoubles)(x, y, count, into, plan);
}

}  // namespace tally::reduce
#endif
