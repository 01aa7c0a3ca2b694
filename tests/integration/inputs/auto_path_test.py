#!/usr/bin/env python3
"""Without a hint, the first leaves say which path a job takes."""

import array
import json
import unittest

from processes import slow_pread
from tally_daemon import TallyDaemon

FILES = 8
DOUBLES = 1 << 16


class AutoPathTest(unittest.TestCase):
    def files(self, daemon):
        """8 files of 512 KiB, and their sum."""
        names = []
        for number in range(FILES):
            names.append(daemon.folder / f"{number}.f64")
            names[-1].write_bytes(array.array("d", [number + 0.5] * DOUBLES).tobytes())
        return names, sum(number + 0.5 for number in range(FILES)) * DOUBLES

    def answers(self, daemon, *words):
        """The job as it ran, and as it was explained."""
        names, total = self.files(daemon)
        source = [*names, "--dtype", "f64", *words, "--json"]
        answer = json.loads(daemon.tally("run", "sum", *source).stdout)
        self.assertEqual(answer["results"][0]["value"], total)
        return answer, json.loads(daemon.tally("explain", "sum", *source).stdout)

    def test_input_that_is_waited_for_is_read_by_threads(self):
        with TallyDaemon(env=slow_pread()) as daemon:
            for plan in self.answers(daemon):
                self.assertEqual(plan["path"], "thread")
                self.assertRegex(plan["reason"],
                                 r"^auto: the first leaves waited \d+ % of their time")

    def test_input_that_is_at_hand_is_reduced_by_processes(self):
        with TallyDaemon() as daemon:
            for plan in self.answers(daemon):
                self.assertEqual(plan["path"], "process")
                self.assertRegex(plan["reason"],
                                 r"^auto: the first leaves kept a CPU busy \d+ %")

    def test_isolation_outweighs_the_measurement(self):
        with TallyDaemon(env=slow_pread()) as daemon:
            for plan in self.answers(daemon, "--require", "isolated"):
                self.assertEqual(plan["path"], "process")
                self.assertEqual(plan["reason"], "isolation required")

    def test_the_forecast_tells_slow_input_from_fast(self):
        with TallyDaemon() as daemon:
            fast = self.answers(daemon)[1]["expected_ns"]
        with TallyDaemon(env=slow_pread()) as daemon:
            plan = self.answers(daemon, "--path", "process", "--workers", 1)[1]
            # Each of the 8 files takes a read of 10 ms and more, and one slot has them all.
            self.assertGreater(plan["expected_ns"], 80_000_000)
            self.assertGreater(plan["expected_ns"], fast)


if __name__ == "__main__":
    unittest.main()
