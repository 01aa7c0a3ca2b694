#include "runtime/reduce/float_dot.h"

#include <array>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/blocks_and_bins.h"

namespace tally::reduce {
namespace {

struct Product {
  Int128 mantissa;    // with its sign
  unsigned exponent;  // it weighs 2^(exponent - 2150)
};

inline Product product_of(const Parts& x, const Parts& y) {
  const auto size = static_cast<Int128>(UInt128{x.mantissa} * y.mantissa);
  return {x.negative != y.negative ? -size : size, x.exponent + y.exponent};
}

inline bool is_special(const Parts& parts) {
  return parts.exponent == kSpecialExponent;
}

inline bool is_nan(const Parts& parts) {
  return is_special(parts) && parts.mantissa != kHiddenBit;
}

// Of a pair one of which is no number.
std::uint8_t flags_of_special(const Parts& x, const Parts& y) {
  if (is_nan(x) || is_nan(y) || x.mantissa == 0 || y.mantissa == 0)
    return kSeenNan | kSeenOther;
  const bool negative = x.negative != y.negative;
  return (negative ? kSeenNegativeInfinity : kSeenPositiveInfinity) | kSeenOther;
}

inline bool is_negative_zero(const Parts& x, const Parts& y) {
  return x.negative != y.negative && (x.mantissa == 0 || y.mantissa == 0);
}

// Hands every product of finite elements to add(product).
template <typename T, typename Add>
FloatRun visit_pairs(const T* x, const T* y, std::size_t count, Add&& add) {
  FloatRun run;
  bool any_negative_zero = false;
  bool any_other = false;
  for (; run.visited < count; ++run.visited) {
    const Parts a = parts_of(x[run.visited]);
    const Parts b = parts_of(y[run.visited]);
    if (is_special(a) || is_special(b)) [[unlikely]] {
      run.seen |= flags_of_special(a, b);
      continue;
    }
    any_negative_zero |= is_negative_zero(a, b);
    any_other |= !is_negative_zero(a, b);
    add(product_of(a, b));
  }
  if (any_negative_zero) run.seen |= kSeenNegativeZero;
  if (any_other) run.seen |= kSeenOther;
  return run;
}

// The flags of pairs that are all finite: as a rule the first one tells.
template <typename T>
std::uint8_t seen_of_finite(const T* x, const T* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (!is_negative_zero(parts_of(x[i]), parts_of(y[i]))) return kSeenOther;
  return count != 0 ? kSeenNegativeZero : 0;
}

class ProductBins {
 public:
  // 2^20 products of less than 2^106 stay below 2^127.
  static constexpr std::size_t kRoom = std::size_t{1} << 20;

  void add(const Product& product) { bins_[product.exponent] += product.mantissa; }

  void empty_into(ProductSum& into) {
    for (unsigned exponent = 0; exponent < bins_.size(); ++exponent) {
      if (bins_[exponent] == 0) continue;
      into.add(bins_[exponent], exponent);
      bins_[exponent] = 0;
    }
  }

 private:
  std::array<Int128, 2 * kSpecialExponent> bins_{};
};

// Blocks by the kernel, and what it leaves by the bins. Kept apart, so that no
// arithmetic moves out of the environment.
template <typename T>
[[gnu::noinline]] FloatRun dot_by_blocks(const T* x, const T* y, std::size_t count,
                                         ProductSum& into, std::uint8_t seen,
                                         DotPlan& plan) {
  const FloatEnvironment environment;
  return by_blocks_and_bins<ProductBins>(
      count, into,
      [&](FloatRun& run) {
        const BlockRun done = dot_by_digits(x + run.visited, y + run.visited,
                                            count - run.visited, into, plan);
        if (((seen | run.seen) & kSeenOther) == 0)
          run.seen |= seen_of_finite(x + run.visited, y + run.visited, done.visited);
        return done;
      },
      [x, y](std::size_t at, std::size_t left, ProductBins& bins) {
        return visit_pairs(x + at, y + at, left,
                           [&bins](const Product& product) { bins.add(product); });
      });
}

template <typename T>
FloatRun float_dot_of(const T* x, const T* y, std::size_t count, ProductSum& into,
                      std::uint8_t seen, DotPlan& plan) {
  constexpr std::size_t kWorthBlocks = 1024;  // bins cost some 4 us
  if (count >= kWorthBlocks) return dot_by_blocks(x, y, count, into, seen, plan);
  return visit_pairs(x, y, count, [&into](const Product& product) {
    into.add(product.mantissa, product.exponent);
  });
}

}  // namespace

FloatRun float_dot(const float* x, const float* y, std::size_t count, ProductSum& into,
                   std::uint8_t seen, DotPlan& plan) {
  return float_dot_of(x, y, count, into, seen, plan);
}

FloatRun float_dot(const double* x, const double* y, std::size_t count,
                   ProductSum& into, std::uint8_t seen, DotPlan& plan) {
  return float_dot_of(x, y, count, into, seen, plan);
}

}  // namespace tally::reduce
