"""The client of tally.run() and the like, where none is given: one for each process."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from . import _connect
from ._client import Client
from .errors import Unavailable

_lock = threading.Lock()
_current: Client | None = None


def default_client() -> Client:
    """Of $TALLY_SOCKET's daemon, else of one at the usual places, else embedded. Made
    anew after fork() and where the connection was lost. Raises as connect() does."""
    global _current
    client = _current
    if client is not None and not client.closed and client._pid == os.getpid():
        return client
    with _lock:
        client = _current
        if client is None or client.closed or client._pid != os.getpid():
            client = _current = _made()
        return client


def _made() -> Client:
    if os.environ.get("TALLY_SOCKET") or any(map(os.path.lexists, _usual_sockets())):
        return _connect.connect()
    if os.environ.get("TALLY_EMBED") == "never":
        raise Unavailable(
            "no daemon is running: neither /run/tally/tally.sock nor "
            "$XDG_RUNTIME_DIR/tally/tally.sock exists; start one with 'tallyd', or name "
            "its socket in $TALLY_SOCKET", code="no_daemon")
    client = _connect.embedded()
    sys.stderr.write("tally: no daemon found; running embedded\n")
    return client


def _usual_sockets() -> list[str]:
    places = ["/run/tally/tally.sock"]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        places.append(f"{runtime}/tally/tally.sock")
    return places


# A fork while another thread makes the client must not leave the lock held for ever.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release,
                    after_in_child=_lock.release)
atexit.register(_connect.close_all)
