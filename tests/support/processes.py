"""Processes that are not ours to wait for: watched by pidfd, so no pid is reused."""

import os
import pathlib
import select
import signal


# Sanitizers keep freed memory for a while, and slow programs down.
SANITIZED = os.environ.get("TALLY_SANITIZED") == "1"


def slow_pread(**more):
    """What to add to a daemon's environment for reading to be slow."""
    # A sanitizer wants to be loaded first and need not be.
    options = [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]
    return {"LD_PRELOAD": os.environ["SLOW_PREAD"],
            "ASAN_OPTIONS": ":".join(filter(None, options)), **more}


class Watched:
    """A live process. `gone` waits for its end; signals cannot hit another."""

    def __init__(self, pid):
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def close(self):
        os.close(self._fd)

    def kill(self, number=signal.SIGKILL):
        signal.pidfd_send_signal(self._fd, number)

    def gone(self, patience_s=10):
        """True once it has ended; False if it lives on after `patience_s`."""
        return bool(select.select([self._fd], [], [], patience_s)[0])


def watch_all(pids):
    return [Watched(pid) for pid in pids]


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_bytes(pid):
    """VmRSS of the process: what it has in memory now."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmRSS of {pid}")


def cpu_seconds(pid):
    """What all of its threads have used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
