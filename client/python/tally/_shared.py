"""Arrays in memfds: what workers read where it lies, without a copy.

A block is written by its owner until share() seals it; from then on nobody can change
it, the owner neither. It is unmapped when the last array over it has gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import mmap
import os
import weakref
from typing import Any

from . import _elements
from .errors import InvalidArgument, Io

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                       ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_FIXED = 0x10
_MAP_FAILED = ctypes.c_void_p(-1).value

_F_ADD_SEALS = 1033
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # seal, shrink, grow, write


class Block:
    """`bytes` bytes at `address`, of the memfd `fd`. Threads: any."""

    def __init__(self, bytes: int) -> None:
        self.fd = -1
        self.address = 0
        self.bytes = bytes
        self._mapped = max(bytes, 1)
        self.sealed = False
        self.fd = os.memfd_create("tally", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self._mapped)
        self.address = self._map(None, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED)

    def __del__(self) -> None:
        if self.address:
            _libc.munmap(self.address, self._mapped)
        if self.fd >= 0:
            os.close(self.fd)

    def _map(self, at: int | None, protection: int, flags: int) -> int:
        found = _libc.mmap(at, self._mapped, protection, flags, self.fd, 0)
        if found == _MAP_FAILED:
            number = ctypes.get_errno()
            raise Io(f"mapping {self._mapped} bytes: {os.strerror(number)}")
        return found

    def seal(self) -> None:
        # One step, so that no write is lost: one before it is in the block, one after it
        # faults. A mapping that could be written would keep the seal away.
        self._map(self.address, mmap.PROT_READ, mmap.MAP_PRIVATE | _MAP_FIXED)
        try:
            fcntl.fcntl(self.fd, _F_ADD_SEALS, _SEALS)
        except OSError as why:  # pages that a device or a pipe still holds
            self._map(self.address, mmap.PROT_READ | mmap.PROT_WRITE,
                      mmap.MAP_SHARED | _MAP_FIXED)
            raise Io(f"sealing the array: {why.strerror}", code="busy") from why
        self.sealed = True

    def memory(self) -> Any:
        """The bytes, as an object with the buffer protocol that keeps this alive."""
        whole = (ctypes.c_char * self.bytes).from_address(self.address)
        whole._block = self
        return whole


def sealed_copy(address: int, bytes: int) -> int:
    """A sealed memfd with a copy of these bytes; the caller closes it. Raises Io."""
    fd = -1
    try:
        fd = os.memfd_create("tally", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        left = memoryview((ctypes.c_char * bytes).from_address(address)).cast("B")
        while left.nbytes:
            left = left[os.write(fd, left):]  # gives up the interpreter lock
        fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    except OSError as why:
        if fd >= 0:
            os.close(fd)
        raise Io(f"copying an array of {bytes} bytes: {why.strerror}") from why
    return fd


_blocks: weakref.WeakValueDictionary[int, Block] = weakref.WeakValueDictionary()


def block_of(address: int, bytes: int) -> Block | None:
    """The block that holds these bytes; sealed or not."""
    if not _blocks:
        return None
    for block in list(_blocks.values()):
        if block.address <= address and address + bytes <= block.address + block.bytes:
            return block
    return None


def empty(shape: int | tuple[int, ...], dtype: Any = "f64") -> Any:
    """A new array of zeros in a memfd: a numpy array, or without numpy a memoryview.

    Fill it, then share() it: jobs then read it where it lies. Until then it is an
    ordinary array. Raises InvalidArgument, Io (no memory, no descriptors).
    """
    type = _elements.named(dtype)
    sides = (shape,) if hasattr(shape, "__index__") else tuple(shape)  # type: ignore
    sides = tuple(side.__index__() for side in sides)
    if any(side < 0 for side in sides):
        raise InvalidArgument(f"a shape has no negative side: {shape}", code="bad_shape")
    bytes = math.prod(sides) * type.size
    if bytes >= 2**63:
        raise InvalidArgument(f"{bytes} bytes are no array", code="bad_shape")
    try:
        block = Block(bytes)
    except OSError as why:
        raise Io(f"making an array of {bytes} bytes: {why.strerror}") from why
    _blocks[block.address] = block
    np = _elements.numpy()
    if np is not None:
        return np.ndarray(sides, np.dtype(type.numpy), buffer=block.memory())
    view = memoryview(block.memory()).cast("B")
    return view.cast(type.format, sides) if bytes else view.cast(type.format)


def share(data: Any) -> Any:
    """Seals an array of empty() for ever and gives it back, read-only. From now on jobs
    over it, or over any contiguous part of it, copy nothing.

    Nobody may write to it meanwhile or afterwards: a write through a view that was made
    before ends the program with SIGSEGV, so that no result can differ from its data.
    Raises InvalidArgument (no array of empty()), Io "busy" (a pipe or a device still
    holds its pages; try again).
    """
    view = memoryview(data)
    address = _address_of(view)
    block = block_of(address, view.nbytes) if view.c_contiguous else None
    if block is None:
        raise InvalidArgument("only arrays of tally.empty() can be shared; copy it into "
                              "one", code="not_shareable")
    view.release()
    if not block.sealed:
        block.seal()
    if _elements.is_ndarray(data):
        data.flags.writeable = False
        return data
    return memoryview(data).toreadonly()


def _address_of(view: memoryview) -> int:
    from ._sources import Elements
    return Elements(view, _elements.U8, copied=False).address
