#!/usr/bin/env python3
"""The law: whatever the path, the chunks, the workers, the kills, the same exact bits.

Seeded: TALLY_SEED=N runs one seed again, which a failure names. Without it the seeds
are those of SEEDS and, after them, new ones until the time is up.
"""

import json
import os
import random
import time
import unittest

import inputs
from exact import expected, value_of
from tally_daemon import TallyDaemon

SEEDS = range(12)
SECONDS = 12
FAULTS = ["", "update:kill:attempt=1", "update:segv:chunk=0:attempt=1",
          "before_partial:kill:chunk=1:attempt=1;update:exit0:chunk=0:attempt=2",
          "assigned:kill:chunk=1:attempt=1", "after_partial:kill:chunk=0:attempt=1"]
LEVELS = ["", "avx2", "sse4", "scalar"]  # of instructions; results are alike
LEAF = 65536


class Job:
    """A random job: the words that ask for it and what must come of it."""

    def __init__(self, rng, folder):
        self.dtype = rng.choice(list(inputs.CODES))
        self.kind = rng.choice(["range", "values", "npy", "raw", "csv"])
        getattr(self, "_" + self.kind)(rng, folder)
        names = inputs.reducers_of(self.dtype)
        self.reducers = rng.sample(names, rng.randint(1, len(names)))
        self.in_files = self.kind in ("npy", "raw", "csv")

    def _range(self, rng, _):
        self.dtype = "i64"
        count, step = rng.randint(0, 5 * LEAF), rng.choice([1, -1, 7, 2**40, -(2**33)])
        start = rng.randint(-2**40, 2**40)
        self.parts = [list(range(start, start + count * step, step))]
        self.words = [f"--range={start}:{start + count * step}:{step}"]

    def _values(self, rng, _):
        self.parts = [inputs.random_values(rng, rng.randint(1, 2000), self.dtype)]
        self.words = ["--values=" + ",".join(repr(v) for v in self.parts[0]),
                      "--dtype", self.dtype]

    def _split(self, rng, most):
        files = rng.choice([1, 1, 2, 5])
        self.parts = [inputs.random_values(rng, rng.randint(0, most // files), self.dtype)
                      for _ in range(files)]

    def _write(self, folder, suffix, encode):
        self.words = []
        for number, part in enumerate(self.parts):
            path = folder / f"{number}.{suffix}"
            path.write_bytes(encode(part))
            self.words.append(path)

    def _npy(self, rng, folder):
        self._split(rng, 3 * LEAF)
        self._write(folder, "npy", lambda part: inputs.npy(part, self.dtype))

    def _raw(self, rng, folder):
        self._split(rng, 3 * LEAF)
        self._write(folder, "raw", lambda part: inputs.packed(part, self.dtype))
        self.words += ["--dtype", self.dtype]

    def _csv(self, rng, folder):
        self._split(rng, LEAF // 2)
        self._write(folder, "csv", inputs.csv)
        self.words += ["--column", "x", "--dtype", self.dtype]

    def expected(self):
        values = [value for part in self.parts for value in part]
        return [expected(reducer, values, self.dtype) for reducer in self.reducers]

    def values_of(self, answer):
        return [self._flat(result) for result in answer["results"]]

    def _flat(self, result):
        kind, value, *more = value_of(result)
        if kind == "index" and self.in_files:
            paths = [str(word) for word in self.words[:len(self.parts)]]
            file = paths.index(result["value"]["file"])
            value += sum(len(part) for part in self.parts[:file])
        return kind, value, *more


class SameBitsTest(unittest.TestCase):
    def setUp(self):
        # Workers die in one, and the next has another instruction set.
        self.daemons = [
            self.enterContext(TallyDaemon(workers=8 - n, fault=fault,
                                          env={"TALLY_SIMD": LEVELS[n % len(LEVELS)]}))
            for n, fault in enumerate(FAULTS)]

    def ways(self, rng):
        """(daemon, options): every path, and each way to die."""
        def chunk():
            return ["--chunk", rng.choice([1, LEAF, 2 * LEAF, 8 * LEAF])]
        yield 0, []
        yield 0, ["--path", "thread", *chunk()]
        yield 0, ["--path", "thread", "--workers", 1]
        yield 0, ["--path", "process", "--workers", rng.randint(1, 8), *chunk()]
        for daemon in range(1, len(FAULTS)):
            yield daemon, ["--path", "process", *chunk()]
        yield rng.randrange(1, len(LEVELS)), ["--path", "thread", *chunk()]

    def run_seed(self, seed):
        rng = random.Random(seed)
        job = Job(rng, self.daemons[0].folder)
        want = job.expected()
        for daemon, options in self.ways(rng):
            words = ["run", ",".join(job.reducers), *job.words, *options]
            done = self.daemons[daemon].tally(*words, "--json")
            how = (f"TALLY_SEED={seed}: {job.kind} of {job.dtype}, {job.reducers}, "
                   f"{options}, fault '{FAULTS[daemon]}', "
                   f"level '{LEVELS[daemon % len(LEVELS)]}'")
            failed = any(value[0] == "error" for value in want)
            self.assertEqual(done.returncode, 1 if failed else 0,
                             f"{how}: {done.stderr}\n{done.stdout[-2000:]}")
            answer = json.loads(done.stdout)
            self.assertEqual(job.values_of(answer), want, how)
            self.assertEqual(answer["elements"]["seen"], sum(map(len, job.parts)), how)

    def test_the_same_exact_bits_whatever_happens(self):
        if "TALLY_SEED" in os.environ:
            return self.run_seed(int(os.environ["TALLY_SEED"]))
        until = time.monotonic() + SECONDS
        for seed in SEEDS:
            self.run_seed(seed)
        while time.monotonic() < until:
            self.run_seed(random.randrange(1 << 32))


if __name__ == "__main__":
    unittest.main()
