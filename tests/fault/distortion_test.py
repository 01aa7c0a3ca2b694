#!/usr/bin/env python3
"""A source that drops, repeats or adds elements ends in an error, never a number."""

import json
import struct
import unittest

from jobs import range_job
from tally_daemon import TallyDaemon


class DistortionTest(unittest.TestCase):
    def test_no_distortion_of_any_source_gives_a_number(self):
        for how in "drop", "repeat", "add":
            with TallyDaemon(fault=f"update:{how}:chunk=1:block=0") as daemon:
                for name, source in self.sources(daemon.folder).items():
                    for reducers in "sum", "count", "min,sum":
                        with self.subTest(how=how, source=name, reducers=reducers):
                            self.check(daemon, reducers, source)
                self.assertEqual(len(daemon.whole_pool()), 2)
                # A job of one chunk has no chunk 1, and nothing to complain of.
                answer = daemon.json("run", "count", *range_job(1)[2:])
                self.assertEqual(answer["results"][0]["value"], str(1 << 20))

    def sources(self, folder):
        raw = folder / "a.raw"
        raw.write_bytes(struct.pack("<200000d", *range(200000)))
        csv = folder / "a.csv"
        csv.write_text("x\n" + "".join(f"{n}\n" for n in range(1000)))
        process = ["--path", "process"]
        return {"range": range_job()[2:],
                "raw": [raw, "--dtype", "f64", "--chunk", 65536, *process],
                "csv": [csv, csv, "--column", "x", *process]}

    def check(self, daemon, reducers, source):
        done = daemon.tally("run", reducers, *source, "--json")
        self.assertEqual(done.returncode, 1, done)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["results"], [])
        self.assertEqual(answer["error"]["code"], "coverage_mismatch")


if __name__ == "__main__":
    unittest.main()
