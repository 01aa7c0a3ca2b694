"""libtally by ctypes: finding it, and its functions with their types.

Found as $TALLY_LIBRARY; else beside an installed package (PREFIX/lib*/libtally.so.0, for
PREFIX/share/tally/python/tally); else by the system's linker. Loaded once, with the first
call that needs it.

Functions that cannot block are called with the interpreter lock held (`held`): giving it
up costs more than they take, and getting it back from a busy thread costs milliseconds.
Those that may take long are called without it (`free`).
"""

from __future__ import annotations

import ctypes
import glob
import os
import pathlib
import threading
from ctypes import POINTER, c_char, c_char_p, c_double, c_float, c_int, c_int32, \
    c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

from . import errors

_SONAME = "libtally.so.0"
_EMBED_SONAME = "libtally-embed.so.0"


class ConnectOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("socket_path", c_char_p),
                ("timeout_ns", c_uint64), ("flags", c_uint64)]


class EmbedOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("workers", c_uint32),
                ("threads", c_uint32), ("worker_program", c_char_p),
                ("flags", c_uint64)]


class Progress(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("done", c_uint64), ("total", c_uint64),
                ("in_bytes", c_int32)]


ProgressFunction = ctypes.CFUNCTYPE(None, c_void_p, POINTER(Progress))


class SubmitOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("progress", ProgressFunction),
                ("user", c_void_p), ("flags", c_uint64)]


class HistogramView(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("bins", c_size_t),
                ("edges", POINTER(c_double)), ("counts", POINTER(c_uint64)),
                ("underflow", c_uint64), ("overflow", c_uint64), ("nan", c_uint64)]


_ERROR = POINTER(c_void_p)
_JOB = c_void_p
_STATUS = c_int32

# name: (result, arguments); a tally_status is checked by the caller.
_HELD = {
    "tally_version": (c_char_p, []),
    "tally_status_name": (c_char_p, [c_int32]),
    "tally_error_class": (_STATUS, [c_void_p]),
    "tally_error_json": (c_char_p, [c_void_p]),
    "tally_error_free": (None, [c_void_p]),
    "tally_client_free": (None, [c_void_p]),
    "tally_client_fd": (c_int, [c_void_p]),
    "tally_client_events": (c_int, [c_void_p]),
    "tally_client_ready": (c_uint64, [c_void_p, POINTER(c_void_p)]),
    "tally_job_new": (_STATUS, [POINTER(c_void_p), _ERROR]),
    "tally_job_free": (None, [_JOB]),
    "tally_job_add_reducer_args": (_STATUS, [_JOB, c_char_p, POINTER(c_char_p), c_size_t,
                                             c_char_p, c_char_p, _ERROR]),
    "tally_job_set_range": (_STATUS, [_JOB, c_int64, c_int64, c_int64, _ERROR]),
    "tally_job_set_values": (_STATUS, [_JOB, c_int32, c_void_p, c_size_t, _ERROR]),
    "tally_job_set_memory": (_STATUS, [_JOB, c_int, c_int32, c_uint64, c_uint64,
                                       _ERROR]),
    "tally_job_set_format": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_dtype": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_csv": (_STATUS, [_JOB, c_char, c_int, _ERROR]),
    "tally_job_set_hint": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_path": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_workers": (_STATUS, [_JOB, c_uint32, _ERROR]),
    "tally_job_set_chunk_size": (_STATUS, [_JOB, c_uint64, _ERROR]),
    "tally_job_set_missing": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_nan": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_on_failure": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_timeout_ns": (_STATUS, [_JOB, c_uint64, _ERROR]),
    "tally_job_set_priority": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_priority": (_STATUS, [_JOB, c_int32, _ERROR]),
    "tally_job_set_require_isolated": (_STATUS, [_JOB, c_int, _ERROR]),
    "tally_job_set_limit": (_STATUS, [_JOB, c_char_p, c_uint32, _ERROR]),
    "tally_job_set_array": (_STATUS, [_JOB, c_void_p, _ERROR]),
    "tally_job_pair_array": (_STATUS, [_JOB, c_void_p, _ERROR]),
    "tally_job_pair_memory": (_STATUS, [_JOB, c_int, c_int32, c_uint64, c_uint64,
                                        _ERROR]),
    "tally_array_view": (c_void_p, [c_void_p]),
    "tally_array_count": (c_uint64, [c_void_p]),
    "tally_array_type": (c_int32, [c_void_p]),
    "tally_array_fd": (c_int, [c_void_p]),
    "tally_array_is_shared": (c_int, [c_void_p]),
    "tally_submit_with": (_STATUS, [c_void_p, _JOB, POINTER(SubmitOptions),
                                    POINTER(c_uint64), _ERROR]),
    "tally_wait": (_STATUS, [c_void_p, c_uint64, POINTER(c_void_p), _ERROR]),
    "tally_answer_free": (None, [c_void_p]),
    "tally_answer_error": (c_void_p, [c_void_p]),
    "tally_answer_json": (c_char_p, [c_void_p]),
    "tally_answer_result_count": (c_size_t, [c_void_p]),
    "tally_answer_result": (c_void_p, [c_void_p, c_size_t]),
    "tally_result_label": (c_char_p, [c_void_p]),
    "tally_result_kind": (c_int32, [c_void_p]),
    "tally_result_text": (c_char_p, [c_void_p]),
    "tally_result_error": (c_void_p, [c_void_p]),
    "tally_result_f64": (_STATUS, [c_void_p, POINTER(c_double), _ERROR]),
    "tally_result_f32": (_STATUS, [c_void_p, POINTER(c_float), _ERROR]),
    "tally_result_index": (_STATUS, [c_void_p, POINTER(c_uint64), POINTER(c_char_p),
                                     _ERROR]),
    "tally_result_histogram": (_STATUS, [c_void_p, POINTER(HistogramView), _ERROR]),
}

# May take long: round trips, opening files (of jobs over many, while they run), copies.
_FREE = {
    "tally_client_dispatch": (_STATUS, [c_void_p, _ERROR]),
    "tally_connect": (_STATUS, [POINTER(ConnectOptions), POINTER(c_void_p), _ERROR]),
    "tally_ping": (_STATUS, [c_void_p, c_uint64, _ERROR]),
    "tally_cancel": (_STATUS, [c_void_p, c_uint64, _ERROR]),
    "tally_job_add_file": (_STATUS, [_JOB, c_char_p, _ERROR]),
    "tally_job_add_kernel": (_STATUS, [_JOB, c_char_p, _ERROR]),
    "tally_array_create": (_STATUS, [c_int32, c_uint64, POINTER(c_void_p), _ERROR]),
    "tally_array_copy": (_STATUS, [c_int32, c_void_p, c_uint64, POINTER(c_void_p),
                                   _ERROR]),
    "tally_array_share": (_STATUS, [c_void_p, _ERROR]),
    "tally_array_free": (None, [c_void_p]),
}

_EMBED = {
    "tally_embed": (_STATUS, [POINTER(EmbedOptions), POINTER(c_void_p), _ERROR]),
    "tally_embedded_connect": (_STATUS, [c_void_p, POINTER(ConnectOptions),
                                         POINTER(c_void_p), _ERROR]),
    "tally_embedded_free": (None, [c_void_p]),
}


class Functions:
    """Of a shared library, as attributes without their prefix: functions.embed(...)."""

    def __init__(self, path: str, held: dict[str, Any], free: dict[str, Any]) -> None:
        self.path = path
        try:
            for dll, table in ((ctypes.PyDLL(path), held), (ctypes.CDLL(path), free)):
                for name, (result, arguments) in table.items():
                    function = getattr(dll, name)
                    function.restype, function.argtypes = result, arguments
                    setattr(self, name.removeprefix("tally_"), function)
        except (OSError, AttributeError) as why:
            raise errors.Unavailable(
                f"{path} cannot be loaded, or is of another version: {why}",
                code="no_library", fields={"file": path}) from why

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> Any: ...


class Library(Functions):
    """libtally."""

    def __init__(self, path: str) -> None:
        super().__init__(path, _HELD, _FREE)

    def check(self, status: int, error: c_void_p) -> None:
        """Raises what a function failed with; frees `error`."""
        if status != 0:
            raise self.taken(error, status)

    def taken(self, error: c_void_p, status: int = 9) -> errors.Error:
        """The exception for an owned tally_error, which is freed."""
        if not error.value:
            return errors.make(status, "", "out of memory", {})
        try:
            return self.exception(error.value)
        finally:
            self.error_free(error)

    def exception(self, error: int) -> errors.Error:
        """The exception for a tally_error that belongs to somebody else."""
        return errors.from_json(self.error_class(error), self.error_json(error))


def _beside_the_package(soname: str) -> str | None:
    # PREFIX/share/tally/python/tally/_library.py
    prefix = pathlib.Path(__file__).resolve().parents[4]
    for pattern in ("lib", "lib64", "lib/*-linux-gnu*"):
        for found in glob.glob(f"{glob.escape(str(prefix))}/{pattern}/{soname}"):
            return found
    return None


_lock = threading.Lock()
_library: Library | None = None
_embed: Functions | None = None


def library() -> Library:
    """libtally, loaded if it was not. Raises Unavailable "no_library"."""
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = Library(os.environ.get("TALLY_LIBRARY") or
                                   _beside_the_package(_SONAME) or _SONAME)
    return _library


def embed_library() -> Functions:
    """libtally-embed, from where libtally is. Its clients are libtally's. Raises as
    library() does."""
    global _embed
    folder = os.path.dirname(library().path)
    with _lock:
        if _embed is None:
            _embed = Functions(os.path.join(folder, _EMBED_SONAME), {}, _EMBED)
    return _embed
