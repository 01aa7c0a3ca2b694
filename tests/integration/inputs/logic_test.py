#!/usr/bin/env python3
"""any, all, and, or, xor, prod and histogram through the daemon: every type and path, and
what is refused."""

import json
import random
import unittest

import inputs
from daemon_case import DaemonCase
from exact import expected, value_of

WAYS = [(), ("--path", "thread", "--chunk", 1),
        ("--path", "process", "--workers", 2, "--chunk", 65536)]
COUNT = 150_001


def edge_cases(dtype):
    """Values that lie on the edges of inputs.reducers_of(), next to them, and outside."""
    values = [0, 1, 100, 199, 200, 201, 255, 3, 2]
    if dtype[0] != "u":
        values += [-1, -3, -4]
    if dtype in ("f32", "f64"):
        least = 5e-324 if dtype == "f64" else 2.0 ** -149
        values = [float(value) for value in values] + [
            -0.0, least, -least, 0.5, float("nan"), float("inf"), -float("inf"), 1e19]
        values = [inputs.as_f32(value) if dtype == "f32" else value for value in values]
    low, high = inputs.limits(dtype) if dtype[0] != "f" else (-1, 1)
    return [value for value in values if dtype[0] == "f" or low <= value <= high]


class LogicTest(DaemonCase):
    def check(self, values, dtype, *words):
        names = inputs.reducers_of(dtype)[7:]
        want = [expected(name, values, dtype) for name in names]
        for way in WAYS:
            with self.subTest(words=words, way=way):
                done = self.daemon.tally("run", ",".join(names), *words, *way, "--json")
                answer = json.loads(done.stdout)
                self.assertEqual([value_of(one) for one in answer["results"]], want)
                failed = any(value[0] == "error" for value in want)
                self.assertEqual(done.returncode, int(failed), done.stderr)

    def test_every_type(self):
        for dtype in inputs.CODES:
            rng = random.Random(dtype)
            cases = edge_cases(dtype)
            for values in (inputs.random_values(rng, COUNT, dtype), cases, cases[2:3] * 70_000,
                           [rng.choice(cases) for _ in range(COUNT)]):
                self.check(values, dtype,
                           self.file(f"{dtype}.npy", inputs.npy(values, dtype)))

    def test_csv_and_ranges(self):
        values = [random.Random(5).randint(-9, 9) for _ in range(5000)]
        self.check(values, "i64", self.file("v.csv", inputs.csv(values)), "--column", "x",
                   "--dtype", "i64")
        for start, stop, step in ((0, 1_000_003, 1), (1, 30, 1), (-1, -64, -2), (3, 3, 1)):
            self.check(list(range(start, stop, step)), "i64",
                       f"--range={start}:{stop}:{step}")

    def test_products_overflow_or_not_whatever_the_order(self):
        values = [2 ** 62, -2, 1, 2 ** 62, -3, 1, -1, 2, 2] + [1] * 200_000
        for last, want in ((1, "overflow"), (0, 0)):
            for shuffled in (values, values[::-1]):
                path = self.file("p.npy", inputs.npy([*shuffled, last], "i64"))
                for way in WAYS:
                    done = self.daemon.tally("run", "prod", path, *way, "--json")
                    result = json.loads(done.stdout)["results"][0]
                    self.assertIn(value_of(result), [("int", want), ("error", want)])

    def test_nan_policies_and_missing_cells(self):
        path = self.file("n.csv", b"x\n1\nnan\n\n3\n")
        run = ["run", "histogram(2,0,4)=h,all", path, "--column", "x", "--missing", "skip"]
        answer = self.daemon.json(*run)
        self.assertEqual(answer["results"][0]["value"],
                         {"edges": [0.0, 2.0, 4.0], "counts": [1, 1], "underflow": 0,
                          "overflow": 0, "nan": 1})
        answer = self.daemon.json(*run, "--nan", "skip")
        self.assertEqual(answer["results"][0]["value"]["nan"], 0)
        self.assertEqual(answer["elements"]["filtered"], 1)

    def refused(self, reducers, code, says, *words):
        done = self.daemon.tally("run", reducers, *words, "--json")
        self.assertEqual(done.returncode, 2, done)
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["code"], error["class"]), (code, "invalid_argument"))
        self.assertIn(says, error["message"])

    def test_bad_bins_are_refused(self):
        for args, says in [
                ("0,0,1", "bins is '0'"), ("4294967296,0,1", "1 to 65536"),
                ("65537,0,1", "1 to 65536"), ("2.5,0,1", "bins is '2.5'"),
                ("10,1,1", "below hi"), ("10,2,1", "below hi"), ("10,nan,1", "no number"),
                ("10,0,inf", "no even width"), ("10,0,1e999", "no number"),
                ("10,0", "hi is missing"), ("edges=1", "one edge"),
                ("edges=1,nan", "no number"), ("edges=1,1", "not above"),
                ("edges=2,1", "not above"), ("100,1,1.000000000000001", "use fewer")]:
            with self.subTest(args=args):
                self.refused(f"histogram({args})", "bad_argument", says, "--range", "0:9")
        self.refused("histogram", "bad_argument", "bins is missing", "--range", "0:9")
        self.refused("histogram(65536,0,1)=a,histogram(9,0,1)=b", "too_many_bins", "65536",
                     "--range", "0:9")

    def test_floats_are_refused_where_only_integers_have_a_value(self):
        path = self.file("f.csv", b"x\n6\n3\n")
        for reducer, value in ("and", "2"), ("or", "7"), ("xor", "5"), ("prod", "18"):
            words = [path, "--column", "x"]
            self.refused(reducer, "reducer_type", "the elements are f64", *words)
            answer = self.daemon.json("run", reducer, *words, "--dtype", "i64")
            self.assertEqual(answer["results"][0]["value"], value)

    def test_a_table_and_plain_counts_for_people(self):
        run = ["run", "histogram(2,0,4)=h,any", "--range", "0:10"]
        lines = self.daemon.tally(*run).stdout.splitlines()
        self.assertEqual(lines[:6], ["h    2 bins, 0 below, 5 above", "any  1", "", "h",
                                     "  [0.0,  2.0)  2  " + "\N{FULL BLOCK}" * 26 +
                                     "\N{LEFT FIVE EIGHTHS BLOCK}",
                                     "  [2.0,  4.0]  3  " + "\N{FULL BLOCK}" * 40])
        self.assertEqual(self.daemon.tally(*run, "--quiet").stdout, "2 3\n1\n")


if __name__ == "__main__":
    unittest.main()
