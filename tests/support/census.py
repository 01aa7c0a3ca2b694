"""What a daemon at rest holds: the same after whatever was done to it, or it leaks."""

import os
import pathlib
import time

from processes import SANITIZED, descriptors_of, resident_bytes
from tally_daemon import children_of


# What runtime/engine.cc gives its pools at most, beside [threads] max of tally-thread.
# Their threads are started when first needed and stay.
# ThreadSanitizer has one of its own, which bears the program's name.
POOLS = {"tallyd": 2 if SANITIZED else 1, "tally-helper": 8, "tally-gauge": 1,
         "tally-closer": 1}


def memfds_of(pid):
    """Those among its descriptors that are memfds."""
    count = 0
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += os.readlink(entry).startswith("/memfd:")
        except FileNotFoundError:
            pass  # closed meanwhile
    return count


def threads_of(pid):
    """Their number by name."""
    names = [comm.read_text(encoding="ascii").strip()
             for comm in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")]
    return {name: names.count(name) for name in sorted(set(names))}


def census(daemon, threads_max):
    """Of a TallyDaemon: counts, which must come back exactly; `resident` bytes are the
    daemon's and the zygote's.

    Checks that it has no more threads than its pools may have, [threads] `threads_max`.
    What clients sent is closed a moment after their jobs end: counts are taken until they
    stand still.
    """
    pid = daemon.process.pid
    for name, count in threads_of(pid).items():
        assert count <= (POOLS | {"tally-thread": threads_max})[name], (name, count)
    before, seen = None, counts_of(pid)
    while seen != before:
        time.sleep(0.05)
        before, seen = seen, counts_of(pid)
    return seen | {"resident": resident_bytes(pid) + resident_bytes(*children_of(pid))}


def counts_of(pid):
    (zygote,) = children_of(pid)
    workers = children_of(zygote)
    return {"descriptors": descriptors_of(pid), "memfds": memfds_of(pid),
            "zygote_descriptors": descriptors_of(zygote),
            "zygote_memfds": memfds_of(zygote), "workers": len(workers),
            "worker_descriptors": sorted(map(descriptors_of, workers))}
