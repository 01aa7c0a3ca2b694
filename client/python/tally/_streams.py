"""Large arrays through pipes: the daemon's read is the only copy, and several threads
read at once.

The array is cut into contiguous pieces, one pipe each. vmsplice() hangs the array's
pages into a pipe instead of copying them; nothing here ever blocks: whoever waits for
the job's answer polls `descriptors` beside the client's socket and calls feed().

An array that is changed while its job runs gives a result of no moment of its life, as
with any other library. The array must live until the job has ended.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
from typing import Iterator

from ._sources import Elements

_PIPE_BYTES = 1024 * 1024  # what /proc/sys/fs/pipe-max-size allows anybody
_F_SETPIPE_SZ = 1031
_SPLICE_F_NONBLOCK = 2


class _Piece(ctypes.Structure):
    """An iovec: what has yet to be sent."""
    _fields_ = [("address", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


# The interpreter lock is given up: the kernel takes its time to find the pages.
_vmsplice = ctypes.CDLL(None, use_errno=True).vmsplice
_vmsplice.restype = ctypes.c_ssize_t
_vmsplice.argtypes = [ctypes.c_int, ctypes.POINTER(_Piece), ctypes.c_size_t,
                      ctypes.c_uint]


class Streams:
    """`elements` as pieces in pipes. close() it once the job has ended."""

    _reading: list[int] = []
    _writing: dict[int, _Piece] = {}

    def __init__(self, elements: Elements, pieces: int) -> None:
        self._reading = []
        self._writing = {}
        self._elements = elements
        self._first: dict[str, int] = {}  # the index of each pipe's first element
        for begin, end in _cut(elements.count, pieces):
            self._open(begin, end)

    def __del__(self) -> None:
        self.close()

    def _open(self, begin: int, end: int) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # The reading end stays open here as well: writing never raises SIGPIPE.
        self._reading.append(reading)
        size = self._elements.type.size
        self._writing[writing] = _Piece(self._elements.address + begin * size,
                                        (end - begin) * size)
        self._first[f"/dev/fd/{reading}"] = begin
        try:
            fcntl.fcntl(writing, _F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            pass  # a smaller pipe works as well

    @property
    def paths(self) -> list[bytes]:
        """To be opened by the library."""
        return [b"/dev/fd/%d" % reading for reading in self._reading]

    @property
    def descriptors(self) -> Iterator[int]:
        """To be polled for POLLOUT; none once all is sent."""
        return iter(self._writing)

    def feed(self, descriptor: int) -> bool:
        """Sends as much as there is room for: whether that was the end. Raises
        OSError."""
        piece = self._writing[descriptor]
        sent = _vmsplice(descriptor, ctypes.byref(piece), 1, _SPLICE_F_NONBLOCK)
        if sent < 0:
            number = ctypes.get_errno()
            try:
                raise OSError(number, os.strerror(number))
            except (BlockingIOError, InterruptedError):
                return False
        piece.address += sent
        piece.bytes -= sent
        if piece.bytes != 0:
            return False
        del self._writing[descriptor]
        os.close(descriptor)
        return True

    def index_of(self, path: str, index: int) -> int | None:
        """Where in the array an element of a piece is; None for another file."""
        first = self._first.get(path)
        return None if first is None else first + index

    def close(self) -> None:
        while self._reading:
            os.close(self._reading.pop())
        while self._writing:
            os.close(self._writing.popitem()[0])


def _cut(count: int, pieces: int) -> Iterator[tuple[int, int]]:
    for piece in range(pieces):
        begin, end = count * piece // pieces, count * (piece + 1) // pieces
        if begin != end:
            yield begin, end
