"""What tally must answer, computed exactly by Python's integers and fractions.

`expected` gives a value in the form in which `value_of` reads it from an answer's JSON,
so that the two compare equal only when they are the same to the last bit.
"""

import bisect
import functools
import math
import operator
import struct
from fractions import Fraction

FLOATS = {"f32": "<f", "f64": "<d"}
CANONICAL_NAN = {"f32": "0x7fc00000", "f64": "0x7ff8000000000000"}


def bits(value, dtype="f64"):
    if math.isnan(value):
        return CANONICAL_NAN[dtype]
    return "0x" + struct.pack(FLOATS[dtype], value)[::-1].hex()


def value_of(result):
    if "error" in result:
        return ("error", result["error"]["code"])
    if result["type"] == "index":
        return ("index", result["value"]["index"])
    if result["type"] == "histogram":
        value = result["value"]
        return ("histogram", [float(edge) for edge in value["edges"]], value["counts"],
                value["underflow"], value["overflow"], value["nan"])
    if result["type"] == "int":
        return ("int", int(result["value"]))
    return (result["type"], result["bits"])


def _rounded(exact):
    """The nearest f64, ties to even, infinite beyond the range."""
    try:
        return float(exact)  # a division of integers, which Python rounds correctly
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


_LEAST = 1074  # every double is a multiple of 2^-1074


def _exact_sum(values):
    total = 0
    for value in values:
        top, bottom = value.as_integer_ratio()
        total += top << (_LEAST + 1 - bottom.bit_length())
    return Fraction(total, 1 << _LEAST)


def _sum(values, count):
    """Sum, divided by `count`, of doubles."""
    if any(math.isnan(value) for value in values):
        return math.nan
    infinite = {value for value in values if math.isinf(value)}
    if infinite:
        return infinite.pop() if len(infinite) == 1 else math.nan
    if values and all(v == 0 and math.copysign(1, v) < 0 for v in values):
        return -0.0
    return _rounded(_exact_sum(values) / count)


def _integers(values):
    """The values as multiples of 2^-1074."""
    ratios = (value.as_integer_ratio() for value in values)
    return [top << (_LEAST + 1 - bottom.bit_length()) for top, bottom in ratios]


def _rounded_root(exact):
    """The nearest f64 to a square root. Cut off far below what a double holds; what was
    cut counts as a half of the last bit kept."""
    scaled = (exact.numerator << 2 * 1200) // exact.denominator
    root = math.isqrt(scaled)
    cut = root * root * exact.denominator != exact.numerator << 2 * 1200
    return _rounded(Fraction(2 * root + cut, 1 << 1201))


def _moment(name, ddof, values):
    """sumsq and norm2, var and std by their definitions."""
    rounded = _rounded_root if name in ("std", "norm2") else _rounded
    if any(math.isnan(value) for value in values):
        return math.nan
    if any(math.isinf(value) for value in values):
        return math.inf if name in ("sumsq", "norm2") else math.nan
    whole = _integers(values)
    if name in ("sumsq", "norm2"):
        return rounded(Fraction(sum(x * x for x in whole), 1 << 2 * _LEAST))
    count, total = len(whole), sum(whole)
    spread = sum((count * x - total) ** 2 for x in whole)
    return rounded(Fraction(spread, count * count * (count - ddof) << 2 * _LEAST))


def _moments(reducer, values, floats):
    name, _, argument = reducer.rstrip(")").partition("(")
    ddof = int(argument or 0)
    if name == "sumsq" and not floats:
        total = sum(value * value for value in values)
        return ("int", total) if total < 2**127 else ("error", "overflow")
    if name in ("var", "std") and len(values) <= ddof:
        return ("error", "no_value")
    return ("f64", bits(_moment(name, ddof, values)))


def _extreme(values, dtype, least):
    """The first extreme: (index, value). NaN beats all; -0 is below +0."""
    if dtype in FLOATS:
        for index, value in enumerate(values):
            if math.isnan(value):
                return index, value
        key = [(value, math.copysign(1, value)) for value in values]
    else:
        key = values
    best = min(key) if least else max(key)
    index = key.index(best)
    return index, values[index]


@functools.lru_cache
def _edges(args):
    """Of "10,0,1", "bins=10,lo=0,hi=1" and "edges=0,1,2"; Python rounds the quotient of
    two integers correctly, which a Fraction is."""
    if args.startswith("edges="):
        return [float(edge) for edge in args.removeprefix("edges=").split(",")]
    count, lo, hi = (float(arg.rpartition("=")[2]) for arg in args.split(","))
    width = (Fraction(hi) - Fraction(lo)) / int(count)
    return [_rounded(Fraction(lo) + i * width) for i in range(int(count) + 1)]


def _histogram(args, values):
    edges = _edges(args)
    slots = [0] * (len(edges) + 1)
    nan = 0
    for value in values:
        if value != value:
            nan += 1
        elif value == edges[-1]:
            slots[-2] += 1
        else:  # Python compares an int with a float exactly
            slots[bisect.bisect_right(edges, value)] += 1
    return ("histogram", edges, slots[1:-1], slots[0], slots[-1], nan)


def _logic(reducer, values, dtype):
    if reducer == "any":
        return int(any(value != 0 for value in values))
    if reducer == "all":
        return int(all(value != 0 for value in values))
    if reducer == "and":
        nothing = -1 if dtype[0] == "i" else 2 ** int(dtype[1:]) - 1
        return functools.reduce(operator.and_, values, nothing)
    return functools.reduce(operator.or_ if reducer == "or" else operator.xor, values, 0)


def _product(values):
    if 0 in values:
        return ("int", 0)
    product = 1
    for value in values:
        product *= value
        if abs(product) > 2**127:
            return ("error", "overflow")
    return ("int", product) if product < 2**127 else ("error", "overflow")


def expected(reducer, values, dtype):
    """`values`: Python ints, or floats that hold the elements exactly."""
    floats = dtype in FLOATS
    if reducer.startswith("histogram("):
        return _histogram(reducer[len("histogram("):-1], values)
    if reducer in ("any", "all", "and", "or", "xor"):
        return ("int", _logic(reducer, values, dtype))
    if reducer == "prod":
        return _product(values)
    if reducer == "count":
        return ("int", len(values))
    if reducer == "sum":
        if floats and values:
            return ("f64", bits(_sum(values, 1)))
        return ("f64", bits(0.0)) if floats else ("int", sum(values))
    if reducer.startswith(("sumsq", "norm2", "var", "std")):
        return _moments(reducer, values, floats)
    if not values:
        return ("error", "no_value")
    if reducer == "mean":
        mean = _sum(values, len(values)) if floats else \
            _rounded(Fraction(sum(values), len(values)))
        return ("f64", bits(mean))
    index, value = _extreme(values, dtype, reducer in ("min", "argmin"))
    if reducer.startswith("arg"):
        return ("index", index)
    return (dtype, bits(value, dtype)) if floats else ("int", value)
