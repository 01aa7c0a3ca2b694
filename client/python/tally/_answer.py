"""What a job gave: its results, and where time and memory went."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterator

from . import _elements
from ._library import HistogramView
from .errors import Error

if TYPE_CHECKING:
    from ._library import Library
    from ._streams import Streams

_INT, _F64, _F32, _INDEX, _TEXT, _HISTOGRAM = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Index:
    """Where an element of a file is: what argmin and argmax of files give."""

    file: str
    index: int  # from 0, of the element or row


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Histogram:
    """counts[i] elements are in [edges[i], edges[i + 1]), the last edge included. Arrays of
    numpy where it is, else lists. Unpacks as numpy.histogram()'s: counts, edges = ..."""

    counts: Any
    edges: Any  # one more than counts
    underflow: int  # elements below the first edge
    overflow: int   # above the last
    nan: int

    def __iter__(self) -> Iterator[Any]:
        return iter((self.counts, self.edges))


class Answer(Mapping[str, Any]):
    """A job's results by label: answer["mean"]; a single one also as answer.value.

    Integers are numpy.int64 or, beyond 64 bits and without numpy, int, and always exact;
    floats are numpy.float64 or numpy.float32, without numpy float. A result that has no
    value (the mean of nothing) raises NoValue when it is asked for. It does not need its
    client, and may be used by any thread.
    """

    _handle: ctypes.c_void_p | None = None

    def __init__(self, lib: Library, handle: ctypes.c_void_p,
                 streams: Streams | None = None, copied: int = 0) -> None:
        """Takes `handle` over."""
        self._lib = lib
        self._handle = handle
        self._streams = streams
        self._copied = copied
        self._results: dict[str, Any] = {}
        for i in range(lib.answer_result_count(handle)):
            result = lib.answer_result(handle, i)
            label = lib.result_label(result).decode("utf-8", "replace")
            self._results[label] = self._value_of(result)

    def __del__(self) -> None:
        if self._handle is not None:
            self._lib.answer_free(self._handle)

    def _value_of(self, result: int) -> Any:
        lib, kind = self._lib, self._lib.result_kind(result)
        if kind == _INT:
            return _elements.integer(int(lib.result_text(result)))
        if kind == _F64:
            double = ctypes.c_double()
            lib.result_f64(result, ctypes.byref(double), None)
            return _elements.real(double.value)
        if kind == _F32:
            single = ctypes.c_float()
            lib.result_f32(result, ctypes.byref(single), None)
            return _elements.real(single.value, single=True)
        if kind == _INDEX:
            return self._index_of(result)
        if kind == _HISTOGRAM:
            return self._histogram_of(result)
        if error := lib.result_error(result):
            return lib.exception(error)
        return lib.result_text(result).decode("utf-8", "replace")

    def _index_of(self, result: int) -> Any:
        index, file = ctypes.c_uint64(), ctypes.c_char_p()
        self._lib.result_index(result, ctypes.byref(index), ctypes.byref(file), None)
        if file.value is None:
            return _elements.integer(index.value)
        name = file.value.decode("utf-8", "surrogateescape")
        if self._streams is not None:
            whole = self._streams.index_of(name, index.value)
            if whole is not None:
                return _elements.integer(whole)
        return Index(name, index.value)

    def _histogram_of(self, result: int) -> Histogram:
        view = HistogramView(struct_size=ctypes.sizeof(HistogramView))
        self._lib.result_histogram(result, ctypes.byref(view), None)
        edges = view.edges[:view.bins + 1]
        counts = view.counts[:view.bins]
        np = _elements.numpy()
        if np is not None:
            edges, counts = np.array(edges, "float64"), np.array(counts, "uint64")
        return Histogram(counts, edges, view.underflow, view.overflow, view.nan)

    def __getitem__(self, label: str) -> Any:
        value = self._results[label]
        if isinstance(value, Error):
            raise value.with_traceback(None)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        shown = ", ".join(f"{label}={value!r}" for label, value in self._results.items())
        return f"<tally.Answer {shown}; {self.path}, {self.time['total_ns'] / 1e6:.3f} ms>"

    @property
    def value(self) -> Any:
        """The only result. Raises LookupError if there are several."""
        if len(self._results) != 1:
            raise LookupError(f"there are {len(self._results)} results; name one of "
                              f"{', '.join(self._results)}")
        return self[next(iter(self._results))]

    @cached_property
    def json(self) -> Any:
        """All of it, as `tally run --json` prints it: see tally-json(5)."""
        text = self._lib.answer_json(self._handle)
        if text is None:
            raise MemoryError("the answer as JSON")
        return json.loads(text.decode("utf-8", "replace"))

    @property
    def time(self) -> dict[str, Any]:
        """Nanoseconds, by phase: queue + plan + run + merge + reply + other = total."""
        found: dict[str, Any] = self.json["time"]
        return found

    @property
    def memory(self) -> dict[str, Any]:
        """Bytes; None is what was not measured."""
        found: dict[str, Any] = self.json["memory"]
        return found

    @property
    def elements(self) -> dict[str, Any]:
        """How many: seen = kept + missing + filtered."""
        found: dict[str, Any] = self.json["elements"]
        return found

    @property
    def missing(self) -> list[dict[str, Any]]:
        """What the values do not cover: a range or a part of a file each, and what its
        workers died of. Not empty only where the job ended partial (on_failure)."""
        found: list[dict[str, Any]] = self.json.get("missing", [])
        return found

    @property
    def path(self) -> str:
        """Where it ran: "inline", "thread" or "process"."""
        found: str = self.json["path"]
        return found

    @property
    def reason(self) -> str:
        """Why there."""
        found: str = self.json["reason"]
        return found

    @property
    def copied_bytes(self) -> int:
        """Of the caller's memory, to hand it over; 0 for ranges, files and what was
        shared."""
        return self._copied
