"""Sums and moments of a column, exactly: multiples of its least unit, and fractions."""

import math
import struct
from fractions import Fraction
from functools import cached_property

_FORMATS = {"f32": "<f", "f64": "<d"}
_CANONICAL_NAN = {"f32": "0x7fc00000", "f64": "0x7ff8000000000000"}


def bits(value, dtype="f64"):
    if math.isnan(value):
        return _CANONICAL_NAN[dtype]
    return "0x" + struct.pack(_FORMATS[dtype], value)[::-1].hex()


def rounded(exact):
    """The nearest f64, ties to even, infinite beyond the range. Zero is +0; what is
    below it and rounds to it, -0."""
    try:
        return float(exact)  # a division of integers, which Python rounds correctly
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def rounded_root(exact):
    """The nearest f64 to a square root. Cut off far below what a double holds; what was
    cut counts as a half of the last bit kept."""
    scaled = (exact.numerator << 2 * 1200) // exact.denominator
    root = math.isqrt(scaled)
    cut = root * root * exact.denominator != exact.numerator << 2 * 1200
    return rounded(Fraction(2 * root + cut, 1 << 1201))


def negative(value):
    return math.copysign(1, value) < 0


class Column:
    """Elements, Python ints or floats that hold them exactly, and what several reducers
    ask of them."""

    def __init__(self, values, dtype):
        self.values = values
        self.count = len(values)
        self.dtype = dtype
        self.floats = dtype in _FORMATS

    @cached_property
    def nan(self):
        return any(value != value for value in self.values)

    @cached_property
    def infinities(self):
        return {value for value in self.values if self.floats and math.isinf(value)}

    @cached_property
    def whole(self):
        """The values as multiples of 2^-shift: (multiples, shift)."""
        ratios = [value.as_integer_ratio() for value in self.values]
        shift = max((bottom.bit_length() - 1 for _, bottom in ratios), default=0)
        return [top << (shift + 1 - bottom.bit_length()) for top, bottom in ratios], shift

    @cached_property
    def total(self):
        whole, shift = self.whole
        return Fraction(sum(whole), 1 << shift)

    @cached_property
    def squares(self):
        whole, shift = self.whole
        return Fraction(sum(x * x for x in whole), 1 << 2 * shift)

    @cached_property
    def spread(self):
        """The sum of squared distances from the mean."""
        whole, shift = self.whole
        total = sum(whole)
        scaled = sum((self.count * x - total) ** 2 for x in whole)
        return Fraction(scaled, self.count ** 2 << 2 * shift)

    def quotient(self, divisor):
        """The sum of floats, divided."""
        if self.nan or len(self.infinities) == 2:
            return math.nan
        if self.infinities:
            return next(iter(self.infinities))
        if self.values and all(v == 0 and negative(v) for v in self.values):
            return -0.0
        return rounded(self.total / divisor)


def summed(column):
    if column.floats:
        return ("f64", bits(column.quotient(1)))
    return ("int", int(column.total))


def mean(column):
    if not column.values:
        return ("error", "no_value")
    if column.floats:
        return ("f64", bits(column.quotient(column.count)))
    return ("f64", bits(rounded(column.total / column.count)))


def moment(column, name, ddof):
    """sumsq and norm2, var and std by their definitions."""
    of_squares = name in ("sumsq", "norm2")
    if not of_squares and column.count <= ddof:
        return ("error", "no_value")
    if name == "sumsq" and not column.floats:
        total = int(column.squares)
        return ("int", total) if total < 2**127 else ("error", "overflow")
    if column.nan:
        value = math.nan
    elif column.infinities:
        value = math.inf if of_squares else math.nan
    else:
        exact = column.squares if of_squares else column.spread / (column.count - ddof)
        value = (rounded_root if name in ("std", "norm2") else rounded)(exact)
    return ("f64", bits(value))


def dot(left, right):
    """The sum of the products, as IEEE 754 has infinities and zeros."""
    pairs = list(zip(left.values, right.values))
    if not left.floats:
        total = sum(x * y for x, y in pairs)
        return ("int", total) if -2**127 <= total < 2**127 else ("error", "overflow")
    special = {x * y for x, y in pairs if not (math.isfinite(x) and math.isfinite(y))}
    if any(value != value for value in special) or len(special) == 2:
        value = math.nan
    elif special:
        value = special.pop()
    elif pairs and all((x == 0 or y == 0) and negative(x) != negative(y)
                       for x, y in pairs):
        value = -0.0
    else:
        (xs, shift), (ys, more) = left.whole, right.whole
        value = rounded(Fraction(sum(x * y for x, y in zip(xs, ys)), 1 << (shift + more)))
    return ("f64", bits(value))
