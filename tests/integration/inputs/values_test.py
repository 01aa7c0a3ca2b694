#!/usr/bin/env python3
"""Every element type, format, path, chunk size and number of workers: exact values."""

import random
import unittest

import inputs
from daemon_case import DaemonCase
from exact import expected, value_of

COUNT = 150_001  # more than two leaves, and not a multiple of anything
WAYS = [("--path", "thread", "--workers", 1, "--chunk", 65536),
        ("--path", "thread"),
        ("--path", "process", "--workers", 1),
        ("--path", "process", "--workers", 2, "--chunk", 1),
        ("--path", "process", "--workers", 2, "--chunk", 131072)]
SPECIAL = [[-0.0, -0.0], [0.0, -0.0], [float("nan"), 1.0], [1.0, float("nan"), -2.0],
           [float("inf"), 1.0], [float("inf"), float("-inf")], [5e-324, 5e-324],
           [1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308],
           [1.7976931348623157e308, 1.7976931348623157e308], [-5e-324, 2e-323, 1e-323],
           [1e16, 1.0, -1e16], [0.1, 0.2, -0.3], [1.0] * 3 + [2.0 ** -53]]


class ValuesTest(DaemonCase):
    def check(self, want, *words, ways=WAYS):
        for way in ways:
            with self.subTest(words=words, way=way):
                answer = self.daemon.json("run", inputs.ALL_REDUCERS, *words, *way)
                got = [value_of(result) for result in answer["results"]]
                self.assertEqual(got, want)

    def wanted(self, values, dtype):
        return [expected(reducer, values, dtype)
                for reducer in inputs.ALL_REDUCERS.split(",")]

    def test_every_type_in_npy_and_raw(self):
        for dtype in inputs.CODES:
            values = inputs.random_values(random.Random(dtype), COUNT, dtype)
            want = self.wanted(values, dtype)
            self.check(want, self.file(f"{dtype}.npy", inputs.npy(values, dtype)))
            raw = self.file(f"{dtype}.raw", inputs.packed(values, dtype))
            self.check(want, raw, "--dtype", dtype, ways=WAYS[-2:-1])

    def test_every_type_in_csv(self):
        for dtype in inputs.CODES:
            values = inputs.random_values(random.Random(dtype + "csv"), 20_001, dtype)
            path = self.file(f"{dtype}.csv", inputs.csv(values))
            self.check(self.wanted(values, dtype), path, "--column", "x", "--dtype", dtype,
                       ways=[WAYS[1], WAYS[3]])

    def test_every_type_in_text(self):
        for dtype in inputs.CODES:
            rng = random.Random(dtype + "text")
            values = inputs.random_values(rng, 20_001, dtype)
            text = "".join(repr(value) + rng.choice((" ", "\n", " \t", "\r\n"))
                           for value in values)
            path = self.file(f"{dtype}.txt", text.encode())
            self.check(self.wanted(values, dtype), path, "--dtype", dtype,
                       ways=[WAYS[1], WAYS[3]])

    def test_special_floats(self):
        for dtype in "f64", "f32":
            for number, values in enumerate(SPECIAL):
                if dtype == "f32":
                    values = [inputs.as_f32(value) for value in values]
                path = self.file(f"{number}.npy", inputs.npy(values, dtype))
                self.check(self.wanted(values, dtype), path, ways=WAYS[:3:2])

    def test_many_files_are_one_input(self):
        rng = random.Random(1)
        parts = [inputs.random_values(rng, rng.randint(0, 5000), "i32")
                 for _ in range(64)]
        paths = [self.file(f"{n}.npy", inputs.npy(part, "i32"))
                 for n, part in enumerate(parts)]
        values = [value for part in parts for value in part]
        want = self.wanted(values, "i32")
        for way in WAYS:
            answer = self.daemon.json("run", inputs.ALL_REDUCERS, *paths, *way)
            got = [value_of(result) for result in answer["results"]]
            self.assertEqual(got[:5], want[:5], way)
            for result, (_, flat) in zip(answer["results"][5:], want[5:]):
                self.assertEqual(self.flat(result["value"], paths, parts), flat, way)
            self.assertEqual(answer["elements"]["seen"], len(values))

    def flat(self, where, paths, parts):
        file = [str(path) for path in paths].index(where["file"])
        return sum(len(part) for part in parts[:file]) + where["index"]

    def test_ranges(self):
        for start, stop, step in ((0, 1_000_003, 1), (-7, 900_000, 13), (5, -800_001, -3),
                                  (2**63 - 300_000, 2**63 - 1, 1), (-2**63, 2**63 - 1,
                                                                    2**47 + 1)):
            values = list(range(start, stop, step))
            self.check(self.wanted(values, "i64"), f"--range={start}:{stop}:{step}")

    def test_no_elements_have_a_count_and_a_sum_and_no_mean(self):
        for name, data, *options in (
                ("empty.npy", inputs.npy([], "f64")),
                ("empty.npy", inputs.npy([], "i32")),
                ("empty.raw", b"", "--dtype", "f64"),
                ("empty.csv", b"x\n", "--column", "x")):
            path = self.file(name, data)
            for way in WAYS[1::2]:
                self.no_elements(path, *options, *way)
        self.no_elements("--range", "5:5")

    def no_elements(self, *words):
        done = self.daemon.tally("run", "count,sum,mean,min,argmax", *words, "--quiet")
        self.assertEqual(done.returncode, 1, done)
        count, total, *others = done.stdout.splitlines()
        self.assertEqual((count, float(total)), ("0", 0.0))
        self.assertIn("mean", done.stderr)
        self.assertEqual(self.daemon.tally("run", "count,sum", *words).returncode, 0)


if __name__ == "__main__":
    unittest.main()
