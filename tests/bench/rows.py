"""A row of the table, and what figures are made of."""

import dataclasses
import statistics

MIB = 1024 * 1024


@dataclasses.dataclass
class Row:
    """One line of the table. `at_most`: the target is an upper bound, else a lower."""

    name: str
    measured: float | None  # None: could not be measured here
    target: float
    unit: str
    at_most: bool
    detail: str  # the figures behind it, the peer's among them, or why there is none

    @property
    def ok(self):
        if self.measured is None:
            return False
        if self.at_most:
            return self.measured <= self.target
        return self.measured >= self.target


def percentile(values, percent):
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


def median_ratio(over, under):
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def us(nanoseconds):
    return f"{nanoseconds / 1e3:.1f} µs"


def ms(nanoseconds):
    return f"{nanoseconds / 1e6:.1f} ms"
