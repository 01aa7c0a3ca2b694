"""Making clients, and what becomes of them at fork() and at the end of the program."""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

from ._client import Client, open_clients
from ._library import ConnectOptions, EmbedOptions, embed_library, library

_CONNECT_S = 10.0


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

_held: list[Client] = []


# Held across fork(), so that no client is caught in the middle of something.
def _before_fork() -> None:
    for client in list(open_clients):
        client._lock.acquire()
        _held.append(client)


def _after_fork() -> None:
    while _held:
        _held.pop()._lock.release()


def close_all() -> None:
    """At exit: those of this process."""
    for client in list(open_clients):
        if client._pid == os.getpid():
            client.close()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork,
                    after_in_child=_after_fork)
