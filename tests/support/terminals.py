"""Programs on a terminal of their own."""

import fcntl
import os
import pty
import select
import termios
import time


def read_terminal(fd, until, patience_s=30):
    """What a terminal shows until `until` (bytes) is seen or its other end is closed."""
    seen = b""
    deadline = time.monotonic() + patience_s  # a bar is redrawn for ever
    while until not in seen:
        left = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([fd], [], [], left)
        assert ready, seen
        try:
            data = os.read(fd, 4096)
        except OSError:  # EIO: nobody holds the other end
            break
        if not data:
            break
        seen += data
    return seen


def take_terminal():
    """Before an exec whose stderr is a terminal: makes that the controlling one."""
    os.setsid()
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)


open_terminal = pty.openpty
