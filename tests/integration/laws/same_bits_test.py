#!/usr/bin/env python3
"""The law: whatever the path, the chunks, the workers, the kills, the same exact bits.

Each seed is a job in one configuration of the product (product.py), which prove.py does
in whole; here new ones are drawn until the time is up. TALLY_SEED=N runs that one
again, which a failure names.
"""

import os
import random
import time
import unittest

from product import FAULTS, LEVELS, Product
from runner import Runner

SECONDS = 20
MOST_ELEMENTS = 200_000  # the oracle takes seconds for more


class SameBitsTest(unittest.TestCase):
    def test_the_same_exact_bits_whatever_happens(self):
        product = Product()
        runner = self.enterContext(Runner())
        if "TALLY_SEED" in os.environ:
            return runner.check(product.case(int(os.environ["TALLY_SEED"])))
        # All daemons together would be some 200 processes, too many for sanitizers:
        # each fault comes with one level, another each time.
        faulty = set(zip(FAULTS, random.sample(LEVELS * 2, len(FAULTS))))
        until = time.monotonic() + SECONDS
        cases = 0
        while time.monotonic() < until:
            case = product.any_case(random)
            how = case.configuration
            if case.size <= MOST_ELEMENTS and (how.path != "process" or
                                               (how.fault, how.level) in faulty):
                runner.check(case)
                cases += 1
        print(cases, "cases,", runner.again, "chunks done again")


if __name__ == "__main__":
    unittest.main()
