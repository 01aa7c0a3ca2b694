#!/usr/bin/env python3
"""What one client brings in one go holds up no other: counted, not timed.

The daemon is stopped while a flood and, behind it, one request of another client come;
then it goes on. `list` shows how far the flood was when the other was served. What
computes stands behind what serves when the kernel gives out cores, and what takes long to
free is freed elsewhere.
"""

import contextlib
import os
import pathlib
import signal
import socket
import time
import unittest

import wire
from tally_daemon import TallyDaemon, children_of, wait_until

FLOOD = 200        # requests; all are in one read of the daemon's
MOST_STEPS = 64    # daemon/turn.h: of one client, before the others
NICE_STEPS = 5     # ipc/base/give_way.h
HUGE = 128 << 20   # bytes
PING = wire.frame(wire.PING)
PING_WITH_ONE = wire.frame(wire.PING, fd_count=1)
LONG = wire.submit("range = (start = 0, stop = 9223372036854775807, step = 1)",
                   job=", path = 2")


def niceness(process, thread):
    stat = pathlib.Path(f"/proc/{process}/task/{thread}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[16])


def time_to_free():
    fd = wire.memfd(bytes(HUGE))
    begin = time.monotonic()
    os.close(fd)
    return time.monotonic() - begin


class FairTurnsTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(config="[threads]\nmax = 1\n"))
        self.flooder = self.enterContext(wire.Session(self.daemon.socket))
        self.other = self.enterContext(wire.Session(self.daemon.socket))

    def jobs(self):
        member, jobs = self.other.ask("(list = void)")
        self.assertEqual(member, "jobs")
        return len(jobs)

    @contextlib.contextmanager
    def stopped(self):
        pid = self.daemon.process.pid
        stat = pathlib.Path(f"/proc/{pid}/stat")
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T",
                       "the daemon is stopped")
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def jobs_after(self, flood):
        """What the other client is told who asks right behind it."""
        with self.stopped():
            flood()
            self.other.send(wire.frame("(list = void)"))
        _, member, jobs = self.other.receive()
        self.assertEqual(member, "jobs")
        return len(jobs)

    def submit_all(self):
        body = wire.body_of(LONG)
        self.flooder.send(b"".join(wire.frame(body, n) for n in range(1, FLOOD + 1)))

    def test_a_buffer_full_of_requests(self):
        self.assertLessEqual(self.jobs_after(self.submit_all), MOST_STEPS)
        wait_until(lambda: self.jobs() == FLOOD, "all of them are taken on")

    def test_many_jobs_of_a_client_that_leaves(self):
        self.submit_all()
        wait_until(lambda: self.jobs() == FLOOD, "all of them are taken on")
        self.assertGreaterEqual(self.jobs_after(self.flooder.socket.close),
                                FLOOD - MOST_STEPS)
        wait_until(lambda: self.jobs() == 0, "all of them are cancelled")

    def test_no_line_in_the_log_for_each_job_that_was_left(self):
        self.submit_all()
        wait_until(lambda: self.jobs() == FLOOD, "all of them are taken on")
        self.flooder.socket.close()
        wait_until(lambda: self.jobs() == 0, "all of them are cancelled")
        self.assertEqual(self.daemon.log_text().count("ended cancelled"), 0)

    def test_what_computes_for_long_gives_way_to_the_loop(self):
        pid = self.daemon.process.pid
        loop = niceness(pid, pid)
        (zygote,) = children_of(pid)

        def threads():
            return [niceness(pid, int(task.name))
                    for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                    if (task / "comm").read_text() == "tally-thread\n"]

        def workers():
            return [niceness(worker, worker) for worker in children_of(zygote)]
        self.other.result(wire.submit("range = (start = 0, stop = 10, step = 1)",
                                      job=", path = 3"))
        self.other.result(wire.submit("range = (start = 0, stop = 10, step = 1)",
                                      job=", path = 2"))
        self.assertEqual(threads() + workers(), [loop] * 3, "short chunks need not")
        self.flooder.send(wire.frame(LONG, 1) +
                          wire.frame(LONG.replace("path = 2", "path = 3"), 2))
        wait_until(lambda: threads() + workers() == [loop + NICE_STEPS] * 3,
                   "all are behind the loop")
        self.flooder.socket.close()
        if os.getuid() == 0:  # else it takes RLIMIT_NICE
            wait_until(lambda: threads() + workers() == [loop] * 3, "and then no more")
        self.assertEqual(niceness(zygote, zygote), loop)

    def test_memory_that_a_last_descriptor_frees(self):
        job = wire.frame(wire.submit("memory = (type = 10, descriptor = 0, offsetBytes = 0, "
                                     "count = 1)", job=", path = 2"), 9, fd_count=1)
        freeing = min(time_to_free() for _ in range(5))
        for way, data in (("no request takes it", PING_WITH_ONE), ("a job", job),
                          ("a frame that is cut short", job[:-8])):
            with self.subTest(way):
                # Were it freed by the loop, it would be all of that time every time.
                waits = [self.longest_wait(data, freeing) for _ in range(5)]
                self.assertLess(min(waits), freeing / 2)

    def longest_wait(self, data, freeing):
        """Of pings of another client, while the last descriptor of much memory goes."""
        waits = []
        fd = wire.memfd(bytes(HUGE))
        with wire.Session(self.daemon.socket) as session:
            with self.stopped():
                session.send(data, (fd,))
                session.socket.shutdown(socket.SHUT_WR)
                os.close(fd)  # the daemon's is the last
            end = time.monotonic() + 4 * freeing
            while time.monotonic() < end:
                begin = time.monotonic()
                self.other.send(PING)
                self.other.receive_raw()
                waits.append(time.monotonic() - begin)
        return max(waits)


if __name__ == "__main__":
    unittest.main()
