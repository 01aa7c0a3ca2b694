"""What ends another thread's poll()."""

from __future__ import annotations

import os
from typing import Any

_os: Any = os  # the eventfds that mypy 1.0 does not know


class Wake:
    """An eventfd: poll `fd` for POLLIN. Closed with this object at the latest."""

    fd = -1

    def __init__(self) -> None:
        self.fd = _os.eventfd(0, _os.EFD_CLOEXEC | _os.EFD_NONBLOCK)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Nobody may use it any more."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def set(self) -> None:
        _os.eventfd_write(self.fd, 1)

    def clear(self) -> None:
        try:
            _os.eventfd_read(self.fd)
        except BlockingIOError:
            pass  # it was not set
