#!/usr/bin/env python3
"""A host's rounding mode, flushing of subnormals and traps change no bit of any result, on
any path, nor of what its client makes of it: texts, JSON and f64s."""

import json
import os
import pathlib
import platform
import random
import struct
import subprocess
import tempfile
import unittest

import inputs
from exact import expected, value_of
from exact_floats import bits

SETTINGS = [(), ("upward",), ("downward",), ("towardzero",)]
if platform.machine() == "x86_64":
    SETTINGS += [("flush",), ("upward", "flush"), ("traps",), ("downward", "flush", "traps")]
PATHS = ("any", "thread", "process")
MANY = 150_001  # more than two leaves; enough for a sample, and for several rounds
FEW = 300       # runs inline
LEAST = {"f32": 2.0 ** -149, "f64": 5e-324}
# Two of the bins' edges are subnormal, as is their width.
FLOATS = ["sum", "mean", "sumsq", "var", "var(1)", "std", "norm2", "min", "max", "argmin",
          "argmax", "any", "all", "histogram(10,-1e-308,1.3e-308)", "histogram(7,-.1,.3)",
          "histogram(edges=-inf,-5e-324,0,5e-324,1e-310,1)", "median",
          "quantile(.1)", "quantile(.3,nearest)", "quantile(.7,midpoint)",
          "quantile(.999,higher)"]
INTEGERS = ["sum", "mean", "sumsq", "var", "std", "norm2", "min", "any", "all", "xor",
            "prod", "histogram(9,-.1,1e7)", "median", "quantile(.1)"]


def subnormals(rng, count, dtype):
    """Distinct, and all the same to whoever takes subnormals for zeros."""
    most = 2 ** (23 if dtype == "f32" else 52) - 1
    return [rng.choice((-1, 1)) * rng.randint(1, most) * LEAST[dtype]
            for _ in range(count)]


def inexact(rng, count, dtype):
    """Hardly a sum or a mean of these is a double; squares underflow."""
    values = [rng.uniform(-1, 1) * 2.0 ** rng.choice((-30, -1, 0, 40, -600, -1040))
              for _ in range(count)]
    return [inputs.as_f32(value) for value in values] if dtype == "f32" else values


class ArithmeticTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(5)
        with tempfile.TemporaryDirectory() as folder:
            jobs = []  # (source, reducers, what is expected of each)
            for count in (FEW, MANY):
                for make in (subnormals, inexact):
                    for dtype in ("f64", "f32"):
                        cls._add(jobs, pathlib.Path(folder, f"{len(jobs)}"),
                                 make(rng, count, dtype), dtype)
            for values in (range(-5, 4096, 3), range(0, 700_001, 7)):
                jobs.append((f"{values.start}:{values.stop}:{values.step}", INTEGERS,
                             [expected(name, values, "i64") for name in INTEGERS]))
            cls.jobs = jobs
            cls.lines = {settings: cls._run(settings) for settings in SETTINGS}

    @staticmethod
    def _add(jobs, stem, values, dtype):
        """The same elements from a file of each form."""
        want = [expected(name, values, dtype) for name in FLOATS]
        npy = stem.with_suffix(".npy")
        npy.write_bytes(inputs.npy(values, dtype))
        jobs.append((npy, FLOATS, want))
        if len(values) <= FEW:
            raw = stem.with_suffix(".raw")
            raw.write_bytes(inputs.packed(values, dtype))
            jobs.append((f"@{dtype}:{raw}", FLOATS, want))
        if dtype == "f64":  # what csv and text files are read as
            csv, text = stem.with_suffix(".csv"), stem.with_suffix(".txt")
            csv.write_bytes(inputs.csv(values))
            text.write_text("\n".join(map("{:.25e}".format, values)) + "\n")
            jobs.append((csv, FLOATS, want))
            jobs.append((text, FLOATS, want))

    @classmethod
    def _run(cls, settings):
        script = "".join("\t".join([path, str(source), *reducers]) + "\n"
                         for source, reducers, _ in cls.jobs for path in PATHS)
        done = subprocess.run([os.environ["ARITHMETIC_HOST"], *settings], input=script,
                              capture_output=True, text=True, timeout=200, check=False)
        return done.returncode, done.stderr, iter(done.stdout.splitlines())

    def test_results_are_the_same_bits_under_any_setting(self):
        for settings, (code, stderr, lines) in self.lines.items():
            self.assertEqual((code, stderr), (0, ""), settings)
            for source, reducers, want in self.jobs:
                for path in PATHS:
                    with self.subTest(settings=settings, source=str(source), path=path):
                        self._check(next(lines).split("\t"), reducers, want)
            self.assertEqual(list(lines), [])

    def _check(self, fields, reducers, want):
        results = json.loads(fields[0])["results"]
        self.assertEqual([value_of(one) for one in results], want)
        for i, (reducer, result) in enumerate(zip(reducers, results)):
            self._check_texts(result, *fields[1 + 2 * i:3 + 2 * i])
            # As they were written, or as the numbers they are.
            args = reducer.rstrip(")").partition("(")[2]
            self.assertEqual([self._number(arg) for arg in result.get("args", [])],
                             [self._number(arg) for arg in args.split(",") if arg])

    @staticmethod
    def _number(arg):
        try:
            return float(arg)
        except ValueError:
            return arg

    def _check_texts(self, result, text, f64):
        """The number in the JSON, the text and the f64, against the bits in the JSON."""
        kind = result.get("type")
        if kind not in ("f32", "f64"):
            self.assertEqual(f64, "-")
            return
        for spelt in (result["value"], text):
            self.assertEqual(bits(inputs.as_f32(float(spelt)) if kind == "f32"
                                  else float(spelt), kind), result["bits"])
        form = ">f" if kind == "f32" else ">d"
        exact, = struct.unpack(form, bytes.fromhex(result["bits"][2:]))
        self.assertEqual(f64, bits(exact))


if __name__ == "__main__":
    unittest.main()
