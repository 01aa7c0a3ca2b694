// Limbs: natural numbers of fixed width, 64 bits a limb, the least first.
//
// What the long accumulators and the finishing of moments share: the few operations on
// big integers that exact results need, on integers only, so rounding modes, FTZ and
// DAZ of the host do not reach them. Everything works in place or into the caller's
// room; nothing allocates.
//
// Errors: none; additions wrap. Threads: plain functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/base/int128.h"

namespace tally::reduce {

inline constexpr unsigned kLimbBits = 64;

using LimbSpan = std::span<std::uint64_t>;
using ConstLimbSpan = std::span<const std::uint64_t>;

// limbs += value * 2^bit, modulo the width; two's complement if value is negative.
// Precondition: the limbs of bit and bit + 64 are there.
void add_at(LimbSpan limbs, Int128 value, unsigned bit);

// limbs += addend. Precondition: equally many.
void add_limbs(LimbSpan limbs, ConstLimbSpan addend);

// limbs -= subtrahend; true if that went below zero. Precondition: equally many.
bool subtract_limbs(LimbSpan limbs, ConstLimbSpan subtrahend);

// Two's complement.
void negate_limbs(LimbSpan limbs);

// into = a * b. Precondition: into.size() >= a.size() + b.size(), and is neither.
void multiply_limbs(ConstLimbSpan a, ConstLimbSpan b, LimbSpan into);

// Divides in place; true if something remained. Precondition: divisor > 0.
bool divide_limbs(LimbSpan limbs, std::uint64_t divisor);

// Replaces the number by its square root, rounded down to 64 significant bits (to a
// whole number, if that has no more); true if something remained.
bool root_limbs(LimbSpan limbs);

bool is_zero(ConstLimbSpan limbs);

// The bits of the double nearest to magnitude * 2^-(one + 1075), ties to even:
// subnormal where it must be, infinite only if the true value rounds so. `more`: the
// true value lies above the magnitude, by less than its least bit.
std::uint64_t round_to_double(ConstLimbSpan magnitude, bool more, unsigned one = 0);

}  // namespace tally::reduce
