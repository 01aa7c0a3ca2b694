"""What comes of comparing a column's elements, exactly: extremes, quantiles, counts."""

import bisect
import functools
import math
from fractions import Fraction

from exact_floats import bits, negative, rounded


def _key(value):
    """Below +0 comes -0."""
    return (value, not negative(value)) if value == 0 else (value, 0)


def element(value, column):
    """A result of the elements' own type."""
    return (column.dtype, bits(value, column.dtype)) if column.floats else ("int", value)


def extreme(column, name):
    """The first least or greatest, or where it is. NaN beats all."""
    if not column.values:
        return ("error", "no_value")
    if column.nan:
        index = next(i for i, value in enumerate(column.values) if value != value)
    else:
        best = (min if name.endswith("min") else max)(column.values, key=_key)
        index = next(i for i, value in enumerate(column.values)
                     if value == best and _key(value) == _key(best))
    if name.startswith("arg"):
        return ("index", index)
    return element(column.values[index], column)


def quantile(column, q, how="linear"):
    """`q` as it is written: a decimal number. Hyndman and Fan's type 7."""
    interpolated = how in ("linear", "midpoint")
    if not column.values:
        return ("error", "no_value")
    if column.nan:
        return ("f64" if interpolated else column.dtype,
                bits(math.nan, "f64" if interpolated else column.dtype))
    ordered = sorted(column.values, key=_key)
    h = Fraction(q) * (column.count - 1)
    below = h.numerator // h.denominator
    part = h - below
    if part == 0 or how == "lower":
        low = high = ordered[below]
    elif how == "higher":
        low = high = ordered[below + 1]
    elif how == "nearest":
        low = high = ordered[round(h)]  # ties to even
    else:
        low, high = ordered[below:below + 2]
    if not interpolated:
        return element(low, column)
    return ("f64", bits(_between(low, high, Fraction(1, 2) if how == "midpoint" else part)))


def _between(low, high, part):
    if _key(low) == _key(high):
        return float(low)
    if math.isinf(low) and math.isinf(high):
        return math.nan
    if math.isinf(low) or math.isinf(high):
        return low if math.isinf(low) else high
    return rounded(Fraction(low) * (1 - part) + Fraction(high) * part)


@functools.lru_cache
def _edges(args):
    """Of "10,0,1", "bins=10,lo=0,hi=1" and "edges=0,1,2"."""
    if args.startswith("edges="):
        return [float(edge) for edge in args.removeprefix("edges=").split(",")]
    count, lo, hi = (float(arg.rpartition("=")[2]) for arg in args.split(","))
    width = (Fraction(hi) - Fraction(lo)) / int(count)
    return [rounded(Fraction(lo) + i * width) for i in range(int(count) + 1)]


def histogram(column, args):
    edges = _edges(args)
    slots = [0] * (len(edges) + 1)
    nan = 0
    for value in column.values:
        if value != value:
            nan += 1
        elif value == edges[-1]:
            slots[-2] += 1
        else:  # Python compares an int with a float exactly
            slots[bisect.bisect_right(edges, value)] += 1
    return ("histogram", edges, slots[1:-1], slots[0], slots[-1], nan)
