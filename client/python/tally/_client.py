"""A connection to a daemon, and the jobs that run over it.

One thread at a time polls the socket, for all of them: the library is only asked for
what does not block, so a signal ends a wait at once and other threads run meanwhile.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import threading
import time
import weakref
from typing import Any, Callable, Mapping

from . import _sources
from ._answer import Answer
from ._job import Job, submit_options
from ._library import Library
from ._progress import Meter, ProgressOption
from ._reducers import Reducers, reducers_of
from ._requests import IN_PIECES, Options, Request, kernels_of, put
from ._wake import Wake
from .errors import Cancelled, Error, Internal, InvalidArgument

_STEP_S = 0.05     # between two looks at what has no descriptor to be polled
_CLOSING_S = 2.0   # for another thread to leave its poll

open_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client:
    """Made by tally.connect() and tally.embedded(); a context manager.

    Threads may share one. After fork() it is the parent's: in the child everything but
    close() raises InvalidArgument "forked".
    """

    def __init__(self, lib: Library, handle: ctypes.c_void_p,
                 end: Callable[[], None] | None = None) -> None:
        """Takes the handle over. `end` is called after it was freed."""
        self._lib = lib
        self._handle: ctypes.c_void_p | None = handle
        self._end = end
        self._fd = lib.client_fd(handle)
        self._pid = os.getpid()
        # Taken by `with` alone, which no signal can split, as it can Condition.wait.
        # Guards what follows.
        self._lock = threading.RLock()
        self._poller: object | None = None  # of the thread that polls the socket
        self._wake = Wake()                 # ends its poll
        self._sleepers: set[Wake] = set()   # of the threads that wait for it
        self._own = threading.local()       # .wake: each thread's
        self._jobs: dict[int, Job] = {}     # by ticket
        self._lost = False
        self._loops: dict[asyncio.AbstractEventLoop, int] = {}  # their waiting tasks
        open_clients.add(self)

    # --- what users call ----------------------------------------------------------

    def run(self, reducers: Reducers, data: Any, *, column: str | int | None = None,
            hint: str | None = None, path: str | None = None, workers: int | None = None,
            chunk: int | None = None, missing: str | None = None, nan: str | None = None,
            timeout: float | None = None, isolated: bool = False,
            kernels: Any = (), limits: Mapping[str, int] | None = None,
            on_failure: str | None = None, priority: int | None = None,
            dtype: Any = None, format: str | None = None, delimiter: str | None = None,
            header: bool | None = None, progress: ProgressOption = None) -> Answer:
        """tally.run() on this client. Ctrl-C, or whatever else ends the wait, cancels
        the job."""
        request, job = self._prepare(
            reducers, data, column, Options(
                hint, path, workers, chunk, missing, nan, timeout, isolated,
                kernels_of(kernels), limits or {}, on_failure, priority),
            dict(dtype=dtype, format=format, delimiter=delimiter, header=header),
            progress, may_stream=True)
        try:
            self._send(request, job)
            self._wait(job, None)
            return job.result()
        finally:
            self._let_go(job)

    def submit(self, reducers: Reducers, data: Any, *, column: str | int | None = None,
               hint: str | None = None, path: str | None = None,
               workers: int | None = None, chunk: int | None = None,
               missing: str | None = None, nan: str | None = None,
               timeout: float | None = None, isolated: bool = False,
               kernels: Any = (), limits: Mapping[str, int] | None = None,
               on_failure: str | None = None, priority: int | None = None,
               dtype: Any = None, format: str | None = None,
               delimiter: str | None = None, header: bool | None = None,
               progress: ProgressOption = None) -> Job:
        """Starts a job and returns. Any number may be in flight. `data` may be changed
        at once: it has been copied, into a memfd if it is large; an array that was
        shared is not. `progress` is called from whichever wait() is for this job."""
        request, job = self._prepare(
            reducers, data, column, Options(
                hint, path, workers, chunk, missing, nan, timeout, isolated,
                kernels_of(kernels), limits or {}, on_failure, priority),
            dict(dtype=dtype, format=format, delimiter=delimiter, header=header),
            progress, may_stream=False)
        self._send(request, job)
        return job

    async def run_async(self, reducers: Reducers, data: Any, **options: Any) -> Answer:
        """run() for asyncio: the loop watches the socket. A task that is cancelled
        cancels its job. Options as of submit()."""
        job = self.submit(reducers, data, **options)
        try:
            await self._ended(job)
            return job.result()
        finally:
            self._let_go(job)

    def ping(self, timeout: float = 10) -> None:
        """A round trip. Raises Unavailable, DeadlineExceeded."""
        error = ctypes.c_void_p()
        with self._lock:
            handle = self._usable()
            self._lib.check(self._lib.ping(handle, max(1, round(timeout * 1e9)),
                                           ctypes.byref(error)), error)

    def close(self) -> None:
        """Closes the connection; its jobs are cancelled. Calling it again is nothing."""
        forked = os.getpid() != self._pid
        with self._lock:
            if self._handle is None:
                return
            handle, self._handle = self._handle, None
            if not forked:
                self._end_all(Cancelled("the client was closed", code="closed"))
                self._wake_others()
        deadline = time.monotonic() + _CLOSING_S
        while self._poller is not None and not forked and time.monotonic() < deadline:
            self._sleep(_STEP_S, lambda: self._poller is not None)
        self._lib.client_free(handle)
        if self._poller is None or forked:
            self._wake.close()
        if self._end is not None:
            self._end()
        open_clients.discard(self)

    @property
    def closed(self) -> bool:
        """Whether it was closed or its connection is lost."""
        return self._handle is None or self._lost

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    # --- submitting ---------------------------------------------------------------

    def _prepare(self, reducers: Reducers, data: Any, column: str | int | None,
                 options: Options, reading: dict[str, Any], progress: ProgressOption,
                 may_stream: bool) -> tuple[Request, Job]:
        wanted = reducers_of(reducers, column)
        source = _sources.source_of(data, **reading)
        request = Request(self._lib)
        request.add_reducers(wanted)
        request.set_options(options)
        streams, copied = put(source, request, may_stream and options.takes_streams and
                               all(one.name in IN_PIECES for one in wanted))
        callback = Meter() if progress is True else progress or None
        return request, Job(self, source, callback, streams, copied)

    def _send(self, request: Request, job: Job) -> None:
        error, options = ctypes.c_void_p(), None
        if job._callback is not None:
            options = submit_options(job)
        with self._lock:
            handle = self._usable()
            self._lib.check(
                self._lib.submit_with(handle, request.handle,
                                      ctypes.byref(options) if options else None,
                                      ctypes.byref(job._ticket), ctypes.byref(error)),
                error)
            self._jobs[job._ticket.value] = job
            self._dispatch()
        while self._unsent():  # who polls now may not know that there is more to send
            select.select([self._fd], [self._fd], [], _STEP_S)
            self._look()

    def _unsent(self) -> bool:
        with self._lock:
            return self._handle is not None and \
                bool(self._lib.client_events(self._handle) & select.POLLOUT)

    def _cancel(self, job: Job) -> None:
        error = ctypes.c_void_p()
        with self._lock:
            if job._ended:
                return
            handle = self._usable()
            status = self._lib.cancel(handle, job._ticket, ctypes.byref(error))
            self._dispatch()  # a lost connection ends the job here
            if status != 0 and not job._ended:
                raise self._lib.taken(error, status)
            self._lib.error_free(error)

    def _let_go(self, job: Job) -> None:
        """At the end of a run, however it came."""
        try:
            if job._ticket and not job._ended and not self.closed:
                self._cancel(job)
        except Error:
            pass  # what ended the wait is the one to show
        if job._streams is not None:
            job._streams.close()
        if isinstance(job._callback, Meter):
            job._callback.close()

    # --- waiting ------------------------------------------------------------------

    def _usable(self) -> ctypes.c_void_p:
        """The handle, under the lock."""
        if os.getpid() != self._pid:
            raise InvalidArgument("this client belongs to the parent process; connect "
                                  "anew", code="forked")
        if self._handle is None:
            raise InvalidArgument("the client is closed", code="closed")
        return self._handle

    def _look(self) -> None:
        """Takes what has come. Does not block."""
        with self._lock:
            self._usable()
            self._dispatch()

    def _wait(self, job: Job, deadline: float | None) -> bool:
        while not job._ended:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return job.done()
            if not self._poll_for_all(job, left):
                self._wait_for_poller(job, left)
            job._tell_progress()
        job._tell_progress()
        return True

    def _poll_for_all(self, job: Job, left: float | None) -> bool:
        """One poll, and all that came of it; False where another thread polls."""
        mine, handed_on = object(), True
        try:
            with self._lock:
                if job._ended:
                    return True
                events = self._lib.client_events(self._usable())
                if self._poller is not None:
                    return False
                handed_on = False
                self._poller = mine
            try:
                if events != 0:
                    self._feed(job, events, left)
            finally:
                self._hand_on(mine)
            handed_on = True
            return True
        finally:
            if not handed_on:  # Ctrl-C came in between: else nobody would ever poll again
                self._hand_on(mine)

    def _hand_on(self, mine: object) -> None:
        """After a poll: takes what came, and lets others poll."""
        with self._lock:
            if self._poller is mine:
                self._poller = None
            if self._handle is not None:
                self._wake.clear()
                self._dispatch()
            self._wake_others()

    def _wait_for_poller(self, job: Job, left: float | None) -> None:
        """Until it has polled; the job's pipes nobody else looks after."""
        if _feeds(job):
            self._feed(job, None, _STEP_S)
            return
        self._sleep(left, lambda: self._poller is not None and not job._ended)

    def _sleep(self, left: float | None, still: Callable[[], bool]) -> None:
        """Until another thread has seen or done something, if it is `still` so."""
        wake: Wake | None = getattr(self._own, "wake", None)
        if wake is None:
            wake = self._own.wake = Wake()
        wake.clear()
        try:
            with self._lock:
                if not still():
                    return
                self._sleepers.add(wake)
            poll = select.poll()
            poll.register(wake.fd, select.POLLIN)
            poll.poll(None if left is None else max(1, left * 1e3))
        finally:
            with self._lock:
                self._sleepers.discard(wake)

    def _feed(self, job: Job, events: int | None, left: float | None) -> None:
        """One poll: of the job's pipes, and of the socket if there are `events`."""
        poll = select.poll()
        if events is not None:
            poll.register(self._fd, events)
            poll.register(self._wake.fd, select.POLLIN)
        streams = job._streams
        if streams is not None:
            for descriptor in streams.descriptors:
                poll.register(descriptor, select.POLLOUT)
        timeout_ms = None if left is None else max(1, left * 1e3)
        while ready := poll.poll(timeout_ms):
            for descriptor, _ in ready:
                if streams is None or descriptor in (self._fd, self._wake.fd):
                    return
                if streams.feed(descriptor):
                    poll.unregister(descriptor)
            if not _feeds(job):
                return

    def _dispatch(self) -> None:
        """Sends and receives, and ends the jobs whose answers came. Under the lock."""
        error = ctypes.c_void_p()
        ended = False
        try:
            if self._lib.client_dispatch(self._handle, ctypes.byref(error)) != 0:
                self._lib.error_free(error)  # each job is told by its own
                self._lost = True
            while ticket := self._lib.client_ready(self._handle, None):
                self._take(ticket)
                ended = True
        except BaseException:  # Ctrl-C: an answer may be lost, and nobody shall wait for it
            self._lost = ended = True
            self._end_all(Internal("interrupted while an answer was taken",
                                   code="interrupted"))
            raise
        finally:
            if ended:
                self._wake_others()

    def _take(self, ticket: int) -> None:
        job = self._jobs.get(ticket)
        handle, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = self._lib.wait(self._handle, ticket, ctypes.byref(handle),
                                ctypes.byref(error))
        answer = Answer(self._lib, handle, job._streams if job else None,
                        job._copied if job else 0) if handle.value else None
        failure = self._lib.taken(error, status) if status != 0 else None
        if job is not None:
            job._end(answer, failure)
            del self._jobs[ticket]

    def _end_all(self, error: Error) -> None:
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job._end(None, error)

    def _wake_others(self) -> None:
        """Whoever waits looks whether it was for what has ended. Under the lock."""
        if self._poller is not None:
            self._wake.set()
        for sleeper in self._sleepers:
            sleeper.set()

    # --- asyncio ------------------------------------------------------------------

    async def _ended(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def tell() -> None:
            if not ended.done():
                ended.set_result(None)

        def tell_loop() -> None:  # from whichever thread took the answer
            loop.call_soon_threadsafe(tell)

        with self._lock:
            if job._ended:
                return
            self._usable()
            job._when_ended.append(tell_loop)
            self._loops[loop] = self._loops.get(loop, 0) + 1
        try:
            loop.add_reader(self._fd, self._readable)
            await ended
        finally:
            with self._lock:
                job._when_ended.remove(tell_loop)
            self._loops[loop] -= 1
            if self._loops[loop] == 0:
                del self._loops[loop]
                loop.remove_reader(self._fd)

    def _readable(self) -> None:
        if self._handle is None:
            return
        self._look()
        for job in list(self._jobs.values()):
            job._tell_progress()


def _feeds(job: Job) -> bool:
    return job._streams is not None and any(True for _ in job._streams.descriptors)
