// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
//
// t = (x - lo) / width is computed in floating point and its whole part is the bin,
// unless t is so near to a whole number that the errors made could have carried it
// across the edge there; these few are looked up among the edges by the caller. Without
// a gather the loop takes about a cycle an element, and counting takes the rest.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/histogram_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime/reduce/histogram_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// To it small numbers add as whole ones, rounded to nearest; the sum's bits less its
// own are the whole number.
constexpr double kAnchor = 0x1.8p52;

template <class D>
HWY_INLINE hn::VFromD<hn::RebindToUnsigned<D>> Slots(D d, hn::VFromD<D> x,
                                                     const EvenBins& even) {
  const hn::RebindToUnsigned<D> du;
  const auto half = hn::Set(d, 0.5);
  const auto anchor = hn::Set(d, kAnchor);
  const auto count = hn::Set(d, even.count);
  auto t = hn::Mul(hn::Sub(x, hn::Set(d, even.lo)), hn::Set(d, even.bins_per_unit));
  // Half a bin outside is as good as any place outside.
  t = hn::Min(hn::Max(t, hn::Neg(half)), hn::Add(count, half));
  const auto anchored = hn::Add(t, anchor);
  const auto past = hn::Sub(t, hn::Sub(anchored, anchor));  // the nearest whole number
  // Where that is above t, the bin is the one before.
  const auto before = hn::Lt(past, hn::Zero(d));
  const auto nearest = hn::Sub(hn::BitCast(du, anchored), hn::BitCast(du, anchor));
  const auto one = hn::Set(du, 1);
  const auto slot = hn::Sub(hn::Add(nearest, one),
                            hn::IfThenElseZero(hn::RebindMask(du, before), one));
  const auto unsure =
      hn::Or(hn::Lt(hn::Abs(past), hn::Set(d, even.margin)), hn::IsNaN(x));
  return hn::IfThenElse(hn::RebindMask(du, unsure), hn::Set(du, unsure_slot(even)),
                        slot);
}

void PlaceEvenly(const double* values, std::size_t count, const EvenBins& even,
                 std::uint64_t* slots) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(Slots(d, hn::LoadU(d, values + i), even), du, slots + i);
  const hn::CappedTag<double, 1> one;
  const hn::RebindToUnsigned<decltype(one)> one_u;
  for (; i < count; ++i)
    hn::StoreU(Slots(one, hn::LoadU(one, values + i), even), one_u, slots + i);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(PlaceEvenly);
}  // namespace

void place_evenly(const double* values, std::size_t count, const EvenBins& even,
                  std::uint64_t* slots) {
  HWY_DYNAMIC_DISPATCH(PlaceEvenly)(values, count, even, slots);
}

}  // namespace tally::reduce
#endif
