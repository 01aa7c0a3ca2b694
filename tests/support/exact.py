"""What tally must answer, computed exactly by Python's integers and fractions.

`expected` gives a value in the form in which `value_of` reads it from an answer's JSON,
so that the two compare equal only when they are the same to the last bit.
"""

import functools
import operator

from exact_floats import Column, mean, moment, summed
from exact_order import extreme, histogram, quantile


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


def _logic(column, name):
    if name == "any":
        return int(any(value != 0 for value in column.values))
    if name == "all":
        return int(all(value != 0 for value in column.values))
    dtype = column.dtype
    nothing = -1 if dtype[0] == "i" else 2 ** int(dtype[1:]) - 1
    if name == "and":
        return functools.reduce(operator.and_, column.values, nothing)
    return functools.reduce(operator.or_ if name == "or" else operator.xor,
                            column.values, 0)


def _product(column):
    if 0 in column.values:
        return ("int", 0)
    product = 1
    for value in column.values:
        product *= value
        if abs(product) > 2**127:
            return ("error", "overflow")
    return ("int", product) if product < 2**127 else ("error", "overflow")


def expected_of(column, reducer):
    name, _, args = reducer.rstrip(")").partition("(")
    if name == "count":
        return ("int", column.count)
    if name == "sum":
        return summed(column)
    if name == "mean":
        return mean(column)
    if name in ("sumsq", "norm2", "var", "std"):
        return moment(column, name, int(args.removeprefix("ddof=") or 0))
    if name in ("min", "max", "argmin", "argmax"):
        return extreme(column, name)
    if name in ("any", "all", "and", "or", "xor"):
        return ("int", _logic(column, name))
    if name == "prod":
        return _product(column)
    if name == "histogram":
        return histogram(column, args)
    if name in ("median", "quantile"):
        return quantile(column, *(args.split(",") if args else ["0.5"]))
    raise ValueError(f"no oracle for {reducer}")


def expected(reducer, values, dtype):
    """`values`: Python ints, or floats that hold the elements exactly."""
    return expected_of(Column(values, dtype), reducer)
