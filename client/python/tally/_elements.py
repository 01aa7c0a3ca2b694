"""Element types: tally's, by numpy's names, by buffer formats, and numpy where it is.

numpy is optional. Nothing here fails without it.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, NamedTuple

from .errors import InvalidArgument, TypeMismatch


class ElementType(NamedTuple):
    name: str      # tally's: "f64"
    number: int    # tally_type
    size: int      # bytes
    format: str    # struct's and array.array's, native
    numpy: str     # numpy's: "float64"


_TYPES = [ElementType("i8", 1, 1, "b", "int8"), ElementType("i16", 2, 2, "h", "int16"),
          ElementType("i32", 3, 4, "i", "int32"), ElementType("i64", 4, 8, "q", "int64"),
          ElementType("u8", 5, 1, "B", "uint8"), ElementType("u16", 6, 2, "H", "uint16"),
          ElementType("u32", 7, 4, "I", "uint32"), ElementType("u64", 8, 8, "Q", "uint64"),
          ElementType("f32", 9, 4, "f", "float32"), ElementType("f64", 10, 8, "d", "float64")]

I64, U64, F32, F64 = (next(t for t in _TYPES if t.name == name)
                      for name in ("i64", "u64", "f32", "f64"))
U8 = next(t for t in _TYPES if t.name == "u8")

_BY_NAME = {name: t for t in _TYPES for name in (t.name, t.numpy)}
_BY_NAME.update({"float": F64, "int": I64, "double": F64})

# Of struct's letters whose size is the machine's own.
_INTEGERS = {"i8": "b", "i16": "h", "i32": "il", "i64": "lqn", "u8": "B?", "u16": "H",
             "u32": "IL", "u64": "LQN"}


def of_format(letter: str, size: int) -> ElementType | None:
    """The type of a buffer's elements; None if tally has none such. A bool is a u8."""
    if letter in ("f", "d"):
        return {4: F32, 8: F64}.get(size)
    return next((t for t in _TYPES if letter in _INTEGERS.get(t.name, "")
                 and t.size == size), None)


def numbered(number: int) -> ElementType:
    return _TYPES[number - 1]


def named(dtype: Any) -> ElementType:
    """From "f64", "float64", float, numpy.float64, numpy.dtype("<f8")."""
    if isinstance(dtype, ElementType):
        return dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if not isinstance(name, str):  # a type: float, int, numpy.float32
        name = getattr(dtype, "__name__", "")
    if name in _BY_NAME and getattr(dtype, "isnative", True):
        return _BY_NAME[name]
    np = numpy() if isinstance(dtype, str) else None
    if np is not None:
        try:
            return named(np.dtype(dtype))  # "<f8", "d"
        except TypeError:
            pass
    raise InvalidArgument(
        f"{dtype!r} is no element type of tally's; there are "
        f"{', '.join(t.name for t in _TYPES)}", code="unknown_dtype",
        fields={"dtype": str(dtype)})


@functools.lru_cache(maxsize=None)
def _import_numpy() -> Any:
    try:
        import numpy as np
    except ImportError:
        return None
    return np


def numpy() -> Any:
    """The module, imported if it is installed; else None."""
    return sys.modules.get("numpy") or _import_numpy()


def is_ndarray(data: Any) -> bool:
    """Without importing numpy: where it is not loaded there are no arrays."""
    np = sys.modules.get("numpy")
    return np is not None and isinstance(data, np.ndarray)


def integer(value: int) -> Any:
    """numpy.int64 where there is numpy and it fits, else int, which is exact at any
    size; never uint64, which numpy turns to floats beside other integers."""
    np = numpy()
    if np is None or not -2**63 <= value < 2**63:
        return value
    return np.int64(value)


def real(value: float, single: bool = False) -> Any:
    np = numpy()
    if np is None:
        return value
    return np.float32(value) if single else np.float64(value)


def unsupported(what: str, advice: str) -> TypeMismatch:
    return TypeMismatch(f"{what}; {advice}", code="unsupported_type")
