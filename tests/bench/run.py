#!/usr/bin/python3
"""Runs the benchmarks and prints one table; exit code 1 if a target is missed.

    tests/bench/run.py BUILD_DIRECTORY [--only NAME]... [--json]

What each row means and how noise is handled: README.md beside this file.
"""

import argparse
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from measures import GROUPS  # noqa: E402
from program import BenchError  # noqa: E402


def parse_words():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path,
                        help="where it was built with -DTALLY_BUILD_BENCH=ON")
    parser.add_argument("--only", action="append", choices=sorted(GROUPS),
                        help="this group of rows (may be given again)")
    parser.add_argument("--json", action="store_true", help="rows as JSON on stdout")
    return parser.parse_args()


def figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def as_text(row):
    sign = "≤" if row.at_most else "≥"
    measured = "-" if row.measured is None else figure(row.measured)
    return (f"{row.name:<18} {measured:>9} {sign} {figure(row.target):>7} "
            f"{row.unit:<16} {verdict(row):<7} {row.detail}")


def verdict(row):
    if row.measured is None:
        return "GAP"
    return "ok" if row.ok else "MISSED"


def as_object(row):
    return {"name": row.name, "measured": row.measured, "target": row.target,
            "unit": row.unit, "bound": "at_most" if row.at_most else "at_least",
            "ok": row.ok, "detail": row.detail}


def main():
    words = parse_words()
    build = words.build.resolve()
    os.environ["TALLY_BIN"] = str(build / "bin" / "tally")
    os.environ["TALLYD_BIN"] = str(build / "bin" / "tallyd")
    os.environ["TALLY_LIBRARY"] = str(build / "lib" / "libtally.so.0")
    os.environ["PYTHONPATH"] = str(HERE.parents[1] / "client" / "python")
    rows = []
    if not words.json:
        print(f"{'name':<18} {'measured':>9}   {'target':>7} {'':<16} {'':<7} figures",
              flush=True)
    for name in words.only or GROUPS:
        for row in GROUPS[name](build / "bench"):
            rows.append(row)
            if not words.json:
                print(as_text(row), flush=True)
    missed = [row.name for row in rows if not row.ok]  # what was not measured, too
    load = os.getloadavg()[0]
    if words.json:
        print(json.dumps({"rows": [as_object(row) for row in rows], "missed": missed,
                          "load_average": load}, indent=2, ensure_ascii=False))
    else:
        print(f"load average {load:.2f} on {len(os.sched_getaffinity(0))} cores; "
              + (f"missed: {', '.join(missed)}" if missed else "all targets hold"))
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, AssertionError, OSError) as error:
        sys.exit(f"bench: {error}")
