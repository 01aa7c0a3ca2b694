"""How far a job is, for callers and on a terminal."""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple, Union


class Progress(NamedTuple):
    """How far a job is."""

    done: int
    total: int  # 0: not known
    unit: str   # "elements", or "bytes" for CSV and text


ProgressCallback = Callable[[Progress], Any]
ProgressOption = Union[bool, None, ProgressCallback]


class Meter:
    """A line on stderr that says how far it is; cleared at the end."""

    def __init__(self) -> None:
        self._width = 0

    def __call__(self, at: Progress) -> None:
        if at.total:
            text = f"{at.done / at.total:6.1%} of {at.total:,} {at.unit}"
        else:
            text = f"{at.done:,} {at.unit}"
        self._show(text)

    def close(self) -> None:
        if self._width:
            self._show("")
            sys.stderr.write("\r")
            sys.stderr.flush()

    def _show(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)
