"""Reducers by name: what `tally run` takes on its command line, and as objects.

    name[(argument,argument,...)][:column][=label]

Which reducers there are is the daemon's to know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable, Sequence, Union

from .errors import InvalidArgument


@dataclass(frozen=True)
class Reducer:
    """One result that is asked for. `args` as text ("0.99"); `column` a header's name or
    a number from 1; `label`: what the result is called."""

    name: str
    args: Sequence[str] = ()
    column: str | None = None
    label: str | None = None


Reducers = Union[str, Reducer, Iterable[Union[str, Reducer]]]


def reducers_of(given: Reducers, column: str | int | None = None) -> list[Reducer]:
    """Each with its label. `column` is for those that name none."""
    items = [given] if isinstance(given, (str, Reducer)) else list(given)
    wanted: list[Reducer] = []
    for item in items:
        if isinstance(item, Reducer):
            wanted.append(item if item.label else replace(item, label=item.name))
        elif isinstance(item, str):
            wanted += _parsed(item)
        else:
            raise InvalidArgument(f"{item!r} is no reducer's name", code="bad_reducer")
    if not wanted:
        raise InvalidArgument("the job has no reducer", code="no_reducer")
    labels: set[str | None] = set()
    for one in wanted:
        if one.label in labels:
            raise InvalidArgument(
                f'two results would be called "{one.label}"; name one of them: '
                f"{one.label}=other", code="repeated_label", fields={"label": one.label})
        labels.add(one.label)
    if column is not None:
        wanted = [one if one.column else replace(one, column=str(column))
                  for one in wanted]
    return wanted


_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_ARGUMENTS = re.compile(r"\(([^()]*)\)")
_COLUMN = re.compile(r':\s*("(?:[^"]|"")*"|[^="]*)')


def _parsed(text: str) -> list[Reducer]:
    if _NAME.fullmatch(text):
        return [Reducer(text, label=text)]
    return [_item(part.strip()) for part in _split(text)]


def _split(text: str) -> list[str]:
    """At the commas outside parentheses and double quotes."""
    parts, depth, quoted = [""], 0, False
    for c in text:
        if c == '"':
            quoted = not quoted
        elif not quoted:
            depth += (c == "(") - (c == ")" and depth > 0)
        if c == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _bad(item: str, why: str) -> InvalidArgument:
    return InvalidArgument(f'"{item}": {why}; write name[(args)][:column][=label], such '
                           f"as mean:temp", code="bad_reducer", fields={"reducer": item})


def _item(item: str) -> Reducer:
    name = _NAME.match(item)
    if name is None:
        raise _bad(item, "is no reducer")
    rest, args, column, label = item[name.end():].lstrip(), [], None, None
    if found := _ARGUMENTS.match(rest):
        args = [arg.strip() for arg in found[1].split(",")]
        if not all(args):
            raise _bad(item, "an argument is empty")
        rest = rest[found.end():].lstrip()
    if found := _COLUMN.match(rest):
        column = found[1].strip()
        if column.startswith('"'):
            column = column[1:-1].replace('""', '"')
        if not column:
            raise _bad(item, "no column after the colon")
        rest = rest[found.end():].lstrip()
    if rest.startswith("="):
        label = rest[1:].strip()
        if not label:
            raise _bad(item, "no label after the equals sign")
        rest = ""
    if rest:
        raise _bad(item, "is no reducer")
    return Reducer(name[0], args, column, label or item)
