"""What is reduced: turns what a caller passes as `data` into a source.

A source says how to put itself into a job (`into`). Whatever memory it names lives and
stays unmoved as long as the source does. No element is ever changed on the way, save
for what is exact: float16 widens to f32, bool becomes 0 and 1, foreign byte order is
turned.
"""

from __future__ import annotations

import array
import ctypes
import glob as globbing
import os
import sys
from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from . import _elements
from ._elements import ElementType
from .errors import InvalidArgument, NotFound, TypeMismatch

# Up to here elements travel in the request. Measured, with two cores: 64 KiB take 205 us
# so, 217 by pipes and 208 by a memfd; 256 KiB take 587, 215 and 366.
MAX_VALUES_BYTES = 64 * 1024

_FORMATS = {"npy": 1, "raw": 2, "csv": 3, "text": 4}


class _PyBuffer(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object),
                ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
                ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p),
                ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p),
                ("internal", ctypes.c_void_p)]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]


class Elements:
    """Elements in memory, one after the other: `count` of `type` at `address`. Holds
    the buffer, so that its owner can neither move nor free it."""

    _held = False

    def __init__(self, owner: Any, type: ElementType, copied: bool) -> None:
        self._buffer = _PyBuffer()
        _get_buffer(owner, ctypes.byref(self._buffer), 0)  # PyBUF_SIMPLE
        self._held = True
        self.type = type
        self.bytes: int = self._buffer.len
        self.count = self.bytes // type.size
        self.address: int = self._buffer.buf or 0
        self.copied = copied

    def __del__(self) -> None:
        if self._held:
            _release_buffer(ctypes.byref(self._buffer))


@dataclass(frozen=True)
class Range:
    start: int
    stop: int
    step: int


@dataclass(frozen=True)
class Files:
    paths: Sequence[bytes]
    format: int | None
    type: ElementType | None
    delimiter: str | None
    header: bool | None
    held: Any = None  # the file objects: open until the library has opened them


@dataclass(frozen=True)
class Pair:
    """Two arrays whose elements are paired one by one, for dot."""

    left: Elements
    right: Elements


Source = Range | Elements | Files | Pair


def source_of(data: Any, *, dtype: Any = None, format: str | None = None,
              delimiter: str | None = None, header: bool | None = None) -> Source:
    """Raises InvalidArgument (TypeMismatch where the type is at fault), NotFound for a
    pattern that matches nothing."""
    paths = _paths_of(data)
    if paths is not None:
        return _files(data, paths, dtype, format, delimiter, header)
    for name, value in (("format", format), ("delimiter", delimiter),
                        ("header", header)):
        if value is not None:
            raise InvalidArgument(f"{name} is for files, and this is none",
                                  code="not_a_file")
    if isinstance(data, range):
        if dtype is not None and _elements.named(dtype) is not _elements.I64:
            raise InvalidArgument("a range's elements are i64", code="bad_range")
        return _range(data)
    if _is_pair(data):
        return _pair(data, dtype)
    if isinstance(data, (list, tuple)):
        return _numbers(data, dtype)
    return _elements_of(data, dtype)


# --- two arrays -------------------------------------------------------------------


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and \
        all(isinstance(one, (list, tuple)) or _is_array(one) for one in data)


def _pair(data: tuple[Any, Any], dtype: Any) -> Pair:
    """Each in the order of its rows, however it lies in memory."""
    left, right = (_numbers(one, dtype) if isinstance(one, (list, tuple)) else
                   _elements_of(one, dtype) for one in data)
    shapes = [tuple(getattr(one, "shape", ()) or (len(one),)) for one in data]
    if left.count == right.count and shapes[0] != shapes[1]:  # else the daemon tells
        raise InvalidArgument(
            f"dot pairs two arrays element by element, and one is of shape {shapes[0]}, "
            f"the other of {shapes[1]}; reshape one of them", code="different_shapes",
            fields={"shape": str(shapes[0]), "other_shape": str(shapes[1])})
    return Pair(left, right)


def _is_array(data: Any) -> bool:
    if hasattr(data, "__array__"):  # numbers of numpy's have it, too
        return getattr(data, "ndim", 0) > 0
    return isinstance(data, (array.array, memoryview, bytes, bytearray))


# --- ranges -----------------------------------------------------------------------


def _range(data: range) -> Range:
    for bound in (data.start, data.stop, data.step):
        if not -2**63 <= bound < 2**63:
            raise InvalidArgument(f"{data} has a bound that i64 cannot hold",
                                  code="bad_range")
    return Range(data.start, data.stop, data.step)


# --- files ------------------------------------------------------------------------


def _is_path(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def _is_file(data: Any) -> bool:
    return hasattr(data, "fileno") and hasattr(data, "read")


def _paths_of(data: Any) -> list[bytes] | None:
    """The paths, or None where data is no file. Patterns are expanded, in order."""
    if _is_path(data):
        return _expanded(data)
    if _is_file(data):
        return [_path_of_file(data)]
    if isinstance(data, (list, tuple)) and data and (_is_path(data[0]) or
                                                     _is_file(data[0])):
        paths: list[bytes] = []
        for one in data:
            if not (_is_path(one) or _is_file(one)):
                raise TypeMismatch(f"{one!r} is no path, as those before it are",
                                   code="unsupported_type")
            paths += _expanded(one) if _is_path(one) else [_path_of_file(one)]
        return paths
    return None


def _expanded(path: Any) -> list[bytes]:
    name = os.fspath(path)
    if isinstance(name, str) and any(c in name for c in "*?[") and \
            not os.path.lexists(name):
        found = sorted(globbing.glob(name, recursive=True))
        if not found:
            raise NotFound(f"no file matches {name}", code="no_such_file",
                           fields={"file": name})
        return [os.fsencode(one) for one in found]
    encoded = os.fsencode(name)
    if b"\0" in encoded:
        raise InvalidArgument(f"{name!r} holds a NUL, which no path does",
                              code="bad_path")
    return [encoded]


# The library opens it anew: the whole of a file, whatever was read of it; of a pipe
# what is still in it.
def _path_of_file(file: Any) -> bytes:
    try:
        descriptor = file.fileno()
    except (OSError, ValueError) as why:
        raise TypeMismatch(f"{file!r} is no file of the system ({why}); pass what "
                           f"its read() gives", code="unsupported_type") from why
    flush = getattr(file, "flush", None)
    if flush is not None and getattr(file, "writable", lambda: True)():
        flush()
    return b"/dev/fd/%d" % descriptor


def _files(data: Any, paths: list[bytes], dtype: Any, format: str | None,
           delimiter: str | None, header: bool | None) -> Files:
    if format is not None and format not in _FORMATS:
        raise InvalidArgument(f"{format!r} is no format; there are "
                              f"{', '.join(_FORMATS)}", code="bad_format")
    if format is None and paths and paths[0].startswith(b"/dev/fd/"):
        first = data[0] if isinstance(data, (list, tuple)) else data
        format = _format_by_name(getattr(first, "name", ""))
    if delimiter is not None and len(delimiter.encode()) != 1:
        raise InvalidArgument("a delimiter is one character", code="bad_delimiter")
    return Files(paths, _FORMATS[format] if format else None,
                 _elements.named(dtype) if dtype is not None else None,
                 delimiter, header, data)


def _format_by_name(name: Any) -> str | None:
    extension = os.path.splitext(name)[1] if isinstance(name, str) else ""
    return {".npy": "npy", ".txt": "text", ".raw": "raw", ".bin": "raw",
            ".csv": "csv"}.get(extension)


# --- numbers ----------------------------------------------------------------------


def _numbers(data: Sequence[Any], dtype: Any) -> Elements:
    type, plain = _common_type(data)
    if dtype is not None:
        type = _elements.named(dtype)
        integral = type.format not in "fd"
        if integral and any(isinstance(x, float) for x in plain):
            raise InvalidArgument(f"{type.name} holds no fractions", code="bad_value")
    elif type is _elements.F64:
        _check_exact(plain)
    try:
        packed = array.array(type.format, plain)
    except OverflowError as why:
        raise InvalidArgument(f"a number does not fit in {type.name}",
                              code="bad_value") from why
    if dtype is not None and type.format in "fd":
        _check_same(plain, packed, type)
    return Elements(packed, type, copied=True)


def _common_type(data: Sequence[Any]) -> tuple[ElementType, list[Any]]:
    plain = [_plain_number(x) for x in data]
    if not plain or any(type(x) is float for x in plain):
        return _elements.F64, plain
    least, most = min(plain), max(plain)
    if least >= -2**63 and most < 2**63:
        return _elements.I64, plain
    if least >= 0 and most < 2**64:
        return _elements.U64, plain
    raise InvalidArgument("no integer type of tally's holds all these numbers: they "
                          f"reach from {least} to {most}", code="bad_value")


def _plain_number(value: Any) -> Any:
    """As an int or a float without loss."""
    if type(value) in (int, float):
        return value
    if isinstance(value, (str, bytes, list, tuple)) or value is None:
        raise _elements.unsupported(
            f"{value!r} is no number",
            "nested lists make a numpy array, texts have to be converted")
    if isinstance(value, float):
        return float(value)
    if hasattr(value, "__index__"):
        return value.__index__()
    np = sys.modules.get("numpy")
    if np is not None and isinstance(value, (np.floating, np.bool_)) and \
            value.itemsize <= 8:
        return value.item()
    raise _elements.unsupported(f"{value!r} is no int and no float",
                                "convert it, with the loss that you can bear")


def _check_exact(numbers: Iterable[Any]) -> None:
    for number in numbers:
        if type(number) is int and not _fits_f64(number):
            raise InvalidArgument(f"f64 cannot hold {number}, and there are fractions "
                                  f"beside it", code="bad_value")


def _fits_f64(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _check_same(numbers: Iterable[Any], packed: Any, type: ElementType) -> None:
    for number, kept in zip(numbers, packed):
        if number != kept and number == number:
            raise InvalidArgument(f"{type.name} cannot hold {number}", code="bad_value")


# --- buffers ----------------------------------------------------------------------


def _elements_of(data: Any, dtype: Any) -> Elements:
    np = sys.modules.get("numpy")
    if np is not None and isinstance(data, np.ma.MaskedArray):
        raise _elements.unsupported("a masked array holds elements that do not count",
                                    "pass its compressed()")
    try:
        view = memoryview(data)
    except TypeError:
        return _from_array_like(data, dtype)
    except (ValueError, BufferError) as why:
        raise _no_such_type(data, str(why)) from why
    return _from_view(data, view, dtype)


def _from_array_like(data: Any, dtype: Any) -> Elements:
    """pandas' series and others that numpy makes an array of."""
    np = _elements.numpy() if hasattr(data, "__array__") else None
    if np is None:
        raise _elements.unsupported(
            f"{type(data).__name__} is no data",
            "pass an array, a list of numbers, a range, or a path")
    return _elements_of(np.asarray(data), dtype)


def _no_such_type(data: Any, why: str) -> TypeMismatch:
    name = str(getattr(data, "dtype", "")) or why
    advice = {"M": "its view('i8') has the numbers, NaT as the least of them",
              "m": "its view('i8') has the numbers, NaT as the least of them",
              "O": "convert it, with astype(float) say",
              "c": "reduce its .real and .imag",
              "V": "reduce one of its fields: x['name']"}
    kind = getattr(getattr(data, "dtype", None), "kind", "")
    return _elements.unsupported(f"elements of type {name} are none of tally's",
                                 advice.get(kind, "convert them"))


def _from_view(data: Any, view: memoryview, dtype: Any) -> Elements:
    order, letter = _split_format(view.format)
    swapped = order in (">!" if sys.byteorder == "little" else "<")
    if letter == "e":
        return _checked(_widened(data, view, swapped), dtype)
    type = _elements.of_format(letter, view.itemsize)
    if type is None:
        raise _no_such_type(data, f"of buffer format {view.format!r}")
    if swapped and type.size > 1:
        turned = array.array(type.format, view.tobytes())
        turned.byteswap()
        return _checked(Elements(turned, type, copied=True), dtype)
    if view.c_contiguous:
        return _checked(Elements(view, type, copied=False), dtype)
    # numpy copies with a stride much faster than memoryview.
    flat = data.ravel() if _elements.is_ndarray(data) else view.tobytes()
    return _checked(Elements(memoryview(flat), type, copied=True), dtype)


def _split_format(format: str | None) -> tuple[str, str]:
    text = format or "B"
    order = text[0] if text[0] in "@=<>!^" else "@"
    return order, text.lstrip("@=<>!^")


def _widened(data: Any, view: memoryview, swapped: bool) -> Elements:
    """float16 as f32, which holds all its values."""
    if _elements.is_ndarray(data):
        wide = data.astype("f4", order="C").ravel()
        return Elements(memoryview(wide), _elements.F32, copied=True)
    import struct
    halves = struct.unpack(f"{'>' if swapped else '='}{view.nbytes // 2}e",
                           view.tobytes())
    return Elements(array.array("f", halves), _elements.F32, copied=True)


def _checked(elements: Elements, dtype: Any) -> Elements:
    if dtype is not None and _elements.named(dtype) is not elements.type:
        raise InvalidArgument(
            f"these elements are {elements.type.name}: convert or view them as "
            f"{_elements.named(dtype).name} first", code="bad_dtype")
    return elements
