#!/usr/bin/env python3
"""A median is that of the sorted input, on any path, with a worker killed in each round; what
kills every worker is found and named in a later round as it is in the first."""

import json
import random
import struct
import unittest

from tally_daemon import TallyDaemon


LEAF = 65_536
ATTEMPTS = 3  # of the default configuration


class QuantileRoundsTest(unittest.TestCase):
    def median(self, daemon, leaves, code=0):
        """Of so many leaves, in chunks of eight of them: the answer, and what is right.

        They are sorted, of which a sample says that it takes two rounds.
        """
        rng = random.Random(leaves)
        values = sorted(rng.uniform(-1, 1) for _ in range(leaves * LEAF - 1))
        path = daemon.folder / "b.raw"
        path.write_bytes(struct.pack(f"{len(values)}d", *values))
        done = daemon.tally("run", "median", path, "--dtype", "f64", "--path", "process",
                            "--chunk", 8 * LEAF, "--json")
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout), values[len(values) // 2]

    def test_the_leaf_that_kills_in_a_later_round_is_named(self):
        with TallyDaemon(fault="update:segv:leaf=13:round=1") as daemon:
            answer, _ = self.median(daemon, 16, code=1)
            error = answer["error"]
            self.assertEqual((error["code"], error["signal"]), ("worker_killed", "SIGSEGV"))
            self.assertEqual((error["begin"], error["end"], error["byte_offset"]),
                             (13 * LEAF, 14 * LEAF, 13 * LEAF * 8), error)
            self.assertTrue(error["file"].endswith("b.raw"), error)
            # Three times as a chunk of 8 leaves, then 4 and 2 of them, one twice.
            self.assertEqual(answer["retries"], ATTEMPTS + 2 + 1)

    def test_what_does_not_happen_again_in_its_parts_is_no_poison(self):
        faults = ";".join(f"update:kill:chunk=1:round=1:attempt={n}" for n in (1, 2, 3, 5))
        with TallyDaemon(fault=faults) as daemon:
            answer, want = self.median(daemon, 16)
            self.assertEqual(answer["results"][0]["value"], want)
            self.assertEqual(answer["retries"], 4)
            self.assertEqual(answer["elements"]["seen"], 16 * LEAF - 1)

    def test_a_chunk_that_goes_on_for_too_long_says_where(self):
        with TallyDaemon(fault="update:spin:chunk=1:round=1",
                         pool='chunk_timeout = "1s"') as daemon:
            error = self.median(daemon, 16, code=5)[0]["error"]
            self.assertEqual((error["code"], error["chunk"], error["begin"], error["end"]),
                             ("chunk_timeout", 1, 8 * LEAF, 16 * LEAF - 1))

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
