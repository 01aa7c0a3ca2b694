"""A connection to a daemon, and the jobs that run over it.

One thread at a time polls the socket, for all of them: the library is only asked for
what does not block, so a signal ends a wait at once and other threads run meanwhile.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import os
import select
import socket
import threading
import time
import weakref
from typing import Any, Callable, Mapping, Sequence

from . import _shared, _sources
from ._answer import Answer
from ._job import Job
from ._library import ConnectOptions, EmbedOptions, Library, \
    Progress as _ProgressStruct, ProgressFunction, SubmitOptions, embed_library, library
from ._progress import Meter, Progress, ProgressOption
from ._reducers import Reducers, reducers_of
from ._requests import Options, Request
from ._streams import Streams
from .errors import Cancelled, Error, Internal, InvalidArgument, Unavailable

_STEP_S = 0.05     # between two looks at what has no descriptor to be polled
_CLOSING_S = 2.0   # for another thread to leave its poll
_CONNECT_S = 10.0


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
        self._changed = threading.Condition()  # holds all below; an RLock
        self._polled = False                   # some thread is in poll()
        self._jobs: dict[int, Job] = {}        # by ticket
        self._lost = False
        self._loops: dict[asyncio.AbstractEventLoop, int] = {}  # their waiting tasks
        _open_clients.add(self)

    # --- what users call ----------------------------------------------------------

    def run(self, reducers: Reducers, data: Any, *, column: str | int | None = None,
            hint: str | None = None, path: str | None = None, workers: int | None = None,
            chunk: int | None = None, missing: str | None = None, nan: str | None = None,
            timeout: float | None = None, isolated: bool = False,
            kernels: Any = (), limits: Mapping[str, int] | None = None,
            dtype: Any = None, format: str | None = None, delimiter: str | None = None,
            header: bool | None = None, progress: ProgressOption = None) -> Answer:
        """tally.run() on this client. Ctrl-C, or whatever else ends the wait, cancels
        the job."""
        job = self._submit(
            reducers, data, column, Options(
                hint, path, workers, chunk, missing, nan, timeout, isolated,
                _kernels(kernels), limits or {}),
            dict(dtype=dtype, format=format, delimiter=delimiter, header=header),
            progress, may_stream=True)
        try:
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
               dtype: Any = None, format: str | None = None,
               delimiter: str | None = None, header: bool | None = None,
               progress: ProgressOption = None) -> Job:
        """Starts a job and returns. Any number may be in flight. `data` may be changed
        at once: it has been copied, into a memfd if it is large; an array that was
        shared is not. `progress` is called from whichever wait() is for this job."""
        return self._submit(
            reducers, data, column, Options(
                hint, path, workers, chunk, missing, nan, timeout, isolated,
                _kernels(kernels), limits or {}),
            dict(dtype=dtype, format=format, delimiter=delimiter, header=header),
            progress, may_stream=False)

    async def run_async(self, reducers: Reducers, data: Any, **options: Any) -> Answer:
        """run() for asyncio: the loop watches the socket. A task that is cancelled
        cancels its job. Options as of submit()."""
        job = self.submit(reducers, data, **options)
        try:
            await self._ended(job)
            return job.result()
        finally:
            self._let_go(job)

    def ping(self, timeout: float = _CONNECT_S) -> None:
        """A round trip. Raises Unavailable, DeadlineExceeded."""
        error = ctypes.c_void_p()
        with self._using() as handle:
            self._lib.check(self._lib.ping(handle, max(1, round(timeout * 1e9)),
                                           ctypes.byref(error)), error)

    def close(self) -> None:
        """Closes the connection; its jobs are cancelled. Calling it again is nothing."""
        forked = os.getpid() != self._pid
        with self._changed:
            if self._handle is None:
                return
            if self._polled and not forked:
                self._wake_poller()
            handle, self._handle = self._handle, None
            self._lib.client_free(handle)
            end, self._end = self._end, None
            if end is not None:
                end()
            self._end_all(Cancelled("the client was closed", code="closed"))
            self._changed.notify_all()
        _open_clients.discard(self)

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

    def _submit(self, reducers: Reducers, data: Any, column: str | int | None,
                options: Options, reading: dict[str, Any], progress: ProgressOption,
                may_stream: bool) -> Job:
        wanted = reducers_of(reducers, column)
        source = _sources.source_of(data, **reading)
        request = Request(self._lib)
        request.add_reducers(wanted)
        request.set_options(options)
        streams, copied = _put(source, request, may_stream and options.takes_streams)
        callback = Meter() if progress is True else progress or None
        job = Job(self, source, callback, streams, copied)
        try:
            self._send(request, job)
        except BaseException:
            if streams is not None:
                streams.close()
            raise
        return job

    def _send(self, request: Request, job: Job) -> None:
        ticket, error = ctypes.c_uint64(), ctypes.c_void_p()
        options = None
        if job._callback is not None:
            options = SubmitOptions(ctypes.sizeof(SubmitOptions), _note_progress,
                                    _remember(job), 0)
        with self._using() as handle:
            self._lib.check(
                self._lib.submit_with(handle, request.handle,
                                      ctypes.byref(options) if options else None,
                                      ctypes.byref(ticket), ctypes.byref(error)), error)
            job._ticket = ticket.value
            self._jobs[ticket.value] = job
            self._dispatch()
        while self._unsent():  # who polls now may not know that there is more to send
            select.select([self._fd], [self._fd], [], _STEP_S)
            self._look()

    def _unsent(self) -> bool:
        with self._changed:
            return self._handle is not None and \
                bool(self._lib.client_events(self._handle) & select.POLLOUT)

    def _cancel(self, job: Job) -> None:
        error = ctypes.c_void_p()
        with self._using() as handle:
            if job._ended:
                return
            status = self._lib.cancel(handle, job._ticket, ctypes.byref(error))
            self._dispatch()  # a lost connection ends the job here
            if status != 0 and not job._ended:
                raise self._lib.taken(error, status)
            self._lib.error_free(error)

    def _let_go(self, job: Job) -> None:
        """At the end of a run, however it came."""
        try:
            if not job._ended and not self.closed:
                self._cancel(job)
        except Error:
            pass  # what ended the wait is the one to show
        if job._streams is not None:
            job._streams.close()
        if isinstance(job._callback, Meter):
            job._callback.close()

    # --- waiting ------------------------------------------------------------------

    def _using(self) -> _Using:
        return _Using(self)

    def _look(self) -> None:
        """Takes what has come. Does not block."""
        with self._using():
            self._dispatch()
            self._changed.notify_all()

    def _wait(self, job: Job, deadline: float | None) -> bool:
        while not job._ended:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return job.done()
            with self._using():
                if job._ended:
                    break
                polls, self._polled = not self._polled, True
                if not polls and not _feeds(job):
                    self._changed.wait(left)
            if polls:
                self._poll_for_all(job, left)
            elif _feeds(job):
                self._feed(job, None, _STEP_S)
            job._tell_progress()
        job._tell_progress()
        return True

    def _poll_for_all(self, job: Job, left: float | None) -> None:
        try:
            events = self._lib.client_events(self._handle)
            if events != 0:
                self._feed(job, events, left)
        finally:
            with self._changed:
                self._polled = False
                if self._handle is not None:
                    self._dispatch()
                self._changed.notify_all()

    def _feed(self, job: Job, events: int | None, left: float | None) -> None:
        """One poll: of the job's pipes, and of the socket if there are `events`."""
        poll = select.poll()
        if events is not None:
            poll.register(self._fd, events)
        streams = job._streams
        if streams is not None:
            for descriptor in streams.descriptors:
                poll.register(descriptor, select.POLLOUT)
        timeout_ms = None if left is None else max(1, left * 1e3)
        while ready := poll.poll(timeout_ms):
            for descriptor, _ in ready:
                if streams is None or descriptor == self._fd:
                    return
                if streams.feed(descriptor):
                    poll.unregister(descriptor)
            if not _feeds(job):
                return

    def _dispatch(self) -> None:
        """Sends and receives, and ends the jobs whose answers came. Under the lock."""
        error = ctypes.c_void_p()
        if self._lib.client_dispatch(self._handle, ctypes.byref(error)) != 0:
            self._lib.error_free(error)  # each job is told by its own
            self._lost = True
        while ticket := self._lib.client_ready(self._handle, None):
            self._take(ticket)

    def _take(self, ticket: int) -> None:
        job = self._jobs.pop(ticket)
        handle, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = self._lib.wait(self._handle, ticket, ctypes.byref(handle),
                                ctypes.byref(error))
        answer = Answer(self._lib, handle, job._streams, job._copied) \
            if handle.value else None
        job._end(answer, self._lib.taken(error, status) if status != 0 else None)

    def _end_all(self, error: Error) -> None:
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job._end(None, error)

    def _wake_poller(self) -> None:
        """Ends the connection, which ends another thread's poll. Under the lock."""
        with socket.socket(fileno=os.dup(self._fd)) as other:
            other.shutdown(socket.SHUT_RDWR)
        self._changed.wait_for(lambda: not self._polled, _CLOSING_S)

    # --- asyncio ------------------------------------------------------------------

    async def _ended(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def tell() -> None:
            if not ended.done():
                ended.set_result(None)

        def tell_loop() -> None:  # from whichever thread took the answer
            loop.call_soon_threadsafe(tell)

        with self._using():
            if job._ended:
                return
            job._when_ended.append(tell_loop)
            self._loops[loop] = self._loops.get(loop, 0) + 1
        try:
            loop.add_reader(self._fd, self._readable)
            await ended
        finally:
            with self._changed:
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


class _Using:
    """The client's lock, and its handle; refuses where it may not be used."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> ctypes.c_void_p:
        client = self._client
        if os.getpid() != client._pid:
            raise InvalidArgument("this client belongs to the parent process; connect "
                                  "anew", code="forked")
        client._changed.acquire()
        if client._handle is None:
            client._changed.release()
            raise InvalidArgument("the client is closed", code="closed")
        return client._handle

    def __exit__(self, *_: Any) -> None:
        self._client._changed.release()


def _feeds(job: Job) -> bool:
    return job._streams is not None and any(True for _ in job._streams.descriptors)


def _kernels(given: Any) -> Sequence[Any]:
    return (given,) if isinstance(given, (str, bytes, os.PathLike)) else tuple(given)


def _put(source: _sources.Source, request: Request, may_stream: bool) \
        -> tuple[Streams | None, int]:
    """The source into the request. Gives the pipes, if it goes through such, and how
    many bytes are copied."""
    if isinstance(source, _sources.Range):
        request.set_range(source)
        return None, 0
    if isinstance(source, _sources.Files):
        request.set_files(source)
        return None, 0
    converted = source.bytes if source.copied else 0
    if (block := _shared.sealed_block_of(source)) is not None:
        request.set_block(source, block)
        return None, converted
    if source.bytes <= _sources.MAX_VALUES_BYTES:
        request.set_values(source)
    elif may_stream:
        streams = Streams(source, len(os.sched_getaffinity(0)))
        request.set_streams(source, streams.paths)
        return streams, converted + source.bytes
    else:
        request.set_block(source, _shared.Block.copy(source))
    return None, converted + source.bytes


# --- progress ---------------------------------------------------------------------

_noting: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()


def _remember(job: Job) -> int:
    _noting[id(job)] = job
    return id(job)


@ProgressFunction
def _note_progress(user, progress):  # type: ignore[no-untyped-def]
    # From inside the library: only noted here, told by the job's own wait.
    job, at = _noting.get(user), progress.contents
    if job is not None:
        job._at = Progress(at.done, at.total, "bytes" if at.in_bytes else "elements")


# --- making them ------------------------------------------------------------------


def connect(socket: str | os.PathLike[str] | None = None, *,
            timeout: float = _CONNECT_S) -> Client:
    """A client of the daemon at `socket`; of $TALLY_SOCKET, else of
    /run/tally/tally.sock, else of $XDG_RUNTIME_DIR/tally/tally.sock without.

    `timeout` in seconds, for the first exchange. Raises Unavailable, PermissionDenied,
    ProtocolViolation, DeadlineExceeded.
    """
    lib = library()
    handle, error = ctypes.c_void_p(), ctypes.c_void_p()
    options = _connect_options(socket, timeout)
    lib.check(lib.connect(ctypes.byref(options), ctypes.byref(handle),
                          ctypes.byref(error)), error)
    return Client(lib, handle)


def embedded(*, workers: int = 0, threads: int = 0,
             worker_program: str | os.PathLike[str] | None = None) -> Client:
    """A client of a runtime of its own, inside this process: no daemon. close() ends it.

    `workers` processes (0: one for each core) and `threads` (0: 64). `worker_program`:
    the path of tally-worker; None: $TALLY_WORKER_PROGRAM, else where it was installed.
    Raises Unavailable (no libtally-embed), NotFound (no tally-worker), InvalidArgument.
    """
    lib, host = library(), embed_library()
    core, handle, error = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    program = worker_program or os.environ.get("TALLY_WORKER_PROGRAM")
    options = EmbedOptions(ctypes.sizeof(EmbedOptions), workers, threads,
                           os.fsencode(program) if program else None, 0)
    lib.check(host.embed(ctypes.byref(options), ctypes.byref(core), ctypes.byref(error)),
              error)
    try:
        connecting = _connect_options(None, _CONNECT_S)
        lib.check(host.embedded_connect(core, ctypes.byref(connecting),
                                        ctypes.byref(handle), ctypes.byref(error)), error)
    except BaseException:
        host.embedded_free(core)
        raise
    return Client(lib, handle, functools.partial(host.embedded_free, core))


def _connect_options(socket: Any, timeout: float) -> ConnectOptions:
    return ConnectOptions(ctypes.sizeof(ConnectOptions),
                          os.fsencode(socket) if socket is not None else None,
                          max(1, round(timeout * 1e9)), 0)


# --- fork and exit ----------------------------------------------------------------

_open_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_held: list[Client] = []


# Held across fork(), so that no client is caught in the middle of something.
def _before_fork() -> None:
    for client in list(_open_clients):
        client._changed.acquire()
        _held.append(client)


def _after_fork() -> None:
    while _held:
        _held.pop()._changed.release()


def close_all() -> None:
    """At exit: those of this process."""
    for client in list(_open_clients):
        if client._pid == os.getpid():
            client.close()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork,
                    after_in_child=_after_fork)
