// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
//
// t = (x - lo) / width is computed in floating point and its whole part is the bin,
// unless t is so near to a whole number that the errors made could have carried it
// across the edge there; of these few the caller looks at the edge itself. Without
// a gather the loop takes about a cycle an element, and counting takes the rest.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/histogram_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <limits>

#include "runtime/reduce/histogram_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// To it small numbers add as whole ones, rounded to nearest; the sum's bits less its
// own are the whole number.
constexpr double kAnchor = 0x1.8p52;

// Gives the lanes that are not sure, all bits set.
template <class D, class DU = hn::RebindToUnsigned<D>>
HWY_INLINE hn::VFromD<DU> Place(D d, const double* values, const EvenBins& even,
                                std::uint64_t* slots) {
  const DU du;
  const auto count = static_cast<std::uint64_t>(even.count);
  const auto half = hn::Set(d, 0.5);
  const auto anchor = hn::Set(d, kAnchor);
  const auto x = hn::LoadU(d, values);
  auto t = hn::Mul(hn::Sub(x, hn::Set(d, even.lo)), hn::Set(d, even.bins_per_unit));
  // Half a bin outside is as good as any place outside.
  t = hn::Min(hn::Max(t, hn::Neg(half)), hn::Set(d, even.count + 0.5));
  const auto anchored = hn::Add(t, anchor);
  const auto past = hn::Sub(t, hn::Sub(anchored, anchor));
  const auto edge = hn::Sub(hn::BitCast(du, anchored), hn::BitCast(du, anchor));
  // Of an element before the nearest edge the slot is that edge's number, else the
  // next.
  const auto before = hn::RebindMask(du, hn::Lt(past, hn::Zero(d)));
  const auto sure = hn::Add(edge, hn::IfThenZeroElse(before, hn::Set(du, 1)));
  const auto nan = hn::RebindMask(du, hn::IsNaN(x));
  const auto in_doubt = hn::IfThenElse(nan, hn::Set(du, 2 * count + 4),
                                       hn::Add(edge, hn::Set(du, count + 3)));
  const auto near = hn::RebindMask(du, hn::Lt(hn::Abs(past), hn::Set(d, even.margin)));
  const auto unsure = hn::Or(near, nan);
  hn::StoreU(hn::IfThenElse(unsure, in_doubt, sure), du, slots);
  return hn::VecFromMask(du, unsure);
}

bool PlaceEvenly(const double* values, std::size_t count, const EvenBins& even,
                 std::uint64_t* slots) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  auto unsure = hn::Zero(du);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    unsure = hn::Or(unsure, Place(d, values + i, even, slots + i));
  const hn::CappedTag<double, 1> d1;
  const hn::RebindToUnsigned<decltype(d1)> du1;
  auto unsure1 = hn::Zero(du1);
  for (; i < count; ++i)
    unsure1 = hn::Or(unsure1, Place(d1, values + i, even, slots + i));
  return !hn::AllTrue(du, hn::Eq(unsure, hn::Zero(du))) ||
         !hn::AllTrue(du1, hn::Eq(unsure1, hn::Zero(du1)));
}

// The bits of negative doubles grow with their size: they are turned round. Gives the
// lanes that are NaN, all bits set.
template <class D, class DI = hn::RebindToSigned<D>>
HWY_INLINE hn::VFromD<DI> KeyPlace(D d, const double* values, std::int64_t least,
                                   std::int64_t greatest, std::uint64_t* places) {
  const DI di;
  const auto x = hn::LoadU(d, values);
  const auto bits = hn::BitCast(di, x);
  const auto negative = hn::VecFromMask(di, hn::Lt(bits, hn::Zero(di)));
  const auto turn = hn::Set(di, std::numeric_limits<std::int64_t>::max());
  const auto key = hn::Xor(bits, hn::And(negative, turn));
  const auto first = hn::Set(di, least);
  const auto between = hn::Min(hn::Max(key, first), hn::Set(di, greatest));
  const hn::RebindToUnsigned<D> du;
  hn::StoreU(hn::BitCast(du, hn::Sub(between, first)), du, places);
  return hn::VecFromMask(di, hn::RebindMask(di, hn::IsNaN(x)));
}

bool PlacesBetween(const double* values, std::size_t count, std::int64_t least,
                   std::int64_t greatest, std::uint64_t* places) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  const std::size_t lanes = hn::Lanes(d);
  auto nan = hn::Zero(di);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    nan = hn::Or(nan, KeyPlace(d, values + i, least, greatest, places + i));
  const hn::CappedTag<double, 1> d1;
  const hn::RebindToSigned<decltype(d1)> di1;
  auto nan1 = hn::Zero(di1);
  for (; i < count; ++i)
    nan1 = hn::Or(nan1, KeyPlace(d1, values + i, least, greatest, places + i));
  return !hn::AllTrue(di, hn::Eq(nan, hn::Zero(di))) ||
         !hn::AllTrue(di1, hn::Eq(nan1, hn::Zero(di1)));
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(PlaceEvenly);
HWY_EXPORT(PlacesBetween);
}  // namespace

bool place_evenly(const double* values, std::size_t count, const EvenBins& even,
                  std::uint64_t* slots) {
  return HWY_DYNAMIC_DISPATCH(PlaceEvenly)(values, count, even, slots);
}

bool places_between(const double* values, std::size_t count, std::int64_t least,
                    std::int64_t greatest, std::uint64_t* places) {
  return HWY_DYNAMIC_DISPATCH(PlacesBetween)(values, count, least, greatest, places);
}

}  // namespace tally::reduce
#endif
