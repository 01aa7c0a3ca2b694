#!/usr/bin/env python3
"""What kernels of one job share: by workers and by threads, also if one is killed."""

import unittest

from kernels import kernel, values_of
from tally_daemon import TallyDaemon

CONFIG = f"""
[kernels]
files = ["{kernel('together')}"]
in_process = ["counted", "collected", "met"]
"""
CHUNK = 65536
CHUNKS = 6
BLOCKS = CHUNKS * CHUNK // 8192
PATHS = ("process", "thread")


class SyncTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon(workers=2, config=CONFIG)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def values(self, kernels, path, chunks=CHUNKS):
        answer = self.daemon.json("run", f"{kernels}=k", "--range",
                                  f"0:{chunks * CHUNK}", "--chunk", CHUNK, "--path", path,
                                  "--workers", 2)
        self.assertEqual(answer["path"], path)
        got = {label[2:]: int(v) for label, v in values_of(answer).items()}
        return got, answer["retries"]

    def test_one_at_a_time(self):
        for path in PATHS:
            for how in "lock", "rlock", "semaphore":
                with self.subTest(path=path, how=how):
                    got, _ = self.values(f"counted(how={how})", path)
                    self.assertEqual(got, {"counted": BLOCKS, "blocks": BLOCKS,
                                           "deaths": 0})

    def test_an_owner_that_is_killed_gives_back_what_it_held(self):
        for how in "lock", "rlock", "semaphore":
            with self.subTest(how=how):
                got, retries = self.values(f"counted(how={how},die=1)", "process")
                self.assertEqual((got["deaths"], retries), (1, 1))
                self.assertEqual(got["blocks"], BLOCKS)
                # What the dead one counted before is counted again by its second life.
                self.assertGreaterEqual(got["counted"], BLOCKS)

    def test_records_of_all_instances_are_in_the_queue(self):
        for path in PATHS:
            with self.subTest(path=path):
                got, _ = self.values("collected", path)
                self.assertEqual(got, {"records": BLOCKS, "same": 1, "blocks": BLOCKS,
                                       "deaths": 0})

    def test_one_waits_for_another(self):
        for path in PATHS:
            for how in "event", "pipe":
                with self.subTest(path=path, how=how):
                    got, _ = self.values(f"met(how={how})", path, chunks=2)
                    self.assertEqual(got, {"blocks": 16, "deaths": 0})

    def test_the_death_of_the_other_end_is_told(self):
        got, retries = self.values("met(how=pipe,die=1)", "process", chunks=2)
        self.assertEqual((got, retries), ({"blocks": 16, "deaths": 1}, 1))

    def test_the_next_job_starts_with_nothing(self):
        for _ in range(3):
            got, _ = self.values("counted", "process")
            self.assertEqual(got["counted"], BLOCKS)


if __name__ == "__main__":
    unittest.main()
