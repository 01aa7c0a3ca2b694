"""Input files for tests: npy, raw and CSV of any element type."""

import struct

CODES = {"i8": "b", "i16": "h", "i32": "i", "i64": "q",
         "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f", "f64": "d"}
DESCR = {"i8": "|i1", "u8": "|u1", **{name: "<" + name[0] + str(int(name[1:]) // 8)
                                      for name in CODES if name[1:] != "8"}}
ALL_REDUCERS = "count,sum,mean,min,max,argmin,argmax"
MOMENTS = "sumsq,var,var(1),std,std(2),norm2"
_HISTOGRAMS = ["histogram(10,-3,3)", "histogram(bins=1000,lo=-1e6,hi=1e6)",
               "histogram(200,0,200)", "histogram(60000,-9e18,9e18)",
               "histogram(edges=-inf,-1e300,-1,-1e-5,0,0.5,100,1e19)"]


def reducers_of(dtype):
    """All reducers, by several arguments if they take any, that elements of the type
    have."""
    names = [*ALL_REDUCERS.split(","), *MOMENTS.split(","), "any", "all", *_HISTOGRAMS]
    return names if dtype in ("f32", "f64") else [*names, "and", "or", "xor", "prod"]


def packed(values, dtype):
    return struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def npy(values, dtype, shape=None, descr=None, fortran=False):
    header = (f"{{'descr': '{descr or DESCR[dtype]}', 'fortran_order': {fortran}, "
              f"'shape': {shape or f'({len(values)},)'}, }}")
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
            packed(values, dtype))


def csv(values, name="x"):
    return (name + "\n" + "".join(f"{value!r}\n" for value in values)).encode()


def limits(dtype):
    size = 8 * struct.calcsize("<" + CODES[dtype])
    if dtype[0] == "u":
        return 0, (1 << size) - 1
    return -(1 << (size - 1)), (1 << (size - 1)) - 1


def as_f32(value):
    """The nearest f32, as a float."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def random_values(rng, count, dtype):
    """Values of every magnitude that the type has, the extremes among them."""
    if dtype in ("f32", "f64"):
        top = 127 if dtype == "f32" else 1023
        kind = rng.randrange(3)
        spread = (3, 40, top)[kind]
        values = [rng.uniform(-2, 2) * 2.0 ** rng.randint(-spread, min(spread, top - 1))
                  for _ in range(count)]
        if dtype == "f32":
            values = [as_f32(value) for value in values]
        if kind == 2:  # sums that cancel
            values[1::2] = [-value for value in values[0::2]][:len(values[1::2])]
        return values
    low, high = limits(dtype)
    return [rng.choice((low, high)) if rng.random() < 0.01 else rng.randint(low, high)
            for _ in range(count)]
