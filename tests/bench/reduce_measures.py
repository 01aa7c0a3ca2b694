"""The measurements of reducing arrays, against plain reading and what else there is."""

import concurrent.futures
import math
import pathlib
import random
import shutil
import statistics
import tempfile
import time

from program import Program
from rows import MIB, Row, median_ratio, ms
from tally_daemon import TallyDaemon

PYTHON_BYTES = 1 << 30
REDUCE_ROUNDS = 9
REDUCE_BYTES = 1 << 30
REDUCE_WARM = 6  # jobs, until each worker has all of the array mapped


def gb_s(ns):
    return f"{REDUCE_BYTES / statistics.median(ns):.1f} GB/s"


def interleaved(program, names, rounds=REDUCE_ROUNDS):
    """Nanoseconds of each step, one after the other, so many times."""
    took = {name: [] for name in names}
    for _ in range(rounds):
        for name, ns in took.items():
            ns += program.step(name)
    return took


def reduced(bench, workers, data, names, env=None, file=()):
    """Nanoseconds of each of `names`, and of plain reading on as many threads."""
    reading = f"read{workers}"
    names = (reading, *names)
    with TallyDaemon(workers=workers, env=env) as daemon, \
            Program(bench / "reduce_bench", daemon.socket, REDUCE_BYTES, data,
                    *file) as tally:
        for name in names:
            tally.step(name, REDUCE_WARM)
        took = interleaved(tally, names)
    return took.pop(reading), took


def cached_npy(bench):
    target, unit = 0.25, "× reading"
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        free = shutil.disk_usage(folder).free
        if free < 2 * REDUCE_BYTES:
            return Row("reduce.npy", None, target, unit, False,
                       f"{folder} has {free / MIB:,.0f} MiB free, and the .npy takes "
                       f"{REDUCE_BYTES / MIB:,.0f}; set TMPDIR")
        reading, took = reduced(bench, 2, "normal", ("npy",),
                                file=(pathlib.Path(folder) / "elements.npy",))
    return Row("reduce.npy", median_ratio(reading, took["npy"]), target, unit, False,
               f"a .npy in the page cache, two workers, {gb_s(took['npy'])}; plain "
               f"reading of resident memory on 2 cores {gb_s(reading)}")


def fsum_ns(count):
    """How long math.fsum takes for each element, of exponents as wide apart as it bears."""
    numbers = random.Random(4)
    values = [math.ldexp(numbers.uniform(-1, 1), numbers.randrange(-1000, 960))
              for _ in range(count)]
    took = []
    for _ in range(3):
        start = time.monotonic_ns()
        math.fsum(values)
        took.append(time.monotonic_ns() - start)
    return statistics.median(took) / count


def resident_beside_input(daemon):
    """Bytes of daemon, zygote and workers, each shared page once; without shared memory."""
    total = 0
    status = daemon.status()
    pids = [status["pid"], status["zygote"]["pid"]] + [w["pid"] for w in status["workers"]]
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Pss_Anon:", "Pss_File:")):
                total += int(line.split()[1]) * 1024
    return total


def first_job(bench):
    """The one of an array that nobody has seen, and what such jobs take of memory."""
    with TallyDaemon(workers=2) as daemon, \
            Program(bench / "reduce_bench", daemon.socket, REDUCE_BYTES, "normal") as tally, \
            concurrent.futures.ThreadPoolExecutor(1) as beside:
        tally.step("read2", REDUCE_WARM)
        reading, first = interleaved(tally, ("read2", "first")).values()
        memory = []
        for name in ("first", "sum"):
            jobs = beside.submit(tally.step, name, REDUCE_WARM)
            while not jobs.done():
                memory.append(resident_beside_input(daemon))
            jobs.result()
    yield Row("reduce.first", median_ratio(reading, first), 0.25, "× reading", False,
              f"an array that nobody has seen, two workers, {gb_s(first)}; "
              f"plain reading on 2 cores {gb_s(reading)}")
    yield Row("reduce.memory", max(memory) / MIB, 20, "MiB", True,
              f"daemon, zygote and two workers beside 1 GiB that they reduce, at most, in "
              f"{len(memory)} looks")


def against_python(bench):
    here = pathlib.Path(__file__).parent
    names = ("numpy", "shared", "numpy5", "five")
    with TallyDaemon(workers=1) as daemon, \
            Program(here / "python_bench.py", daemon.socket, PYTHON_BYTES) as program:
        for name in names:
            program.step(name, REDUCE_WARM)
        took = interleaved(program, names)
    for row, target, peer, name, what in (
            ("reduce.numpy", 1.5, "numpy", "shared", "exact sum; numpy's sum"),
            ("reduce.numpy5", 8, "numpy5", "five",
             "sum, mean, var, min and max in one job; numpy's five calls")):
        yield Row(row, median_ratio(took[peer], took[name]), target, "× faster", False,
                  f"one worker, {ms(statistics.median(took[name]))} for {what} "
                  f"{ms(statistics.median(took[peer]))}")
    _, wide = reduced(bench, 1, "wide", ("sum",))
    ours = statistics.median(wide["sum"]) / (REDUCE_BYTES / 8)
    fsum = fsum_ns(1 << 20)
    yield Row("reduce.fsum", fsum / ours, 25, "× faster", False,
              f"an element of all exponents {ours:.2f} ns; math.fsum {fsum:.1f} ns")


def median_against_numpy():
    here = pathlib.Path(__file__).parent
    with TallyDaemon(workers=2) as daemon, \
            Program(here / "python_bench.py", daemon.socket, PYTHON_BYTES) as program:
        program.step("median", REDUCE_WARM)
        took = interleaved(program, ("npmedian", "median"), 3)  # numpy takes seconds
    return Row("reduce.median", median_ratio(took["npmedian"], took["median"]), 30,
               "× faster", False,
               f"two workers, {ms(statistics.median(took['median']))}; numpy's median "
               f"{ms(statistics.median(took['npmedian']))}")


def reduce(bench):
    def against_reading(row, target, workers, data, name):
        reading, took = reduced(bench, workers, data, (name,))
        return Row(row, median_ratio(reading, took[name]), target, "× reading", False,
                   f"{gb_s(took[name])}; plain reading on {workers} "
                   f"{'core' if workers == 1 else 'cores'} {gb_s(reading)}")
    yield against_reading("reduce.sum1", 0.75, 1, "normal", "sum")
    yield against_reading("reduce.sum2", 0.75, 2, "normal", "sum")
    yield against_reading("reduce.f32", 0.7, 1, "f32", "sum")
    yield against_reading("reduce.i64", 0.7, 1, "i64", "sum")
    yield against_reading("reduce.dot", 0.5, 1, "normal", "dot")
    yield against_reading("reduce.five", 0.6, 1, "normal", "sum,mean,var,min,max")
    for row, target, data, name, what in (
            ("reduce.wide", 8, "wide", "sum", "exact sum, all exponents alike"),
            ("reduce.histogram", 3, "normal", "histogram", "1,000 bins"),
            ("reduce.edges", 3, "normal", "edges", "999 bins between irregular edges")):
        reading, took = reduced(bench, 1, data, (name,))
        yield Row(row, REDUCE_BYTES / statistics.median(took[name]), target, "GB/s",
                  False, f"one worker, {what}; plain reading {gb_s(reading)}")
    yield from first_job(bench)
    yield cached_npy(bench)
    yield from against_python(bench)
    yield median_against_numpy()
    for row, target, level in (("reduce.avx2", 0.6, "avx2"), ("reduce.sse4", 0.3, "sse4")):
        reading, took = reduced(bench, 1, "normal", ("sum",), {"TALLY_SIMD": level})
        yield Row(row, median_ratio(reading, took["sum"]), target, "× reading", False,
                  f"exact sum, one worker, {gb_s(took['sum'])}; plain reading with all "
                  f"instructions {gb_s(reading)}")
