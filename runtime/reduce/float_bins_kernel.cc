// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/float_bins_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "runtime/reduce/float_bins_kernel.h"
#include "runtime/reduce/float_blocks-inl.h"
#include "runtime/reduce/float_parts.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// SeenFlags; kSeenNan stands for infinities as well.
template <typename T>
HWY_ATTR std::uint8_t BinAll(const T* data, BinnedElements& into) {
  const Bits d;
  const auto zero = hn::Zero(d);
  const auto one = hn::Set(d, 1);
  const auto all_exponents = hn::Set(d, 0x7FF);
  const auto hidden = hn::Set(d, kHiddenBit);
  const auto fraction = hn::Set(d, kHiddenBit - 1);
  const auto negative_zero = hn::Set(d, std::uint64_t{1} << 63);
  auto special = zero;
  auto negative_zeros = zero;
  auto others = zero;
  for (std::size_t i = 0; i < BinnedElements::kCount; i += hn::Lanes(d)) {
    const auto bits = hn::BitCast(d, LoadDoubles(data + i));
    const auto exponent = hn::And(hn::ShiftRight<52>(bits), all_exponents);
    const auto subnormal = hn::Eq(exponent, zero);  // counts as exponent 1
    const auto mantissa =
        hn::Or(hn::And(bits, fraction), hn::IfThenZeroElse(subnormal, hidden));
    const auto shift =
        hn::And(hn::Or(exponent, hn::IfThenElseZero(subnormal, one)), hn::Set(d, 7));
    hn::Store(hn::Shl(mantissa, shift), d, into.mantissa + i);
    hn::Store(hn::ShiftRight<55>(bits), d, into.bin + i);
    special = hn::Or(special, hn::VecFromMask(d, hn::Eq(exponent, all_exponents)));
    const auto is_negative_zero = hn::Eq(bits, negative_zero);
    negative_zeros = hn::Or(negative_zeros, hn::VecFromMask(d, is_negative_zero));
    others = hn::Or(others, hn::IfThenElse(is_negative_zero, zero, one));
  }
  const auto any = [&](auto found, SeenFlag flag) HWY_ATTR {
    return hn::AllTrue(d, hn::Eq(found, zero)) ? 0U : unsigned{flag};
  };
  return static_cast<std::uint8_t>(any(special, kSeenNan) |
                                   any(negative_zeros, kSeenNegativeZero) |
                                   any(others, kSeenOther));
}

std::uint8_t BinFloats(const float* data, BinnedElements& into) {
  return BinAll(data, into);
}
std::uint8_t BinDoubles(const double* data, BinnedElements& into) {
  return BinAll(data, into);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {

HWY_EXPORT(BinFloats);
HWY_EXPORT(BinDoubles);

std::optional<std::uint8_t> unless_special(std::uint8_t seen) {
  if ((seen & kSeenNan) != 0) return std::nullopt;
  return seen;
}

}  // namespace

std::optional<std::uint8_t> bin_elements(const float* data, BinnedElements& into) {
  return unless_special(HWY_DYNAMIC_DISPATCH(BinFloats)(data, into));
}
std::optional<std::uint8_t> bin_elements(const double* data, BinnedElements& into) {
  return unless_special(HWY_DYNAMIC_DISPATCH(BinDoubles)(data, into));
}

}  // namespace tally::reduce
#endif
