"""What can go wrong, as exceptions.

    Error
    ├── InvalidArgument   (ValueError)          fix the call
    │   └── TypeMismatch  (TypeError)           ... or what is passed
    ├── InvalidData       (ValueError)          fix the input; the message says where
    ├── NoValue           (ValueError)          the mean of nothing
    ├── NotFound          (LookupError)         no such file, column, job
    ├── Overloaded                              refused for now: try later
    ├── Cancelled                               somebody wanted it so
    ├── DeadlineExceeded  (TimeoutError)
    ├── WorkerLost                              workers died; the attempts are spent
    ├── ProtocolViolation (ConnectionError)     no tally daemon, or of another version
    ├── Io                (OSError)
    ├── Unavailable       (ConnectionError)     no daemon there, no library here
    ├── PermissionDenied  (PermissionError)
    ├── Partial                                 the value does not cover all input
    └── Internal          (RuntimeError)        a bug of tally's

Each has `code` (finer than the class, stable: "unknown_column"), `error_class`
("invalid_argument"), `message`, `fields` (a dict: what the code is about) and, where the
job came so far, `answer` (its times and memory).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from ._answer import Answer

__all__ = ["Error", "InvalidArgument", "TypeMismatch", "NotFound", "Overloaded",
           "Cancelled", "DeadlineExceeded", "WorkerLost", "ProtocolViolation", "Io",
           "Internal", "Unavailable", "PermissionDenied", "InvalidData", "NoValue",
           "Partial"]


class Error(Exception):
    """Whatever tally raises."""

    error_class = "unknown"

    def __init__(self, message: str, *, code: str = "",
                 fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.error_class
        self.fields: dict[str, Any] = dict(fields or {})
        self.answer: Answer | None = None

    # OSError, a base of some, would make a text of errno and strerror.
    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuilt, (type(self), self.message, self.code, self.fields))


def _rebuilt(kind: type[Error], message: str, code: str, fields: dict[str, Any]) -> Error:
    return kind(message, code=code, fields=fields)


class InvalidArgument(Error, ValueError):
    error_class = "invalid_argument"


class TypeMismatch(InvalidArgument, TypeError):
    """An object that is no data, or data of a type that tally has not."""


class NotFound(Error, LookupError):
    error_class = "not_found"


class Overloaded(Error):
    error_class = "overloaded"


class Cancelled(Error):
    error_class = "cancelled"


class DeadlineExceeded(Error, TimeoutError):
    error_class = "deadline_exceeded"


class WorkerLost(Error):
    error_class = "worker_lost"


class ProtocolViolation(Error, ConnectionError):
    error_class = "protocol_violation"


class Io(Error, OSError):
    error_class = "io"


class Internal(Error, RuntimeError):
    error_class = "internal"


class Unavailable(Error, ConnectionError):
    error_class = "unavailable"


class PermissionDenied(Error, PermissionError):
    error_class = "permission_denied"


class InvalidData(Error, ValueError):
    error_class = "invalid_data"


class NoValue(Error, ValueError):
    error_class = "no_value"


class Partial(Error):
    error_class = "partial"


# By tally_status (tally.h); a later library may have more.
_BY_STATUS: dict[int, type[Error]] = {
    1: InvalidArgument, 2: NotFound, 3: Overloaded, 4: Cancelled, 5: DeadlineExceeded,
    6: WorkerLost, 7: ProtocolViolation, 8: Io, 9: Internal, 10: Unavailable,
    11: PermissionDenied, 12: InvalidData, 13: NoValue, 14: Partial}


def make(status: int, code: str, message: str, fields: Mapping[str, Any]) -> Error:
    return _BY_STATUS.get(status, Error)(message, code=code, fields=fields)


def from_json(status: int, text: bytes | None) -> Error:
    """From tally_error_json: {"error": {"code", "class", "message", fields...}}."""
    said = json.loads(text.decode("utf-8", "replace"))["error"] if text else {}
    code, message = said.pop("code", ""), said.pop("message", "out of memory")
    name = said.pop("class", "")
    error = make(status, code, message, said)
    if type(error) is Error and name:
        error.error_class = name
    return error
