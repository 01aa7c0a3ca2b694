#!/usr/bin/python3
"""Steps through the Python package, and the same by numpy: python_bench.py SOCKET BYTES.

    run      tally.run of one element of an array
    numpy    numpy's sum of an ordinary array of BYTES
    sum      tally's of the same
    shared   tally's of a shared one with the same elements
    numpy5   numpy's sum, mean, var, min and max of the ordinary one
    five     tally's of the shared one, in one job
    npmedian numpy's median of the ordinary one
    median   tally's of the shared one

Driven as tests/bench/steps.h says. A wrong answer ends it."""

import math
import sys
import time

import numpy as np

import tally


class Arrays:
    """Made when they are asked for first: 2 × BYTES."""

    def __init__(self, size):
        self._size = size
        self._ordinary = self._shared = None
        self.median = None

    @property
    def ordinary(self):
        if self._ordinary is None:
            self._ordinary = np.random.default_rng(42).normal(100, 15, self._size // 8)
            self.exact = math.fsum(self._ordinary)
        return self._ordinary

    @property
    def shared(self):
        if self._shared is None:
            data = tally.empty(self.ordinary.shape)
            data[:] = self.ordinary
            self._shared = tally.share(data)
        return self._shared


def step_of(client, arrays, name):
    """What is timed, and what it must give."""
    if name == "run":
        one = np.array([2.5])
        return lambda: client.run("sum", one).value, 2.5
    data = arrays.shared if name == "shared" else arrays.ordinary
    if name == "numpy5":
        return lambda: (data.sum(), data.mean(), data.var(), data.min(), data.max()), None
    if name == "five":
        return lambda: client.run("sum,mean,var,min,max", arrays.shared)["sum"], arrays.exact
    if name in ("npmedian", "median"):
        if arrays.median is None:
            arrays.median = float(np.median(arrays.ordinary))
        if name == "npmedian":
            return lambda: float(np.median(data)), arrays.median
        return lambda: client.run("median", arrays.shared).value, arrays.median
    if name == "numpy":
        return lambda: data.sum(), data.sum()
    return lambda: client.run("sum", data).value, arrays.exact


def main():
    arrays = Arrays(int(sys.argv[2]))
    with tally.connect(sys.argv[1]) as client:
        for line in sys.stdin:
            name, count = line.split()
            call, expected = step_of(client, arrays, name)
            durations = []
            for _ in range(int(count)):
                start = time.perf_counter_ns()
                value = call()
                durations.append(time.perf_counter_ns() - start)
                if expected is not None and value != expected:
                    sys.exit(f"python_bench: {name} gave {value}, not {expected}")
            print(*durations, flush=True)


if __name__ == "__main__":
    main()
