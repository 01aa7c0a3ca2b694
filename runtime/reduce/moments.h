// What is finished from the exact sum of n elements and the exact sum of their squares:
// each value rounded once, to nearest, ties to even.
//
// With S the sum and Q the sum of squares, the variance is
//
//   (Q - S^2 / n) / (n - ddof)  =  (n Q - S^2) / (n (n - ddof)),
//
// a quotient of integers in the unit of Q: nothing cancels that was rounded before. It
// is divided in fixed point down to 2^-2150, far below what a double can hold, and
// what remains counts as one sticky bit. A root is taken of the whole part of that
// quotient: floor(sqrt(floor(q))) is floor(sqrt(q)), in units of 2^-1075, and it is
// exact only if both steps left nothing.
//
// All arithmetic is on integers. Errors: none but those named. Threads: plain
// functions.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/reduce/product_sum.h"
#include "runtime/reduce/superaccumulator.h"

namespace tally::reduce {

// The square root of Q.
double rounded_norm(const ProductSum& squares);

// The variance, and its square root. nullopt: no n elements have these sums (Q n <
// S^2). Precondition: n > ddof.
std::optional<double> rounded_variance(const Superaccumulator& sum,
                                       const ProductSum& squares, std::uint64_t n,
                                       std::uint64_t ddof);
std::optional<double> rounded_deviation(const Superaccumulator& sum,
                                        const ProductSum& squares, std::uint64_t n,
                                        std::uint64_t ddof);

}  // namespace tally::reduce
