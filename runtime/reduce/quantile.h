// Quantile: where in the sorted elements a quantile lies, and its value between two.
//
// q is taken as the decimal number it is written as, not as the double next to it: 0.3
// of eleven elements is the fourth, exactly, whatever 0.3 * 10 is in binary. h = q(n-1)
// and its fraction are exact integers over 10^19. The value between two elements a <=
// b, a(1-f) + bf, is that of a superaccumulator: the true value, rounded once.
//
// Pure functions. Hyndman and Fan, Sample Quantiles in Statistical Packages, The
// American Statistician 50(4), 1996: Linear is their type 7, the default of numpy and
// R.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/element_type.h"
#include "runtime/reduce/reducers.h"

namespace tally::reduce {

enum class Interpolation : std::uint8_t { Linear, Lower, Higher, Nearest, Midpoint };

struct Quantile {
  std::uint64_t scaled = 0;  // q * 10^19, exact
  Interpolation interpolation = Interpolation::Linear;
};

inline constexpr std::uint64_t kQuantileScale = 10'000'000'000'000'000'000U;

// q, near enough to guess where its element is.
inline double roughly(std::uint64_t scaled) {
  return static_cast<double>(scaled) / static_cast<double>(kQuantileScale);
}

// Of "0.5", "0.99", "lower": one or more numbers in 0..1 with at most 19 decimals, then
// perhaps how to interpolate. Errors: InvalidArgument "bad_argument".
Result<std::vector<Quantile>> parse_quantiles(std::span<const std::string> args);

// What a median or quantile asks for. Errors: InvalidArgument "bad_argument",
// "repeated_label": the same text twice, after which results are called.
Result<std::vector<Quantile>> quantiles_of(const model::ReducerSpec& spec);

// Quantile i of a spec that asks for `count` of them, as a spec of its own: of
// quantile(0.1,0.9,lower)=q that is quantile(0.1,lower), called q(0.1).
model::ReducerSpec one_of_quantiles(const model::ReducerSpec& spec, std::size_t i,
                                    std::size_t count);

// The two ranks, from 0, that a quantile lies between; `weight` / 10^19 is the upper's.
struct RankPair {
  std::uint64_t lower = 0;
  std::uint64_t upper = 0;
  std::uint64_t weight = 0;
};

// Precondition: elements > 0.
RankPair ranks_of(const Quantile& quantile, std::uint64_t elements);

// The value between the elements of two order keys: f64 where it is interpolated
// (Linear, Midpoint), of the elements' type otherwise. Preconditions: lower <= upper
// are keys of the type, not of NaN; where weight is 0 or interpolation names an
// element, both are it.
FinishedValue value_between(std::int64_t lower, std::int64_t upper,
                            std::uint64_t weight, Interpolation interpolation,
                            model::ElementType type);

}  // namespace tally::reduce
