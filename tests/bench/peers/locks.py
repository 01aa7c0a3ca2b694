#!/usr/bin/python3
"""locks.py COUNT: Python's uncontended locks, as steps of tests/bench/steps.h.

"multiprocessing" and "threading" enter and leave `with lock:` COUNT times;
"multiprocessing.calls" calls acquire() and release() by hand.
"""

import multiprocessing
import sys
import threading
import time


def entering(lock, count):
    start = time.perf_counter_ns()
    for _ in range(count):
        with lock:
            pass
    return time.perf_counter_ns() - start


def calling(lock, count):
    acquire, release = lock.acquire, lock.release
    start = time.perf_counter_ns()
    for _ in range(count):
        acquire()
        release()
    return time.perf_counter_ns() - start


def main():
    count = int(sys.argv[1])
    shared, own = multiprocessing.Lock(), threading.Lock()
    steps = {"multiprocessing": lambda: entering(shared, count),
             "multiprocessing.calls": lambda: calling(shared, count),
             "threading": lambda: entering(own, count)}
    for line in sys.stdin:
        name, times = line.split()
        print(*(steps[name]() for _ in range(int(times))), flush=True)


main()
