"""A job that was submitted: its answer, once it is there."""

from __future__ import annotations

import ctypes
import time
import weakref
from typing import TYPE_CHECKING, Any, Callable

from ._answer import Answer
from ._library import ProgressFunction, SubmitOptions
from ._progress import Progress, ProgressCallback
from .errors import DeadlineExceeded, Error, Internal

if TYPE_CHECKING:
    from ._client import Client
    from ._sources import Source
    from ._streams import Streams


class Job:
    """Made by Client.submit(). Threads: any, at once."""

    def __init__(self, client: Client, source: Source, callback: ProgressCallback | None,
                 streams: Streams | None, copied: int) -> None:
        self._client = client
        self._source: Source | None = source  # lives until the job has ended
        self._callback = callback
        self._streams = streams
        self._copied = copied
        self._ticket = ctypes.c_uint64()  # 0: not submitted; written by the library
        self._ended = False
        self._answer: Answer | None = None
        self._error: Error | None = None
        self._at: Progress | None = None
        self._told: Progress | None = None
        self._when_ended: list[Callable[[], Any]] = []

    def done(self) -> bool:
        """Whether the answer, or the error, is there. Does not block."""
        if not self._ended:
            self._client._look()
        return self._ended

    def wait(self, timeout: float | None = None) -> bool:
        """Until the job has ended, or for `timeout` seconds: whether it has ended. The
        job runs on if not, also after Ctrl-C."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return self._client._wait(self, deadline)

    def result(self, timeout: float | None = None) -> Answer:
        """The answer. Raises what the job ended with, DeadlineExceeded "timeout" if it
        has not ended in time: it runs on then."""
        if not self._ended and not self.wait(timeout):
            raise DeadlineExceeded(f"the job has not ended within {timeout} s",
                                   code="timeout")
        if self._error is not None:
            raise self._error.with_traceback(None)
        assert self._answer is not None
        return self._answer

    def cancel(self) -> None:
        """Asks for the job's end; result() then raises Cancelled, unless it was faster."""
        self._client._cancel(self)

    @property
    def progress(self) -> Progress | None:
        """The last that was heard; None before, and without progress= in submit()."""
        return self._at

    def _end(self, answer: Answer | None, error: Error | None) -> None:
        """Once, under the client's lock."""
        self._answer, self._error = answer, error
        if error is not None:
            error.answer = answer
        elif answer is not None and self._streams is not None:
            self._check_whole(answer)
        self._source = None
        self._ended = True
        for call in list(self._when_ended):
            call()

    # The daemon cannot know how much should have come through a pipe.
    def _check_whole(self, answer: Answer) -> None:
        expected, seen = self._source.count, answer.elements["seen"]  # type: ignore
        if seen != expected:
            self._error = Internal(f"{seen} of {expected} elements arrived",
                                   code="short_stream")

    def _tell_progress(self) -> None:
        at = self._at
        if self._callback is not None and at is not None and at is not self._told:
            self._told = at
            self._callback(at)


_noting: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()


def submit_options(job: Job) -> SubmitOptions:
    """With which the library tells of the job's progress."""
    _noting[id(job)] = job
    return SubmitOptions(ctypes.sizeof(SubmitOptions), _note_progress, id(job), 0)


@ProgressFunction
def _note_progress(user, progress):  # type: ignore[no-untyped-def]
    # From inside the library: only noted here, told by the job's own wait.
    job, at = _noting.get(user), progress.contents
    if job is not None:
        job._at = Progress(at.done, at.total, "bytes" if at.in_bytes else "elements")
