#!/usr/bin/env python3
"""What each reducer answers where there is next to nothing to reduce: no element, only one,
cells that are all missing, elements that are all NaN. By the table in
runtime/reduce/README.md, of every source and path."""

import json
import math
import re
import subprocess
import unittest

import inputs
from daemon_case import DaemonCase
from exact import value_of
from exact_floats import bits
from tally_daemon import program

WAYS = [(), ("--path", "thread"), ("--path", "process", "--workers", 2)]
NO_VALUE = ("error", "no_value")
ZERO, ONE, NAN = (("f64", bits(value)) for value in (0.0, 1.0, math.nan))
INTEGERS_ONLY = ("and", "or", "xor", "prod")
EDGES = [0.0, 1.0, 2.0]


def counted(first=0, last=0, nan=0):
    return ("histogram", EDGES, [first, last], 0, 0, nan)


def of_nothing(dtype):
    """The columns of the README's table: "of no elements"."""
    sums = ZERO if dtype[0] == "f" else ("int", 0)
    ones = -1 if dtype[0] == "i" else 2 ** int(dtype[1:]) - 1
    return {"count": ("int", 0), "sum": sums, "mean": NO_VALUE, "min": NO_VALUE,
            "max": NO_VALUE, "argmin": NO_VALUE, "argmax": NO_VALUE, "sumsq": sums,
            "norm2": ZERO, "var": NO_VALUE, "var(1)": NO_VALUE, "std": NO_VALUE,
            "std(1)": NO_VALUE, "any": ("int", 0), "all": ("int", 1), "and": ("int", ones),
            "or": ("int", 0), "xor": ("int", 0), "prod": ("int", 1),
            "histogram(2,0,2)": counted(), "median": NO_VALUE, "quantile(0.25)": NO_VALUE,
            "quantile(0.25,lower)": NO_VALUE}


def of_a_one(dtype):
    """A single element, 1: all but what is divided by one less than the count."""
    one = (dtype, bits(1.0, dtype)) if dtype[0] == "f" else ("int", 1)
    sums = ONE if dtype[0] == "f" else one
    return {**dict.fromkeys(of_nothing(dtype), one), "count": ("int", 1), "sum": sums,
            "mean": ONE, "argmin": ("index", 0), "argmax": ("index", 0), "sumsq": sums,
            "norm2": ONE, "var": ZERO, "var(1)": NO_VALUE, "std": ZERO, "std(1)": NO_VALUE,
            "any": ("int", 1), "all": ("int", 1), "histogram(2,0,2)": counted(last=1),
            "median": ONE, "quantile(0.25)": ONE}


def of_two_nans(dtype):
    own = (dtype, bits(math.nan, dtype))
    return {**dict.fromkeys(of_nothing(dtype), NAN), "count": ("int", 2), "min": own,
            "max": own, "argmin": ("index", 0), "argmax": ("index", 0), "any": ("int", 1),
            "all": ("int", 1), "histogram(2,0,2)": counted(nan=2),
            "quantile(0.25,lower)": own}


class FewElementsTest(DaemonCase):
    def check(self, want, dtype, *words, column="", elements=None, **options):
        want = {name: value for name, value in want.items()
                if dtype[0] != "f" or name not in INTEGERS_ONLY}
        reducers = ",".join(name + column for name in want)
        code = int(any(value == NO_VALUE for value in want.values()))
        for way in options.get("ways", WAYS):
            with self.subTest(words=words, dtype=dtype, way=way):
                done = self.done("run", reducers, *words, *way, "--json", code=code)
                answer = json.loads(done.stdout)
                self.assertEqual({name: value_of(result) for name, result
                                  in zip(want, answer["results"], strict=True)}, want)
                if elements:
                    self.assertEqual({key: answer["elements"][key] for key in elements},
                                     elements)

    def test_the_tables_have_every_reducer(self):
        done = self.done("run", "nonesuch", "--values", "1", "--json", code=2)
        listed = json.loads(done.stdout)["error"]["message"].split("there are: ")[1]
        known = set(re.findall(r"\w+", listed)) - {"dot"}  # of two columns: dot_test.py
        self.assertEqual({name.partition("(")[0] for name in of_nothing("i64")}, known)

    def sources(self, values, dtype):
        """The same few elements from each kind of source: words, suffix of reducers."""
        yield [self.file("few.npy", inputs.npy(values, dtype))], ""
        yield [self.file("few.raw", inputs.packed(values, dtype)), "--dtype", dtype], ""
        yield [self.file("few.csv", inputs.csv(values)), "--dtype", dtype], ":x"
        text = self.file("few.txt", " ".join(map(repr, values)))
        yield [text, "--dtype", dtype], ""
        # Where they lie between files that have none.
        none = self.file("none.npy", inputs.npy([], dtype))
        yield [self.file("few.npy", inputs.npy(values, dtype)), none, none], ""
        if values:
            yield ["--values=" + ",".join(map(repr, values)), "--dtype", dtype], ""

    def test_no_element_and_one_of_every_type_and_source(self):
        for dtype in inputs.CODES:
            one = 1.0 if dtype[0] == "f" else 1
            for values, want in (([], of_nothing(dtype)), ([one], of_a_one(dtype))):
                for words, column in self.sources(values, dtype):
                    self.check(want, dtype, *words, column=column)

    def test_ranges(self):
        self.check(of_nothing("i64"), "i64", "--range=5:5")
        self.check(of_nothing("i64"), "i64", "--range=5:-5:1")
        self.check(of_a_one("i64"), "i64", "--range=1:2")

    def test_streams(self):
        """Two rounds cannot be had of them."""
        for data, want in ((b"", of_nothing("f64")), (b"1\n", of_a_one("f64"))):
            want = {name: value for name, value in want.items() if name not in INTEGERS_ONLY
                    and not name.startswith(("median", "quantile"))}
            done = subprocess.run([program("TALLY_BIN"), "run", ",".join(want), "-",
                                   "--json"], env=self.daemon.env, input=data,
                                  capture_output=True, timeout=60, check=False)
            results = json.loads(done.stdout)["results"]
            self.assertEqual(dict(zip(want, map(value_of, results))), want)

    def test_all_nan(self):
        for dtype in ("f32", "f64"):
            for words, column in self.sources([math.nan, -math.nan], dtype):
                self.check(of_two_nans(dtype), dtype, *words, column=column)
                self.check(of_nothing(dtype), dtype, *words, "--nan", "skip", column=column,
                           elements={"seen": 2, "kept": 0, "filtered": 2})
                done = self.done("run", "sum" + column, *words, "--nan", "error", "--json",
                                 code=1)
                self.assertEqual(json.loads(done.stdout)["error"]["code"], "nan_found")

    def test_all_missing(self):
        for dtype in ("f64", "f32", "i64", "u8"):
            missing = (self.file("m.csv", "x,y\nNA,1\n,2\n"), ":x"), \
                (self.file("m.txt", "NA\nNA\n"), ""), (self.file("m1.csv", "x\nNA\nNA\n"), ":x")
            for path, column in missing:
                words = [path, "--dtype", dtype, "--missing"]
                self.check(of_nothing(dtype), dtype, *words, "skip", column=column,
                           elements={"seen": 2, "kept": 0, "missing": 2})
                done = self.done("run", "sum" + column, *words, "error", "--json", code=1)
                self.assertEqual(json.loads(done.stdout)["error"]["code"], "missing_cell")

    def test_too_few_elements_for_ddof_say_how_many_of_both(self):
        for reducer, values, says in (
                ("var(1)", "1", "var of 1 element with ddof 1"),
                ("var(ddof=2)", "1,2", "var of 2 elements with ddof 2"),
                ("std(3)", "1,nan", "std of 2 elements with ddof 3"),
                ("std(18446744073709551615)", "1,2",
                 "std of 2 elements with ddof 18446744073709551615")):
            for way in WAYS:
                with self.subTest(reducer=reducer, way=way):
                    done = self.done("run", reducer, "--values", values, *way, "--json",
                                     code=1)
                    error = json.loads(done.stdout)["results"][0]["error"]
                    self.assertEqual(error["code"], "no_value")
                    self.assertIn(says + " has no value", error["message"])
        done = self.done("run", "var(18446744073709551616)", "--values", "1", "--json",
                         code=2)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "bad_argument")


if __name__ == "__main__":
    unittest.main()
