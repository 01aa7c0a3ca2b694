#include "runtime/reduce/moments.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <tuple>

#include "ipc/base/check.h"
#include "runtime/reduce/limbs.h"

namespace tally::reduce {
namespace {

// S^2 and n Q both fit.
using Wide = std::array<std::uint64_t, 2 * Superaccumulator::kLimbs>;
static_assert(std::tuple_size_v<Wide> == ProductSum::kLimbs + 1);

struct Quotient {
  Wide whole{};       // in units of 2^-2150
  bool more = false;  // something remained
};

std::optional<Quotient> variance(const Superaccumulator& sum, const ProductSum& squares,
                                 std::uint64_t n, std::uint64_t ddof) {
  TALLY_CHECK(n > ddof);
  Quotient quotient;
  multiply_limbs(squares.limbs(), std::span(&n, 1), quotient.whole);
  const Superaccumulator::Limbs size = sum.magnitude();
  Wide square_of_sum;
  multiply_limbs(size, size, square_of_sum);
  if (subtract_limbs(quotient.whole, square_of_sum)) return std::nullopt;
  // One after the other: the whole part is that of a division by the product.
  const bool first = divide_limbs(quotient.whole, n);
  const bool second = divide_limbs(quotient.whole, n - ddof);
  quotient.more = first || second;
  return quotient;
}

double rounded(const Quotient& quotient) {
  return std::bit_cast<double>(
      round_to_double(quotient.whole, quotient.more, Superaccumulator::kOneBit));
}

double rounded_root(Quotient quotient) {
  const bool more = root_limbs(quotient.whole) || quotient.more;
  return std::bit_cast<double>(round_to_double(quotient.whole, more));
}

}  // namespace

double rounded_norm(const ProductSum& squares) {
  Quotient quotient;
  std::copy(squares.limbs().begin(), squares.limbs().end(), quotient.whole.begin());
  return rounded_root(quotient);
}

std::optional<double> rounded_variance(const Superaccumulator& sum,
                                       const ProductSum& squares, std::uint64_t n,
                                       std::uint64_t ddof) {
  const auto quotient = variance(sum, squares, n, ddof);
  if (!quotient) return std::nullopt;
  return rounded(*quotient);
}

std::optional<double> rounded_deviation(const Superaccumulator& sum,
                                        const ProductSum& squares, std::uint64_t n,
                                        std::uint64_t ddof) {
  const auto quotient = variance(sum, squares, n, ddof);
  if (!quotient) return std::nullopt;
  return rounded_root(*quotient);
}

}  // namespace tally::reduce
