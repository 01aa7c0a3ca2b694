"""The product: every job in every configuration, each with a number that replays it.

    source × type × size × path × elements × policy × reducers × partners
    × workers, chunk, level, fault

A number's digits say which. Neighbours are mostly one job in several configurations;
what is left to chance in a job (the elements themselves, the reducers that are chosen,
where files are cut) is drawn from a generator seeded by the first one's number.
"""

import bisect
import itertools
import math
import random
from dataclasses import dataclass

import inputs
from elements import LEAF, SIZES, kinds
from jobs import CARRIED, SOURCES, partners, policies

NEIGHBOURS = 8  # in a row, of one job
REDUCERS = ("all", "some", "one")
WORKERS = tuple(range(1, 9))
CHUNKS = (1, 2 * LEAF, 0)  # a leaf, two, what the planner likes
LEVELS = ("", "avx2", "sse4", "scalar")  # of instructions; "": all that there are
FAULTS = ("", "update:kill:attempt=1", "update:segv:chunk=0:attempt=1",
          "before_partial:kill:chunk=1:attempt=1;update:exit0:chunk=0:attempt=2",
          "assigned:kill:chunk=1:attempt=1", "after_partial:kill:chunk=0:attempt=1")


@dataclass(frozen=True)
class Configuration:
    path: str
    level: str
    workers: int = 0  # 0: not told
    chunk: int = 0
    fault: str = ""


def _all_of(path, *axes):
    """In an order that lets neighbours have little in common."""
    found = [Configuration(path, *settings) for settings in itertools.product(*axes)]
    random.Random(path).shuffle(found)
    return found


CONFIGURATIONS = {"inline": _all_of("inline", LEVELS), "stream": _all_of("thread", LEVELS),
                  "thread": _all_of("thread", LEVELS, WORKERS, CHUNKS),
                  "process": _all_of("process", LEVELS, WORKERS, CHUNKS, FAULTS)}


@dataclass(frozen=True)
class Case:
    number: int
    job: int  # the number of its first configuration
    source: str
    dtype: str
    size: int
    elements: str
    policy: tuple
    reducers: str
    partners: str
    configuration: Configuration

    def settings(self):
        """Each axis with its value."""
        return [*((name, getattr(self, name)) for name in
                  ("source", "dtype", "size", "elements", "policy", "reducers",
                 "partners")),
                *vars(self.configuration).items()]


def _paths(source, size):
    if source.startswith("stream"):
        return ["stream"]
    if source == "range" and size <= CARRIED or source == "values":
        return ["inline", "thread", "process"]
    return ["thread", "process"]


class Product:
    def __init__(self, sizes=SIZES):
        self._strata = []  # (source, type, size, the axes that then are free)
        self._ends = []
        for source, dtype, size in itertools.product(SOURCES, inputs.CODES, sizes):
            if source == "range" and dtype != "i64" or source == "values" and size > CARRIED:
                continue
            ways = ["any"] if source == "range" else list(kinds(dtype))
            for path in _paths(source, size):
                axes = (CONFIGURATIONS[path], ways, policies(source, dtype), REDUCERS,
                        partners(source))
                self._strata.append((source, dtype, size, axes))
                self._ends.append(math.prod(map(len, axes)) +
                                  (self._ends[-1] if self._ends else 0))
        self.total = self._ends[-1]

    def case(self, number):
        at = bisect.bisect_right(self._ends, number)
        rest = number - (self._ends[at - 1] if at else 0)
        source, dtype, size, axes = self._strata[at]
        first, chosen = number - rest % len(axes[0]), []
        for axis in axes:
            rest, digit = divmod(rest, len(axis))
            chosen.append(axis[digit])
        configuration, *rest = chosen
        return Case(number, first, source, dtype, size, *rest, configuration)

    def any_case(self, rng):
        """One at random, each source, type and size alike often."""
        at = rng.randrange(len(self._ends))
        return self.case(rng.randrange(self._ends[at - 1] if at else 0, self._ends[at]))

    def walk(self, start):
        """All of them once, NEIGHBOURS together and these shuffled: one such run is a
        golden section of the whole from the next, so that what was covered is spread
        evenly at any time."""
        runs = -(-self.total // NEIGHBOURS)
        stride = round(runs * (math.sqrt(5) - 1) / 2)
        while math.gcd(stride, runs) != 1:
            stride += 1
        for step in range(runs):
            first = (start + step * stride) % runs * NEIGHBOURS
            for number in range(first, min(first + NEIGHBOURS, self.total)):
                yield self.case(number)

    def pairs(self):
        """How many pairs of settings there are in it."""
        found = set()
        for source, dtype, size, (configurations, *axes) in self._strata:
            names = ("elements", "policy", "reducers", "partners")
            axes = [[(name, value) for value in axis] for name, axis in zip(names, axes)]
            axes += [[("source", source)], [("dtype", dtype)], [("size", size)]]
            axes += [set(settings) for settings in
                     zip(*(vars(one).items() for one in configurations))]
            for left, right in itertools.combinations(axes, 2):
                found.update(map(frozenset, itertools.product(left, right)))
        return len(found)
