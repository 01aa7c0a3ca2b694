#!/usr/bin/env python3
"""A sealed array that is reduced again: workers keep it mapped, and let it go."""

import math
import pathlib
import random
import struct
import unittest

import wire
from tally_daemon import TallyDaemon, wait_until

F64 = 10
DONE = 3
PROCESS = 3
COUNT = 1 << 18  # two MiB


def mapped_by(pid):
    """How many maps of memfds that clients gave the process has."""
    return sum("/memfd:test" in line
               for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())


class KeptArraysTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(workers=2))
        numbers = random.Random(3)
        values = [numbers.uniform(-1, 1) * 10 ** numbers.randint(-20, 20)
                  for _ in range(COUNT)]
        self.array = wire.memfd(struct.pack(f"<{COUNT}d", *values))
        self.total, = struct.unpack("<Q", struct.pack("<d", math.fsum(values)))

    def maps(self):
        return sum(mapped_by(worker["pid"]) for worker in self.daemon.whole_pool())

    def reduce(self, session, path=PROCESS, count=COUNT, offset=0):
        answer = session.result(wire.submit(
            f"memory = (type = {F64}, descriptor = 0, offsetBytes = {offset}, "
            f"count = {count})", job=f", path = {path}, chunkSize = 65536"),
            fds=(self.array,))
        self.assertEqual(answer["state"], DONE, answer)
        return int(answer["results"][0]["value"]["f64Bits"])

    def test_the_same_bits_read_and_mapped_and_on_threads(self):
        with wire.Session(self.daemon.socket) as session:
            self.assertEqual([self.reduce(session) for _ in range(6)], [self.total] * 6)
            self.assertGreater(self.maps(), 0)
            self.assertEqual(self.reduce(session, path=2), self.total)
            part = [self.reduce(session, path, COUNT - 9, 64) for path in (2, PROCESS)]
            self.assertEqual(part[0], part[1])

    def test_once_is_not_again(self):
        with wire.Session(self.daemon.socket) as session:
            self.reduce(session)
            self.assertEqual(self.maps(), 0)
        with wire.Session(self.daemon.socket) as session:
            self.reduce(session)
            self.assertEqual(self.maps(), 0)

    def test_it_goes_with_its_session(self):
        with wire.Session(self.daemon.socket) as session:
            for _ in range(3):
                self.reduce(session)
            self.assertGreater(self.maps(), 0)
        wait_until(lambda: self.maps() == 0, "the workers have let it go")

    def test_it_goes_after_ten_seconds_unused(self):
        with wire.Session(self.daemon.socket) as session:
            for _ in range(3):
                self.reduce(session)
            self.assertGreater(self.maps(), 0)
            wait_until(lambda: self.maps() == 0, "the workers have let it go")
            self.assertEqual(self.reduce(session), self.total)


if __name__ == "__main__":
    unittest.main()
