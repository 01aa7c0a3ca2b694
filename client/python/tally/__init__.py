"""tally: reduction jobs from Python.

    import tally

    tally.sum(range(500_000_000))               # exact, by all cores
    tally.sum(array)                            # numpy or whatever has the buffer protocol
    tally.run(["count", "mean"], "a/*.csv", column="temp")
    with tally.connect() as client:             # or tally.embedded()
        jobs = [client.submit("sum", part) for part in parts]
        print([job.result().value for job in jobs])

`data` is a range, an array of integers or floats, a list of numbers, a path, a list of
paths, a pattern ("logs/*.csv"), a file object, or an array of tally.empty(); for dot, a
tuple of two arrays. Results are
numpy scalars where numpy is installed. What is returned is exact or correctly rounded;
otherwise an error is raised: tally.Error or one of its kinds (tally.errors).

Without a client it is the daemon's that $TALLY_SOCKET names or that is found at the usual
places; where there is none, a runtime inside this process, which one line on stderr tells
($TALLY_EMBED=never forbids it).
"""

from __future__ import annotations

from typing import Any, Mapping

from . import errors
from ._answer import Answer, Histogram, Index
from ._client import Client
from ._connect import connect, embedded
from ._default import default_client
from ._job import Job
from ._library import library as _library
from ._progress import Progress, ProgressOption
from ._reducers import Reducer, Reducers
from ._shared import empty, share
from .errors import *  # noqa: F401,F403: the exceptions, one by one in errors.__all__

__version__ = "0.1.0"

__all__ = ["Answer", "Client", "Histogram", "Index", "Job", "Progress", "Reducer", "all",
           "any", "argmax", "argmin", "connect", "count", "default_client", "dot",
           "embedded", "empty", "errors", "histogram", "library_version", "max", "mean", "min", "norm2",
           "prod", "run", "share", "std", "sum", "sumsq", "var",
           *errors.__all__]


def run(reducers: Reducers, data: Any, *, client: Client | None = None,
        column: str | int | None = None, hint: str | None = None,
        path: str | None = None, workers: int | None = None, chunk: int | None = None,
        missing: str | None = None, nan: str | None = None,
        timeout: float | None = None, isolated: bool = False, kernels: Any = (),
        limits: Mapping[str, int] | None = None, on_failure: str | None = None,
        priority: int | None = None, dtype: Any = None, format: str | None = None,
        delimiter: str | None = None,
        header: bool | None = None, progress: ProgressOption = None) -> Answer:
    """Runs one job: all reducers in one pass over `data`. Blocks until its end.

    reducers   "sum", ["sum", "mean"], "mean:temp=t,max:wind", or Reducer objects.
    column     a header's name or a number from 1, for the reducers that name none.
    hint       "cpu" (worker processes), "io" (threads) or "auto".
    path       "process" or "thread": where it must run.
    workers    at most so many at once.
    chunk      elements a chunk (bytes of CSV and text); the result does not depend on it.
    missing    empty cells: "error" (default) or "skip".
    nan        NaNs: "propagate" (default), "skip" or "error".
    timeout    seconds from now until the job is given up: DeadlineExceeded.
    isolated   only worker processes will do.
    kernels    a path, or several: shared objects whose reducers may be named.
    limits     {"name": count}: at most so many chunks at once that name it.
    on_failure where a part of the data kills every worker that is given it: "fail"
               (default), or "partial": Partial is raised, its `answer` has the values of
               all the rest and `answer.missing` what they do not cover.
    priority   which of your own jobs goes first: the higher; -1000 to 1000, else 0.
    dtype      element type of files and lists: "f64", "int32", numpy.float32, ...
    format, delimiter, header   of files: "npy", "raw", "csv", "text"; ","; True.
    progress   called with a Progress some times a second, or True for a line on stderr.

    Ctrl-C cancels the job. An array is read as it is, whatever its shape, in C order (an
    index is that of the flattened array). A large ordinary array goes through pipes,
    copied once by several threads of the daemon, whatever the hint; where that will not
    do (path="process", workers, isolated, kernels, limits, nan="error", on_failure="partial", a
    reducer that is no built-in) it is copied into a memfd first, which takes several times as long. An
    array of empty() that was share()d is not copied.
    """
    return (client or default_client()).run(
        reducers, data, column=column, hint=hint, path=path, workers=workers, chunk=chunk,
        missing=missing, nan=nan, timeout=timeout, isolated=isolated, kernels=kernels,
        limits=limits, on_failure=on_failure, priority=priority, dtype=dtype,
        format=format, delimiter=delimiter, header=header, progress=progress)


def count(data: Any, **options: Any) -> Any:
    """How many elements, or rows. Options as of run()."""
    return run("count", data, **options).value


def sum(data: Any, **options: Any) -> Any:
    """The exact sum: of integers whatever its size, of floats correctly rounded (as f64).
    0 for nothing. Options as of run()."""
    return run("sum", data, **options).value


def mean(data: Any, **options: Any) -> Any:
    """The true mean, correctly rounded. Raises NoValue for nothing."""
    return run("mean", data, **options).value


def min(data: Any, **options: Any) -> Any:
    """The least element; NaN if there is one. Raises NoValue for nothing."""
    return run("min", data, **options).value


def max(data: Any, **options: Any) -> Any:
    """The largest element; NaN if there is one. Raises NoValue for nothing."""
    return run("max", data, **options).value


def argmin(data: Any, **options: Any) -> Any:
    """Where the first least element is: its index from 0 in the flattened array, for
    files an Index(file, index). Raises NoValue for nothing."""
    return run("argmin", data, **options).value


def argmax(data: Any, **options: Any) -> Any:
    """Where the first largest element is, as argmin() gives it."""
    return run("argmax", data, **options).value


def any(data: Any, **options: Any) -> bool:
    """Whether an element is not zero; NaN is not. False for nothing."""
    return bool(run("any", data, **options).value)


def all(data: Any, **options: Any) -> bool:
    """Whether no element is zero; NaN is not. True for nothing."""
    return bool(run("all", data, **options).value)


def prod(data: Any, **options: Any) -> Any:
    """The exact product of integers; 1 for nothing. Raises NoValue if it is beyond 128
    bits, and InvalidArgument for floats."""
    return run("prod", data, **options).value


def histogram(data: Any, bins: Any, lo: float | None = None, hi: float | None = None,
              **options: Any) -> Histogram:
    """How many elements are in each of `bins` bins of one width from lo to hi, or between
    the edges that `bins` lists; as numpy.histogram() has them, but the edges are
    correctly rounded, and what is outside or NaN is counted apart."""
    if hasattr(bins, "__iter__"):
        if lo is not None or hi is not None:
            raise errors.InvalidArgument("a histogram has edges, or bins with lo and hi",
                                         code="bad_argument")
        args = [repr(float(edge)) for edge in bins]
        args[:1] = ["edges=" + edge for edge in args[:1]]
    else:
        args = [f"bins={bins}"]
        args += [f"{name}={float(end)!r}" for name, end in (("lo", lo), ("hi", hi))
                 if end is not None]
    value: Histogram = run(Reducer("histogram", args), data, **options).value
    return value


def sumsq(data: Any, **options: Any) -> Any:
    """The exact sum of the squares, of floats correctly rounded. 0 for nothing. Raises
    NoValue where that of integers is 2**127 or more."""
    return run("sumsq", data, **options).value


def norm2(data: Any, **options: Any) -> Any:
    """The square root of the exact sum of the squares, correctly rounded."""
    return run("norm2", data, **options).value


def dot(left: Any, right: Any, **options: Any) -> Any:
    """The exact sum of the products of two arrays, element by element, of floats correctly
    rounded; of two .npy or raw files as well. 0 for nothing. Both have one type and one
    shape; matrices are not multiplied. Raises NoValue where that of integers is beyond 128
    bits. Of columns of CSV: run("dot(price,qty)", path)."""
    return run("dot", (left, right), **options).value


def var(data: Any, *, ddof: int = 0, **options: Any) -> Any:
    """The true variance, correctly rounded: the sum of squared distances from the true
    mean, divided by the count less ddof. Raises NoValue where that is not above 0."""
    return run(Reducer("var", [str(ddof)]), data, **options).value


def std(data: Any, *, ddof: int = 0, **options: Any) -> Any:
    """The square root of the true variance, correctly rounded; ddof as of var()."""
    return run(Reducer("std", [str(ddof)]), data, **options).value


def library_version() -> str:
    """Of libtally."""
    version: bytes = _library().version()
    return version.decode()
