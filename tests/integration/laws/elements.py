"""Elements that break kernels: of every type and size, hostile in one way at a time."""

import math

import inputs

LEAF = 65_536  # the planner's; files are cut at its multiples
# Around a lane, an unrolled step, a block of a kernel, the most that runs inline, a leaf, a
# chunk of two, and a flush of counters in the narrowest lanes and of exponent bins.
SIZES = (0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 511, 512, 513,
         1023, 1024, 1025, 2047, 2049, 4095, 4096, 4097, 8191, 16_385, 40_000, LEAF - 1,
         LEAF, LEAF + 1, 2 * LEAF - 1, 2 * LEAF + 1, 3 * LEAF + 17, (1 << 20) + 3)


def of(rng, how, count, dtype):
    """`count` Python numbers that elements of the type hold exactly."""
    return kinds(dtype)[how](rng, count, dtype)


def kinds(dtype):
    return FLOATS if dtype in ("f32", "f64") else INTEGERS


# --- floats ---------------------------------------------------------------------------


def _top(dtype):
    return 127 if dtype == "f32" else 1023


def _least(dtype):
    return 149 if dtype == "f32" else 1074


def _as(dtype, values):
    return [inputs.as_f32(value) for value in values] if dtype == "f32" else values


def _plain(rng, count, dtype):
    return _as(dtype, [rng.gauss(100, 15) for _ in range(count)])


def _uniform_exponents(rng, count, dtype):
    top, least = _top(dtype), _least(dtype)
    return _as(dtype, [math.ldexp(rng.uniform(-1, 1), rng.randint(-least, top))
                       for _ in range(count)])


def _cancelling(rng, count, dtype):
    """Each beside its negative, far apart, and something small that is left."""
    spread = rng.choice((3, 40, _top(dtype)))
    half = _as(dtype, [math.ldexp(rng.uniform(1, 2), rng.randint(-spread, spread - 1))
                       for _ in range(count // 2)])
    values = half + [-value for value in half] + [math.ldexp(1, -spread)] * (count % 2)
    rng.shuffle(values)
    return values


def _subnormal(rng, count, dtype):
    most = 2 ** (24 if dtype == "f32" else 53)
    return [math.ldexp(rng.randint(-most, most), -_least(dtype)) for _ in range(count)]


def _near_overflow(rng, count, dtype):
    most = math.ldexp(2 - 2.0 ** (-23 if dtype == "f32" else -52), _top(dtype))
    sign = rng.choice(((1,), (-1,), (1, -1)))
    return [rng.choice(sign) * most / rng.choice((1, 1, 2, 4)) for _ in range(count)]


def _nan(rng, count, dtype):
    return _with(rng, _uniform_exponents(rng, count, dtype), (math.nan, -math.nan))


def _infinite(rng, count, dtype):
    some = rng.choice(((math.inf,), (-math.inf,), (math.inf, -math.inf),
                       (math.inf, math.nan)))
    return _with(rng, _plain(rng, count, dtype), some)


def _with(rng, values, special):
    """Some places taken by what is special: few, or one in three."""
    for _ in range(rng.choice((1, 2, len(values) // 3))):
        if values:
            values[rng.randrange(len(values))] = rng.choice(special)
    return values


def _zeros(rng, count, _):
    some = rng.choice(((-0.0,), (0.0,), (0.0, -0.0), (-0.0, -0.0, -0.0, 5.0, -5.0)))
    return [rng.choice(some) for _ in range(count)]


def _ties(rng, count, dtype):
    """Sums that lie half-way between two doubles, or next to that; extremes repeated."""
    one = math.ldexp(1, rng.randint(-60, 60))
    below = [math.ldexp(one, -shift) for shift in
             ((24, 23, 50) if dtype == "f32" else (53, 52, 54, 105))]
    some = (one, -one, 3 * one, *below, *(-value for value in below))
    return [rng.choice(some) for _ in range(count)]


FLOATS = {"plain": _plain, "uniform exponents": _uniform_exponents,
          "cancelling": _cancelling, "subnormal": _subnormal,
          "near overflow": _near_overflow, "nan": _nan, "infinite": _infinite,
          "zeros": _zeros, "ties": _ties}

# --- integers -------------------------------------------------------------------------


def _any_bits(rng, count, dtype):
    low, high = inputs.limits(dtype)
    return [rng.randint(low, high) for _ in range(count)]


def _extremes(rng, count, dtype):
    low, high = inputs.limits(dtype)
    some = rng.choice(((low,), (high,), (low, high), (low, low + 1, high - 1, high)))
    return [rng.choice(some) for _ in range(count)]


def _signed(dtype, values):
    return [value for value in values if dtype[0] == "i" or value >= 0]


def _factors(rng, count, dtype):
    """Products that just fit, or just do not, with a zero now and then."""
    values = [1] * count
    for value in rng.choice(([2] * 126, [2] * 127, [-2] * 127, [-2] * 126 + [2], [3] * 80,
                             [3] * 81, [0, 7] * 60)):
        if count and value in _signed(dtype, [value]):
            values[rng.randrange(count)] = value
    return values


def _few(rng, count, dtype):
    some = _signed(dtype, (-1, 0, 0, 1, 2, 100, 127))
    return [rng.choice(some) for _ in range(count)]


INTEGERS = {"any bits": _any_bits, "extremes": _extremes, "factors": _factors,
            "few": _few}


# --- what elements are paired with ------------------------------------------------------


def partners_of(rng, how, values, dtype):
    """As many elements, whose products with these are hostile."""
    return PARTNERS[how](rng, values, dtype)


def _independent(rng, values, dtype):
    return of(rng, rng.choice(list(kinds(dtype))), len(values), dtype)


def _products_that_cancel(rng, values, dtype):
    """Of x0, x1: x1, -x0; and a few that leave something."""
    low = -math.inf if dtype in ("f32", "f64") else inputs.limits(dtype)[0]
    high = math.inf if dtype in ("f32", "f64") else inputs.limits(dtype)[1]
    partners = list(values)
    for i in range(0, len(values) - 1, 2):
        opposite = -values[i]
        partners[i] = values[i + 1]
        partners[i + 1] = values[i] if opposite < low or opposite > high else opposite
    for one in _independent(rng, values[:rng.choice((0, 1, 3))], dtype):
        partners[rng.randrange(len(values))] = one
    return partners


def _products_at_the_edge(rng, values, dtype):
    """Of floats: near the least double, or beyond the greatest; of integers: the largest."""
    if dtype not in ("f32", "f64"):
        return _extremes(rng, len(values), dtype)
    edge = rng.choice((-1074, 1024))
    lowest, highest = -_least(dtype), _top(dtype)

    def partner(value):
        exponent = math.frexp(value)[1] if math.isfinite(value) else 0
        exponent = edge - exponent + rng.randint(-3, 3)
        return math.ldexp(rng.choice((1, -1, 1.5, -1.25)),
                          max(lowest, min(highest, exponent)))
    return _as(dtype, list(map(partner, values)))


def _zero_and_infinite(rng, values, dtype):
    """Infinity times zero, zeros with signs."""
    if dtype not in ("f32", "f64"):
        return _few(rng, len(values), dtype)
    some = rng.choice(((0.0, -0.0), (-0.0,), (0.0, math.inf), (1.0, 0.0, -math.inf),
                       (1.0, -1.0, 0.0)))
    return [rng.choice(some) for _ in values]


PARTNERS = {"independent": _independent, "cancelling products": _products_that_cancel,
            "itself": lambda _, values, __: list(values),
            "products at the edge": _products_at_the_edge,
            "zero and infinite": _zero_and_infinite}


def a_range(rng, count):
    """A Python range of that many i64, perhaps with an end of i64 among them."""
    step = rng.choice((1, -1, 7, 2**20 + 1, -(2**33), 2**40))
    low, high = inputs.limits("i64")
    room = abs(step) * count
    start = rng.choice((0, rng.randint(-2**40, 2**40),
                        low + 5 if step > 0 else high - 5,
                        high - room if step > 0 else low + room))
    return range(start, start + step * count, step)
