#!/usr/bin/env python3
"""The law, for long: every job in every configuration, in a shuffled order.

    prove.py [--minutes M] [--seed N]

Ends non-zero at the first case that fails, whose seed it prints; --seed N runs that
case alone. Once a minute it says how much of the product it has covered: of all cases,
and of all pairs of settings (such as: csv with sse4, subnormals with three workers),
which most bugs need no more than.
"""

import argparse
import itertools
import random
import sys
import time

from product import Product
from runner import Runner


class Coverage:
    def __init__(self, product):
        self._total, self._all_pairs = product.total, product.pairs()
        self._cases, self._pairs = 0, set()

    def add(self, case):
        self._cases += 1
        self._pairs.update(map(frozenset, itertools.combinations(case.settings(), 2)))

    def __str__(self):
        return (f"{self._cases} of {self._total} cases "
                f"({100 * self._cases / self._total:.4f} %), {len(self._pairs)} of "
                f"{self._all_pairs} pairs of settings "
                f"({100 * len(self._pairs) / self._all_pairs:.2f} %)")


def prove(product, minutes):
    covered = Coverage(product)
    start = time.monotonic()
    told = start
    with Runner() as runner:
        for case in product.walk(random.randrange(product.total)):
            now = time.monotonic()
            if now > start + 60 * minutes:
                break
            if now > told + 60:
                print(covered, flush=True)
                told = now
            runner.check(case)
            covered.add(case)
    print(f"the law holds: {covered}, {runner.again} chunks done again")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    product = Product()
    try:
        if options.seed is None:
            prove(product, options.minutes)
        else:
            case = product.case(options.seed)
            with Runner() as runner:
                runner.check(case)
            print(f"the law holds for {case}")
    except AssertionError as why:
        sys.exit(f"the law is broken: {why}")


if __name__ == "__main__":
    main()
