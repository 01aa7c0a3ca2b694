#!/usr/bin/env python3
"""Input that kills every worker that reads it: found to the leaf, and left out on demand."""

import array
import json
import unittest
from pathlib import Path

from jobs import CHUNKS, range_job, range_sum, value_of
from kernels import kernel
from tally_daemon import TallyDaemon

LEAF = 65_536
ATTEMPTS = 3  # of the default configuration


def sum_between(begin, end):
    return end * (end - 1) // 2 - begin * (begin - 1) // 2


class PoisonTest(unittest.TestCase):
    def ended(self, daemon, *words, code):
        done = daemon.tally(*words, "--json")
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)

    def whole_and_right(self, daemon):
        """The poison harms nobody else, before or after."""
        daemon.whole_pool()
        self.assertEqual(daemon.json("run", "sum", "--range", "0:1000", "--path",
                                     "process")["state"], "done")

    def test_the_error_names_the_leaf_that_kills(self):
        for leaf in (0, 37, CHUNKS * 16 - 1):
            with self.subTest(leaf=leaf), TallyDaemon(
                    fault=f"update:segv:leaf={leaf}") as daemon:
                answer = self.ended(daemon, *range_job(), code=1)
                self.assertEqual(answer["state"], "failed")
                error = answer["error"]
                self.assertEqual((error["code"], error["signal"]),
                                 ("worker_killed", "SIGSEGV"), error)
                self.assertEqual((error["begin"], error["end"]),
                                 (leaf * LEAF, (leaf + 1) * LEAF), error)
                self.assertIn(f"elements {leaf * LEAF} to", error["message"])
                # Three times as a chunk of 16 leaves, 8, 4 and 2 of them, one twice.
                self.assertEqual(answer["retries"], ATTEMPTS + 3 + 1)

    def test_files_are_named_with_the_byte(self):
        with TallyDaemon(fault="update:kill:leaf=5") as daemon:
            file = daemon.folder / "x.raw"
            file.write_bytes(array.array("d", range(8 * LEAF)).tobytes())
            answer = self.ended(daemon, "run", "sum", file, "--dtype", "f64", "--path",
                                "process", "--chunk", 8 * LEAF, code=1)
            error = answer["error"]
            self.assertEqual((error["begin"], error["end"]), (5 * LEAF, 6 * LEAF), error)
            self.assertEqual(error["byte_offset"], 5 * LEAF * 8)
            self.assertEqual(Path(error["file"]).name, "x.raw")

    def test_a_partial_answer_goes_without_it_and_says_so(self):
        with TallyDaemon(fault="update:segv:leaf=37;update:abort:leaf=38") as daemon:
            words = (*range_job(), "--on-failure", "partial")
            answer = self.ended(daemon, *words, code=7)
            self.assertEqual(answer["state"], "partial")
            lost = sum_between(37 * LEAF, 39 * LEAF)
            self.assertEqual(int(value_of(answer)), int(range_sum()) - lost)
            self.assertEqual([(m["begin"], m["end"], m["unit"], m["error"]["signal"])
                              for m in answer["missing"]],
                             [(37 * LEAF, 38 * LEAF, "elements", "SIGSEGV"),
                              (38 * LEAF, 39 * LEAF, "elements", "SIGABRT")])
            self.assertEqual(answer["elements"]["seen"], CHUNKS * 16 * LEAF - 2 * LEAF)
            for view in ((), ("--quiet",)):
                shown = daemon.tally(*words, *view)
                self.assertEqual(shown.returncode, 7)
                self.assertIn("(partial)", shown.stdout)
                self.assertIn(f"not covered: elements {37 * LEAF} to", shown.stderr)

    def test_a_chunk_that_is_not_divided_is_left_out_whole(self):
        with TallyDaemon(fault="update:segv:leaf=37", pool="attempts = 1") as daemon:
            answer = self.ended(daemon, *range_job(), "--on-failure", "partial", code=7)
            lost = sum_between(32 * LEAF, 48 * LEAF)
            self.assertEqual(int(value_of(answer)), int(range_sum()) - lost)
            self.assertEqual([(m["begin"], m["end"]) for m in answer["missing"]],
                             [(32 * LEAF, 48 * LEAF)])

    def test_where_nothing_is_left_there_is_no_answer(self):
        with TallyDaemon(fault="update:segv") as daemon:
            answer = self.ended(daemon, "run", "sum", "--range", "0:1000", "--path",
                                "process", "--on-failure", "partial", code=1)
            self.assertEqual((answer["state"], answer["results"]), ("failed", []))
            self.assertIn("nothing of the input", answer["error"]["message"])

    def test_too_many_missing_parts_are_a_failure(self):
        with TallyDaemon(fault="update:segv") as daemon:
            answer = self.ended(daemon, *range_job(), "--on-failure", "partial", code=1)
            self.assertEqual(answer["error"]["missing"], 64, answer["error"])

    def test_what_does_not_happen_again_is_no_poison(self):
        faults = ";".join(f"update:kill:chunk=3:attempt={n}" for n in (1, 2, 3))
        with TallyDaemon(fault=faults) as daemon:
            answer = daemon.json(*range_job())
            self.assertEqual(value_of(answer), range_sum())
            self.assertEqual(answer["retries"], ATTEMPTS)
            self.whole_and_right(daemon)

    def test_a_kernels_states_are_the_same_bits_when_a_chunk_was_divided(self):
        csum = ("--kernel", kernel("csum"))
        with TallyDaemon() as daemon:
            file = daemon.folder / "x.f64"
            file.write_bytes(array.array(
                "d", (1e16 if n % 3 else -1.25 / (n + 1) for n in range(24 * LEAF))
            ).tobytes())
            words = ("run", "plainsum", file, "--chunk", 8 * LEAF, *csum)
            quiet = daemon.json(*words)
            faults = ";".join(f"update:kill:chunk=1:attempt={n}" for n in (1, 2, 3, 5))
            with TallyDaemon(fault=faults) as faulty:
                divided = faulty.json(*words)
            self.assertEqual(divided["retries"], 4)
            self.assertEqual(divided["results"], quiet["results"])

    def test_a_file_of_text_is_left_out_whole(self):
        faulty = ("--kernel", kernel("faulty"))
        with TallyDaemon() as daemon:
            files = []
            for name, text in (("a", "1 2 3"), ("b", "4 13 6"), ("c", "7 8 9")):
                files.append(daemon.folder / f"{name}.txt")
                files[-1].write_text(text, encoding="ascii")
            answer = self.ended(daemon, "run", "sum,crashes", *files, *faulty,
                                "--on-failure", "partial", code=7)
            self.assertEqual(answer["results"][0]["value"], 30.0)
            (missing,) = answer["missing"]
            self.assertEqual((Path(missing["file"]).name, missing["begin"],
                              missing["end"], missing["unit"]), ("b.txt", 0, 6, "bytes"))
            self.assertEqual(missing["error"]["code"], "kernel_crashed")


if __name__ == "__main__":
    unittest.main()
