"""Arrays that workers read where they lie, without a copy: tally_array over libtally.

A block is written by its owner until share() seals it; from then on nobody can change
it, the owner neither. It is unmapped when the last array over it has gone.
"""

from __future__ import annotations

import ctypes
import math
import operator
import weakref
from typing import Any, Iterable, SupportsIndex

from . import _elements
from ._elements import ElementType
from ._library import library
from ._sources import Elements
from .errors import InvalidArgument


class Block:
    """`count` elements at `address`, of the memfd `fd`. Threads: any."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        """Takes the tally_array over."""
        self._lib = library()
        self.handle = handle
        self.fd: int = self._lib.array_fd(handle)
        self.address: int = self._lib.array_view(handle) or 0
        self.type = _elements.numbered(self._lib.array_type(handle))
        self.count: int = self._lib.array_count(handle)
        self.bytes = self.count * self.type.size

    def __del__(self) -> None:
        self._lib.array_free(self.handle)

    @staticmethod
    def empty(type: ElementType, count: int) -> Block:
        """Zeros, to be written. Raises InvalidArgument, Io."""
        lib, handle, error = library(), ctypes.c_void_p(), ctypes.c_void_p()
        lib.check(lib.array_create(type.number, count, ctypes.byref(handle),
                                   ctypes.byref(error)), error)
        return Block(handle)

    @staticmethod
    def copy(elements: Elements) -> Block:
        """Sealed, with the same elements. Raises Io."""
        lib, handle, error = library(), ctypes.c_void_p(), ctypes.c_void_p()
        lib.check(lib.array_copy(elements.type.number, elements.address, elements.count,
                                 ctypes.byref(handle), ctypes.byref(error)), error)
        return Block(handle)

    @property
    def sealed(self) -> bool:
        return bool(self._lib.array_is_shared(self.handle))

    def seal(self) -> None:
        """Raises Overloaded "array_in_use", Io."""
        error = ctypes.c_void_p()
        self._lib.check(self._lib.array_share(self.handle, ctypes.byref(error)), error)

    def memory(self) -> Any:
        """The bytes, as an object with the buffer protocol that keeps this alive."""
        whole: Any = (ctypes.c_char * self.bytes).from_address(self.address)
        whole._block = self
        return whole


_blocks: weakref.WeakValueDictionary[int, Block] = weakref.WeakValueDictionary()


def sealed_block_of(elements: Elements) -> Block | None:
    """The shared block that holds them, all or a part of it."""
    if not _blocks:
        return None
    block = _block_at(elements.address, elements.bytes)
    return block if block is not None and block.sealed else None


def _block_at(address: int, bytes: int) -> Block | None:
    for block in list(_blocks.values()):
        if block.address <= address and address + bytes <= block.address + block.bytes:
            return block
    return None


def empty(shape: SupportsIndex | Iterable[SupportsIndex], dtype: Any = "f64") -> Any:
    """A new array of zeros in a memfd: a numpy array, or without numpy a memoryview.

    Fill it, then share() it: jobs then read it where it lies. Until then it is an
    ordinary array. Raises InvalidArgument, Io (no memory, no descriptors).
    """
    type = _elements.named(dtype)
    whole = (shape,) if isinstance(shape, SupportsIndex) else shape
    sides = tuple(operator.index(side) for side in whole)
    if any(side < 0 for side in sides):
        raise InvalidArgument(f"a shape has no negative side: {shape}", code="bad_shape")
    count = math.prod(sides)
    if count * type.size >= 2**63:
        raise InvalidArgument(f"no memory holds {count} elements", code="too_large")
    block = Block.empty(type, count)
    if count:
        _blocks[block.address] = block
    np = _elements.numpy()
    if np is not None:
        return np.ndarray(sides, np.dtype(type.numpy), buffer=block.memory())
    view = memoryview(block.memory()).cast("B")
    return view.cast(type.format, sides) if count else view.cast(type.format)


def share(data: Any) -> Any:
    """Seals an array of empty() for ever and gives it back, read-only. From now on jobs
    over it, or over any contiguous part of it, copy nothing.

    Nobody may write to it meanwhile or afterwards: a write through a view that was made
    before ends the program with SIGSEGV, so that no result can differ from its data.
    Raises InvalidArgument (no array of empty()), Overloaded "array_in_use" (a child
    that was forked since, a pipe or a device has it still), Io.
    """
    try:
        elements = Elements(data, _elements.U8, copied=False)
    except (TypeError, ValueError, BufferError):  # no buffer, or one in pieces
        raise _not_shareable() from None
    if elements.bytes:  # nothing needs no sealing
        block = _block_at(elements.address, elements.bytes)
        if block is None:
            raise _not_shareable()
        block.seal()
    if _elements.is_ndarray(data):
        data.flags.writeable = False
        return data
    return memoryview(data).toreadonly()


def _not_shareable() -> InvalidArgument:
    return InvalidArgument("only arrays of tally.empty() can be shared; copy it into one",
                           code="not_shareable")
