#!/usr/bin/env python3
"""A median is that of the sorted input, on any path, with a worker killed in each round."""

import random
import struct
import unittest

from tally_daemon import TallyDaemon


class QuantileRoundsTest(unittest.TestCase):
    def test_each_round_retries_what_a_dead_worker_had(self):
        rng = random.Random(1)
        values = [struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
                  for _ in range(400001)]
        values = [value for value in values if value == value]
        values = values[:(len(values) - 1) // 2 * 2 + 1]
        ascending = sorted(values)
        with TallyDaemon(fault="update:kill:chunk=1:attempt=1") as daemon:
            path = daemon.folder / "a.raw"
            # Of what is sorted, a sample says that it takes two rounds.
            for order, rounds in ((values, 1), (ascending, 2)):
                path.write_bytes(struct.pack(f"{len(order)}d", *order))
                for way in ("process", "thread"):
                    for chunk in ("65536", "131072"):
                        answer = daemon.json("run", "median", str(path), "--dtype",
                                             "f64", "--path", way, "--chunk", chunk)
                        self.assertEqual(answer["results"][0]["value"],
                                         ascending[len(values) // 2])
                        self.assertEqual(answer["retries"],
                                         rounds if way == "process" else 0)
                        self.assertEqual(answer["elements"]["seen"], len(values))


if __name__ == "__main__":
    unittest.main()
