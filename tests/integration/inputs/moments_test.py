#!/usr/bin/env python3
"""sumsq, var, std and norm2 of every element type and source: exact to the last bit."""

import json
import math
import random
import unittest

import inputs
from daemon_case import DaemonCase
from exact import expected, value_of

COUNT = 150_001  # more than two leaves, and not a multiple of anything
REDUCERS = "sum," + inputs.MOMENTS + ",var(ddof=1)"
WAYS = [("--path", "thread", "--workers", 1),
        ("--path", "process", "--workers", 2, "--chunk", 1)]
MOST = 1.7976931348623157e308
SPECIAL = [[-0.0, -0.0], [3.0], [], [math.nan] * 3, [1.0, math.inf], [math.inf, -math.inf],
           [math.inf, math.nan], [5e-324], [0.0, 5e-324], [5e-324, 1.5e-323, 2e-323],
           [MOST], [MOST, -MOST], [MOST, MOST, MOST], [1e8 + 1, 1e8 + 2, 1e8 + 3],
           [0.1, 0.2, 0.3], [2.0 ** -537], [2.0 ** -538] * 3, [0.1] * 10_000]


class MomentsTest(DaemonCase):
    def check(self, values, dtype, *words, ways=WAYS):
        want = [expected(reducer.replace("ddof=", ""), values, dtype)
                for reducer in REDUCERS.split(",")]
        code = 1 if any(kind == "error" for kind, _ in want) else 0
        for way in ways:
            with self.subTest(words=words, way=way):
                done = self.done("run", REDUCERS, *words, *way, "--json", code=code)
                got = [value_of(result) for result in json.loads(done.stdout)["results"]]
                self.assertEqual(got, want)

    def test_every_type(self):
        for dtype in inputs.CODES:
            values = inputs.random_values(random.Random(dtype), COUNT, dtype)
            self.check(values, dtype, self.file(f"{dtype}.npy", inputs.npy(values, dtype)))

    def test_csv_with_missing_cells(self):
        values = [1.5, 2.25, -4.0]
        path = self.file("x.csv", "x\n1.5\n\n2.25\nNA\n-4\n")
        self.check(values, "f64", path, "--column", "x", "--missing", "skip")

    def test_small_integers_have_integer_sums_of_squares(self):
        values = [-2**62, 2**62, -3] * 3
        self.check(values, "i64", "--values=" + ",".join(map(str, values)),
                   "--dtype", "i64")

    def test_data_as_it_is(self):
        rng = random.Random(7)
        for dtype in ("f64", "f32"):
            values = [rng.gauss(100, 15) for _ in range(COUNT)]
            if dtype == "f32":
                values = [inputs.as_f32(value) for value in values]
            self.check(values, dtype, self.file("x.npy", inputs.npy(values, dtype)))

    def test_special_floats(self):
        for dtype in "f64", "f32":
            for number, values in enumerate(SPECIAL):
                if dtype == "f32":
                    values = [inputs.as_f32(value) for value in values]
                path = self.file(f"{number}.npy", inputs.npy(values, dtype))
                self.check(values, dtype, path)

    def test_ranges(self):
        for start, stop, step in ((0, 300_003, 1), (-7, 900_000, 13), (5, -800_001, -3),
                                  (-2**63, 2**63 - 1, 2**47 + 1)):
            self.check(list(range(start, stop, step)), "i64",
                       f"--range={start}:{stop}:{step}")

    def test_nan_can_be_left_out(self):
        values = [1.0, math.nan, 4.0, math.nan, 2.0]
        path = self.file("x.npy", inputs.npy(values, "f64"))
        self.check([1.0, 4.0, 2.0], "f64", path, "--nan", "skip")

    def test_a_ddof_that_is_none_is_refused(self):
        for reducer in ("var(-1)", "std(0.5)", "var(0,1)", "std(dof=1)", "norm2(1)"):
            done = self.done("run", reducer, "--values", "1,2", code=2)
            self.assertIn("was given", done.stderr)


if __name__ == "__main__":
    unittest.main()
