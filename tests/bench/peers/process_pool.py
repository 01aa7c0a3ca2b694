#!/usr/bin/python3
"""The step "add" is one round trip through Python's ProcessPoolExecutor with two
workers. Driven as tests/bench/steps.h says."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor


def add(pair):
    return pair[0] + pair[1]


def main():
    with ProcessPoolExecutor(2) as pool:
        for line in sys.stdin:
            durations = []
            for i in range(int(line.split()[1])):
                start = time.perf_counter_ns()
                total = pool.submit(add, (i, 1)).result()
                durations.append(time.perf_counter_ns() - start)
                if total != i + 1:
                    sys.exit("process_pool: wrong sum")
            print(*durations, flush=True)


if __name__ == "__main__":
    main()
