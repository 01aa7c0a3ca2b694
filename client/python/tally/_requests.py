"""A job as the library takes it: source, reducers and options put into a tally_job."""

from __future__ import annotations

import ctypes
import math
import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from . import _shared, _sources
from ._library import Library
from ._reducers import Reducer
from ._streams import Streams
from .errors import InvalidArgument

_HINTS = {"auto": 0, "cpu": 1, "io": 2}
_PATHS = {"thread": 2, "process": 3}
_MISSING = {"error": 0, "skip": 1}
_NAN = {"propagate": 0, "skip": 1, "error": 2}
_ON_FAILURE = {"fail": 0, "partial": 1}
_RAW = 2

# Whose results do not depend on how the elements are cut up. All others, kernels too, get
# the array whole.
IN_PIECES = frozenset(["count", "sum", "mean", "min", "max", "argmin", "argmax", "sumsq",
                       "var", "std", "norm2", "any", "all", "and", "or", "xor", "prod",
                       "histogram"])
_MAX_PIECES = 16  # one thread feeds them all


@dataclass(frozen=True)
class Options:
    """How a job runs; None is the daemon's default."""

    hint: str | None = None
    path: str | None = None
    workers: int | None = None
    chunk: int | None = None
    missing: str | None = None
    nan: str | None = None
    timeout: float | None = None  # seconds
    isolated: bool = False
    kernels: Sequence[Any] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    on_failure: str | None = None
    priority: int | None = None

    @property
    def takes_streams(self) -> bool:
        """Whether threads that read pipes do what is asked. An error that names an element
        would name it within its piece."""
        return not (self.path == "process" or self.workers or self.isolated or
                    self.kernels or self.limits or self.nan == "error" or
                    self.on_failure == "partial")


def _number(name: str, value: Any, most: int, least: int = 0) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InvalidArgument(f"{name} is a whole number, not {value!r}",
                              code="bad_option")
    number: int = value.__index__()
    if not least <= number <= most:
        raise InvalidArgument(f"{name} is from {least} to {most}, not {number}",
                              code="bad_option")
    return number


def _one_of(name: str, value: Any, names: Mapping[str, int]) -> int:
    if value not in names:
        raise InvalidArgument(f"{name} is one of {', '.join(names)}, not {value!r}",
                              code="bad_option")
    return names[value]


def _timeout_ns(seconds: Any) -> int:
    try:
        value = float(seconds)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < 1e9:
        raise InvalidArgument(f"timeout is seconds, more than 0, not {seconds!r}",
                              code="bad_option")
    return max(1, round(value * 1e9))


class Request:
    """A tally_job, built step by step; freed with this object."""

    handle: ctypes.c_void_p | None = None

    def __init__(self, lib: Library) -> None:
        self._lib = lib
        self.handle = ctypes.c_void_p()
        self._error = ctypes.c_void_p()
        self._call(lib.job_new(ctypes.byref(self.handle), ctypes.byref(self._error)))

    def __del__(self) -> None:
        if self.handle:
            self._lib.job_free(self.handle)

    def _call(self, status: int) -> None:
        if status != 0:
            error, self._error = self._error, ctypes.c_void_p()
            raise self._lib.taken(error, status)

    def _do(self, name: str, *arguments: Any) -> None:
        function = getattr(self._lib, f"job_{name}")
        self._call(function(self.handle, *arguments, ctypes.byref(self._error)))

    def add_reducers(self, reducers: Sequence[Reducer]) -> None:
        for one in reducers:
            args = [str(arg).encode() for arg in one.args]
            self._do("add_reducer_args", one.name.encode(),
                     (ctypes.c_char_p * len(args))(*args) if args else None, len(args),
                     one.column.encode() if one.column else None,
                     one.label.encode() if one.label else None)

    def set_options(self, options: Options) -> None:
        if options.hint is not None:
            self._do("set_hint", _one_of("hint", options.hint, _HINTS))
        if options.path is not None:
            self._do("set_path", _one_of("path", options.path, _PATHS))
        if options.workers is not None:
            self._do("set_workers", _number("workers", options.workers, 2**32 - 1))
        if options.chunk is not None:
            self._do("set_chunk_size", _number("chunk", options.chunk, 2**64 - 1))
        if options.missing is not None:
            self._do("set_missing", _one_of("missing", options.missing, _MISSING))
        if options.nan is not None:
            self._do("set_nan", _one_of("nan", options.nan, _NAN))
        if options.timeout is not None:
            self._do("set_timeout_ns", _timeout_ns(options.timeout))
        if options.priority is not None:
            self._do("set_priority", _number("priority", options.priority, 1000, -1000))
        if options.isolated:
            self._do("set_require_isolated", 1)
        for kernel in options.kernels:
            self._do("add_kernel", os.fsencode(kernel))
        if options.on_failure is not None:
            self._do("set_on_failure",
                     _one_of("on_failure", options.on_failure, _ON_FAILURE))
        for name, count in options.limits.items():
            self._do("set_limit", name.encode(), _number(name, count, 2**32 - 1))

    def set_range(self, source: _sources.Range) -> None:
        self._do("set_range", source.start, source.stop, source.step)

    def set_files(self, source: _sources.Files) -> None:
        if not source.paths:
            raise InvalidArgument("no file is named", code="no_source")
        for path in source.paths:
            self._do("add_file", path)
        if source.format is not None:
            self._do("set_format", source.format)
        if source.type is not None:
            self._do("set_dtype", source.type.number)
        if source.delimiter is not None or source.header is not None:
            self._do("set_csv", (source.delimiter or ",").encode(),
                     int(source.header is not False))

    def set_values(self, source: _sources.Elements) -> None:
        self._do("set_values", source.type.number, source.address, source.count)

    def set_block(self, source: _sources.Elements, block: _shared.Block,
                  how: str = "set") -> None:
        """`source` is the whole or a part of the block, which is shared. `how`: "pair"
        makes it the second of two arrays."""
        if source.bytes == block.bytes and source.type is block.type:
            self._do(f"{how}_array", block.handle)
        else:
            self._do(f"{how}_memory", block.fd, source.type.number,
                     source.address - block.address, source.count)

    def set_pair(self, source: _sources.Pair) -> int:
        """Both in memory that the daemon reads. Gives how many bytes are copied."""
        copied = 0
        for one, how in ((source.left, "set"), (source.right, "pair")):
            copied += one.bytes if one.copied else 0
            block = _shared.sealed_block_of(one)
            if block is None:
                block = _shared.Block.copy(one)
                copied += one.bytes
                self._do(f"{how}_array", block.handle)
            else:
                self.set_block(one, block, how)
        return copied

    def set_streams(self, source: _sources.Elements, paths: Sequence[bytes]) -> None:
        """Pipes that `source` will come through, each a part of it."""
        for path in paths:
            self._do("add_file", path)
        self._do("set_format", _RAW)
        self._do("set_dtype", source.type.number)


def kernels_of(given: Any) -> Sequence[Any]:
    return (given,) if isinstance(given, (str, bytes, os.PathLike)) else tuple(given)


def put(source: _sources.Source, request: Request, may_stream: bool) \
        -> tuple[Streams | None, int]:
    """The source into the request. Gives the pipes, if it goes through such, and how
    many bytes are copied."""
    if isinstance(source, _sources.Range):
        request.set_range(source)
        return None, 0
    if isinstance(source, _sources.Files):
        request.set_files(source)
        return None, 0
    if isinstance(source, _sources.Pair):
        return None, request.set_pair(source)
    converted = source.bytes if source.copied else 0
    if (block := _shared.sealed_block_of(source)) is not None:
        request.set_block(source, block)
        return None, converted
    if source.bytes <= _sources.MAX_VALUES_BYTES:
        request.set_values(source)
    elif may_stream:
        streams = Streams(source, min(len(os.sched_getaffinity(0)), _MAX_PIECES))
        request.set_streams(source, streams.paths)
        return streams, converted + source.bytes
    else:
        request.set_block(source, _shared.Block.copy(source))
    return None, converted + source.bytes
