#!/usr/bin/env python3
"""median and quantile of every element type and source; what they refuse."""

import json
import math
import random
import subprocess
import unittest

import inputs
from daemon_case import DaemonCase
from exact import expected, value_of
from tally_daemon import program

COUNT = 150_001  # more than two leaves, and enough for a sample
REDUCERS = ["median", "quantile(0)", "quantile(0.25,lower)", "quantile(0.3)",
            "quantile(0.999,higher)", "quantile(1,nearest)", "quantile(1e-3,midpoint)"]
WAYS = [("--path", "thread", "--workers", 1),
        ("--path", "process", "--workers", 2, "--chunk", 1)]
REFUSED = [("quantile", "bad_argument"), ("quantile()", "bad_reducer"),
           ("quantile(1.1)", "bad_argument"), ("quantile(-0.1)", "bad_argument"),
           ("quantile(nan)", "bad_argument"), ("quantile(0.5,liner)", "bad_argument"),
           ("quantile(0.12345678901234567891)", "bad_argument"),
           ("median(0.5)", "bad_argument"),
           ("quantile(0.5,0.9,0.5)", "repeated_label"),
           ("quantile(0.5,0.5,lower)=q", "repeated_label"),
           ("quantile(" + ",".join(f"0.{i:03}" for i in range(129)) + ")",
            "too_many_quantiles")]


class QuantilesTest(DaemonCase):
    def check(self, values, dtype, *words, ways=WAYS):
        want = [expected(reducer, values, dtype) for reducer in REDUCERS]
        code = 1 if any(kind == "error" for kind, _ in want) else 0
        for way in ways:
            with self.subTest(words=words, way=way):
                done = self.done("run", ",".join(REDUCERS), *words, *way, "--json",
                                 code=code)
                got = [value_of(result) for result in json.loads(done.stdout)["results"]]
                self.assertEqual(got, want)

    def refusal(self, *words):
        done = self.done("run", *words, "--json", code=2)
        return json.loads(done.stdout)["error"]["code"]

    def test_every_type(self):
        for dtype in inputs.CODES:
            values = inputs.random_values(random.Random(dtype), COUNT, dtype)
            self.check(values, dtype, self.file(f"{dtype}.npy", inputs.npy(values, dtype)))

    def test_sorted_and_tied_data_and_data_as_it_is(self):
        rng = random.Random(3)
        normal = [rng.gauss(100, 15) for _ in range(COUNT)]
        for name, values in (("normal", normal), ("sorted", sorted(normal)),
                             ("ties", [float(round(value)) for value in normal]),
                             ("one", [2.5] * COUNT)):
            self.check(values, "f64", self.file(f"{name}.npy", inputs.npy(values, "f64")))

    def test_several_files_and_text(self):
        rng = random.Random(4)
        values = [rng.gauss(0, 1) for _ in range(COUNT)]
        names = [self.file(f"{i}.npy", inputs.npy(values[begin:end], "f64"))
                 for i, (begin, end) in enumerate(((0, 70_000), (70_000, 70_000),
                                                   (70_000, COUNT)))]
        self.check(values, "f64", *names)
        few = values[:20_000]
        self.check(few, "f64", self.file("x.txt", "\n".join(map(repr, few)) + "\n"))

    def test_many_quantiles_of_many_elements_each_in_one_chunk(self):
        count, together = 128, 8192
        path = self.file("groups.npy", inputs.npy(
            [(group << 40) + i for group in range(2 * count) for i in range(together)],
            "i64"))
        last = 2 * count * together - 1
        quantiles = [f"{((2 * k + 1) * together - 0.5) / last:.15f}" for k in range(count)]
        done = self.done("run", f"quantile({','.join(quantiles)},lower)", path, "--path",
                         "process", "--workers", 1, "--chunk", last + 1, "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["chunks"], 1)
        self.assertEqual([int(result["value"]) for result in answer["results"]],
                         [(2 * k << 40) + together - 1 for k in range(count)])

    def test_csv_columns_with_missing_cells(self):
        path = self.file("x.csv", "a,b\n3,1\n,2\n1,NA\n2,4\n")
        done = self.done("run", "median:a,quantile(0.5,1):b=q,sum:a", path, "--missing", "skip",
                         "--json")
        results = json.loads(done.stdout)["results"]
        self.assertEqual([(one["label"], one["value"]) for one in results],
                         [("median:a", 2.0), ("q(0.5)", 2.0), ("q(1)", 4.0), ("sum:a", 6.0)])

    def test_ranges(self):
        for start, stop, step in ((0, 300_003, 1), (5, -800_001, -3),
                                  (-2**63, 2**63 - 1, 2**47 + 1)):
            self.check(list(range(start, stop, step)), "i64",
                       f"--range={start}:{stop}:{step}")

    def test_few_elements(self):
        for values in ([], [3.0], [2.0, 1.0], [math.nan], [math.nan, 1.0], [-0.0, 0.0],
                       [math.inf, -math.inf], [5e-324, 0.0]):
            path = self.file("few.npy", inputs.npy(values, "f64"))
            self.check(values, "f64", path)

    def test_all_missing_has_no_value(self):
        path = self.file("m.csv", "a,b\nNA,1\nNA,2\n")
        done = self.done("run", "median:a", path, "--missing", "skip", "--json", code=1)
        self.assertEqual(json.loads(done.stdout)["results"][0]["error"]["code"], "no_value")

    def test_what_is_no_quantile_is_refused(self):
        for reducer, code in REFUSED:
            with self.subTest(reducer=reducer):
                self.assertEqual(self.refusal(reducer, "--values", "1,2"), code)
        self.assertEqual(self.refusal("median", "--values", "1,2", "--on-failure", "partial"),
                         "bad_quantile_job")

    def test_several_quantiles_are_called_as_they_were_written(self):
        done = self.done("run", "quantile(0,1,lower)", "--values", "2,1", "--json")
        labels = [one["label"] for one in json.loads(done.stdout)["results"]]
        self.assertEqual(labels, ["quantile(0,lower)", "quantile(1,lower)"])

    def test_a_quantile_under_two_names_is_two_results(self):
        for reducers in ("quantile(0.5,0.50)", "quantile(0.5),quantile(0.50)"):
            done = self.done("run", reducers, "--values", "2,1", "--json")
            self.assertEqual([(one["label"], one["value"])
                              for one in json.loads(done.stdout)["results"]],
                             [("quantile(0.5)", 1.5), ("quantile(0.50)", 1.5)])
        done = self.done("run", "quantile(0.5,0.5)", "--values", "2,1", "--json", code=2)
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["class"], error["label"]),
                         ("invalid_argument", "quantile(0.5)"))

    def test_a_stream_cannot_be_read_twice(self):
        done = subprocess.run([program("TALLY_BIN"), "run", "median", "-", "--json"],
                              env=self.daemon.env, input=b"1\n2\n", capture_output=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "quantile_of_stream")


if __name__ == "__main__":
    unittest.main()
