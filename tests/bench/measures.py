"""The measurements: each group gives rows of the table.

Figures that are ratios are taken in interleaved rounds, tally and peer in turn, one
ratio a round; the row is the median of the ratios. README.md says why.
"""

import array
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

from program import BenchError, Program
from reduce_measures import PYTHON_BYTES, reduce
from rows import MIB, Row, median_ratio, ms, percentile, us
from tally_daemon import TallyDaemon, program as path_of

WORKERS = 2

RANGE_STOP = 500_000_000
RANGE_ROUNDS = 9
RANGE_RUNS = 7  # in a round; their median is the round's time

ROUNDTRIP_ROUNDS = 64
ROUNDTRIP_STARTS = 8  # fresh daemons and clients that the rounds are shared out to
ROUNDTRIPS = 200  # in a block
POOL_ROUNDTRIPS = 100
PATHS = {"inline": 1.25, "thread": 2.0, "process": 2.8}  # most times a ping-pong

THROUGHPUT_ROUNDS = 5
THROUGHPUT_JOBS = 200_000
THROUGHPUTS = {"inline": 1_000_000, "process": 300_000}  # least jobs a second

LOST_WORKERS = 300
LOST_ZYGOTES = 100

LOST_ROUNDS = 7
LOST_NS = 2e9  # what the job takes that loses a worker
LOST_TRIAL = 20_000_000_000  # elements, to learn how many that is

CANCELS = 200

HOUR_NS = 3600e9
NEIGHBOUR = 65533  # a uid, nobody's
NEIGHBOUR_JOBS = 200
NEIGHBOUR_CONFIG = f"""
[daemon]
socket_mode = "0666"
[access]
users = [{NEIGHBOUR}]
"""

QUEUE_ROUNDS = 5
QUEUE_BLOCKS = 20
QUEUE_JOBS = 5_000  # in a block

HINT_ROUNDS = 5
HINT_FILES = 64
HINT_DOUBLES = 64 * 1024  # in a file

STARTS = 10

CLIENTS = 8
CLIENTS_ROUNDS = 5
CLIENTS_JOBS = 5_000  # of each client

PIPE_ROUNDS = 5
PIPE_NUMBERS = 5_000_000

FIFOS = 64
FIFO_ROUNDS = 3
FIFO_STEPS = 64  # in a second, 16 KiB each

KERNEL_ROUNDS = 9
KERNEL_ELEMENTS = 1 << 27  # 1 GiB of doubles
KERNEL_JOBS = 10_000
KERNEL_SINGLES = 400

LOCK_ROUNDS = 25
LOCK_TURNS = 100_000  # in a step
PYTHON_ROUNDS = 64
PYTHON_RUNS = 100  # in a round
PYTHON_SUM_ROUNDS = 9

COMMAND_RUNS = 40
LOADS = 40


def range_sum(bench):
    tally_ns, tbb_ns = [], []
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "tbb_range_sum", RANGE_STOP) as tbb, \
            Program(bench / "range_sum_bench", daemon.socket, RANGE_STOP) as tally:
        for program in (tally, tbb):
            program.step("sum", RANGE_RUNS)  # warm
        for _ in range(RANGE_ROUNDS):
            tally_ns.append(statistics.median(tally.step("sum", RANGE_RUNS)))
            tbb_ns.append(statistics.median(tbb.step("sum", RANGE_RUNS)))
    yield Row("range_sum", median_ratio(tally_ns, tbb_ns), 0.6, "× oneTBB", True,
              f"{ms(statistics.median(tally_ns))}; "
              f"oneTBB {ms(statistics.median(tbb_ns))}")


def roundtrip(bench):
    samples = {path: [] for path in PATHS}  # all, for the p99
    p50 = {path: [] for path in PATHS}      # of each block
    pingpong = {path: [] for path in PATHS}  # p50 of the block just before
    pool_p50 = []
    here = pathlib.Path(__file__).parent
    # Where the kernel puts processes decides a wake-up's cost, and stays so for their
    # life: one start is one throw of the dice, for the ping-pong as for us.
    with Program(here / "peers" / "process_pool.py") as pool:
        pool.step("add", POOL_ROUNDTRIPS)
        for _ in range(ROUNDTRIP_STARTS):
            with TallyDaemon(workers=WORKERS) as daemon, \
                    Program(bench / "roundtrip_bench", daemon.socket) as tally:
                for name in ("pingpong", *PATHS):
                    tally.step(name, ROUNDTRIPS)  # warm
                for _ in range(ROUNDTRIP_ROUNDS // ROUNDTRIP_STARTS):
                    for path in PATHS:
                        ping = tally.step("pingpong", ROUNDTRIPS)
                        block = tally.step(path, ROUNDTRIPS)
                        pingpong[path].append(percentile(ping, 50))
                        samples[path] += block
                        p50[path].append(percentile(block, 50))
                    pool_p50.append(percentile(pool.step("add", POOL_ROUNDTRIPS), 50))
    for path, target in PATHS.items():
        ping = statistics.median(pingpong[path])
        yield Row(f"roundtrip.{path}", median_ratio(p50[path], pingpong[path]), target,
                  "× ping-pong", True,
                  f"p50 {us(percentile(samples[path], 50))}, "
                  f"p99 {us(percentile(samples[path], 99))}; ping-pong p50 {us(ping)}")
    ping = statistics.median(pingpong["process"])
    yield Row("roundtrip.p99", percentile(samples["process"], 99) / ping, 8,
              "× ping-pong", True,
              f"process path: p99 {us(percentile(samples['process'], 99))} of "
              f"{len(samples['process']):,}; ping-pong p50 {us(ping)}")
    yield Row("roundtrip.pool", median_ratio(p50["process"], pool_p50), 1 / 3,
              "× Python's pool", True,
              f"p50 {us(percentile(samples['process'], 50))}; "
              f"ProcessPoolExecutor p50 {us(statistics.median(pool_p50))}")


def embed(bench):
    ratios, inline, pingpong = [], [], []
    for _ in range(ROUNDTRIP_STARTS):
        with Program(bench / "embed_bench", bench.parent / "bin" / "tally-worker") as tally:
            for name in ("pingpong", "inline"):
                tally.step(name, ROUNDTRIPS)  # warm
            for _ in range(ROUNDTRIP_ROUNDS // ROUNDTRIP_STARTS):
                ping = tally.step("pingpong", ROUNDTRIPS)
                block = tally.step("inline", ROUNDTRIPS)
                ratios.append(percentile(block, 50) / percentile(ping, 50))
                pingpong += ping
                inline += block
    yield Row("embed.inline", statistics.median(ratios), 1.5, "× ping-pong of threads",
              True, f"p50 {us(percentile(inline, 50))}, p99 {us(percentile(inline, 99))}; "
              f"ping-pong p50 {us(percentile(pingpong, 50))}")


def throughput(bench):
    rates = {path: [] for path in THROUGHPUTS}
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "throughput_bench", daemon.socket,
                    THROUGHPUT_JOBS) as tally:
        for path in THROUGHPUTS:
            tally.step(path)  # warm
        for _ in range(THROUGHPUT_ROUNDS):
            for path in THROUGHPUTS:
                rates[path].append(THROUGHPUT_JOBS / (tally.step(path)[0] / 1e9))
    for path, target in THROUGHPUTS.items():
        yield Row(f"throughput.{path}", statistics.median(rates[path]), target, "jobs/s",
                  False, f"{min(rates[path]):,.0f} to {max(rates[path]):,.0f}; "
                  f"{THROUGHPUT_ROUNDS} × {THROUGHPUT_JOBS:,} jobs, 256 in flight")


def p99_row(name, took_ns, target_ms, detail):
    return Row(name, percentile(took_ns, 99) / 1e6, target_ms, "ms", True,
               f"p99 of {len(took_ns)}, p50 {ms(percentile(took_ns, 50))}, longest "
               f"{ms(max(took_ns))}; {detail}")


def recovery(bench):
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "recovery_bench", daemon.socket) as tally:
        workers = tally.step("worker", LOST_WORKERS)
        zygotes = tally.step("zygote", LOST_ZYGOTES)
    yield p99_row("recovery.worker", workers, 5, "SIGKILL of a worker to the next one idle")
    yield p99_row("recovery.zygote", zygotes, 20,
                  f"SIGKILL of the zygote to {WORKERS} new workers idle")


def lost_worker(bench):
    program = bench / "lost_worker_bench"
    quiet_ns, lost_ns = [], []
    with TallyDaemon(workers=WORKERS) as daemon:
        with Program(program, daemon.socket, LOST_TRIAL) as trial:
            trial.step("quiet")  # warm
            elements = int(LOST_TRIAL * LOST_NS / statistics.median(trial.step("quiet", 5)))
        with Program(program, daemon.socket, elements) as tally:
            for _ in range(LOST_ROUNDS):
                quiet_ns += tally.step("quiet")
                lost_ns += tally.step("lost")
    yield Row("lost_worker", median_ratio(lost_ns, quiet_ns), 1.05, "× undisturbed", True,
              f"{ms(statistics.median(lost_ns))} with one of {WORKERS} workers killed in "
              f"the middle; undisturbed {ms(statistics.median(quiet_ns))}")


def cancel(bench):
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "cancel_bench", daemon.socket) as tally:
        for path in ("process", "thread"):
            yield p99_row(f"cancel.{path}", tally.step(path, CANCELS), 10,
                          "cancel of a running job to its answer and all free")


def neighbour(bench):
    paths = ("process", "inline")
    names = {path: f"neighbour.{path}" for path in paths}
    unit = "ms over chunk"
    if os.geteuid() != 0:
        for path in paths:
            yield Row(names[path], None, 2, unit, True, "needs root, to be two users")
        return
    with TallyDaemon(workers=WORKERS, config=NEIGHBOUR_CONFIG) as daemon:
        daemon.folder.chmod(0o711)
        with Program(bench / "lost_worker_bench", daemon.socket, LOST_TRIAL) as trial:
            trial.step("quiet")  # warm
            elements = int(LOST_TRIAL * HOUR_NS / statistics.median(trial.step("quiet", 5)))
        with Program(bench / "neighbour_bench", daemon.socket, elements,
                     NEIGHBOUR) as tally:
            took = {path: tally.step(path, NEIGHBOUR_JOBS) for path in paths}
            chunk_ns = tally.step("chunk")[0]
    for path in paths:
        p99 = percentile(took[path], 99)
        yield Row(names[path], (p99 - chunk_ns) / 1e6, 2, unit, True,
                  f"p99 of {NEIGHBOUR_JOBS} {ms(p99)}, p50 "
                  f"{ms(percentile(took[path], 50))}; a chunk of the hour-long job "
                  f"{ms(chunk_ns)}")


def queue(bench):
    extra, ratios, rates = [], [], []
    jobs = QUEUE_BLOCKS * QUEUE_JOBS
    for _ in range(QUEUE_ROUNDS):
        with TallyDaemon(workers=WORKERS, config=f"[limits]\njobs = {2 * jobs}") as daemon, \
                Program(bench / "queue_bench", daemon.socket, QUEUE_BLOCKS,
                        QUEUE_JOBS) as tally:
            bytes_each, *blocks_ns = tally.step("fill")
        extra.append(bytes_each)
        ratios.append(blocks_ns[0] / blocks_ns[-1])
        rates += [QUEUE_JOBS / (ns / 1e9) for ns in (blocks_ns[0], blocks_ns[-1])]
    yield Row("queue.bytes", max(extra), 1024, "bytes a job", True,
              f"of the daemon's memory, beyond the spec; largest of {QUEUE_ROUNDS}, "
              f"{jobs:,} jobs queued")
    yield Row("queue.rate", statistics.median(ratios), 0.8, "× the first", False,
              f"submits a second: the first {QUEUE_JOBS:,} "
              f"{statistics.median(rates[::2]):,.0f}, the last "
              f"{statistics.median(rates[1::2]):,.0f} of {jobs:,}")


def clients(bench):
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "clients_bench", daemon.socket, CLIENTS,
                    CLIENTS_JOBS) as tally:
        tally.step("jobs")  # warm
        rates = [CLIENTS * CLIENTS_JOBS / (tally.step("jobs")[0] / 1e9)
                 for _ in range(CLIENTS_ROUNDS)]
    yield Row("clients", statistics.median(rates), 20_000, "jobs/s", False,
              f"{min(rates):,.0f} to {max(rates):,.0f}; {CLIENTS} serial clients, "
              "process path")


def command_ns(env, *words):
    """How long `tally run` of one element takes, from spawn to its end."""
    name = path_of("TALLY_BIN")
    words = [name, "run", "sum", "--values", "41.5", "--json", *words]
    ours, its = os.pipe()
    try:
        start = time.monotonic_ns()
        pid = os.posix_spawn(name, words, env,
                             file_actions=[(os.POSIX_SPAWN_DUP2, its, 1)])
        status = os.waitpid(pid, 0)[1]
        took = time.monotonic_ns() - start
        answer = json.loads(os.read(ours, 1 << 16)) if status == 0 else None
    finally:
        os.close(ours)
        os.close(its)
    if answer is None or answer["results"][0]["value"] != 41.5:
        raise BenchError(f"tally run: status {status}, answer {answer}")
    return took


def command(_):
    with TallyDaemon(workers=WORKERS) as daemon:
        commands = {"daemon": (15, daemon.env, ()),
                    "embedded": (40, daemon.env,
                                 ("--embedded",))}
        for name, (target, env, words) in commands.items():
            command_ns(env, *words)  # warm
            took = [command_ns(env, *words) for _ in range(COMMAND_RUNS)]
            yield Row(f"command.{name}", statistics.median(took) / 1e6, target, "ms",
                      True, f"{ms(min(took))} to {ms(max(took))}; a job of one element, "
                      "from spawn to exit")


def load(bench):
    library = bench.parent / "lib" / "libtally.so"
    with Program(bench / "load_bench", library) as program:
        program.step("load")  # warm: the files are in the page cache
        took = program.step("load", LOADS)
    yield Row("load", statistics.median(took) / 1e6, 5, "ms", True,
              f"{ms(min(took))} to {ms(max(took))}; dlopen of libtally.so in a C program")


def write_files(folder):
    """Raw doubles; their names, and their correctly rounded sum."""
    numbers = random.Random(1)
    names, everything = [], array.array("d")
    for number in range(HINT_FILES):
        doubles = array.array("d", (numbers.gauss(100, 15)
                                    for _ in range(HINT_DOUBLES)))
        names.append(pathlib.Path(folder, f"{number}.f64"))
        names[-1].write_bytes(doubles.tobytes())
        everything += doubles
    return names, math.fsum(everything)


def piped_ns(file, env, *words):
    """How long `cat FILE | words` takes, and what it printed."""
    start = time.monotonic_ns()
    with subprocess.Popen(["cat", file], stdout=subprocess.PIPE) as cat:
        done = subprocess.run(words, stdin=cat.stdout, stdout=subprocess.PIPE, env=env,
                              check=True, text=True)
    return time.monotonic_ns() - start, done.stdout.strip()


def pipe(_):
    tally_ns, datamash_ns = [], []
    numbers = random.Random(2)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder, \
            TallyDaemon(workers=WORKERS) as daemon:
        file = pathlib.Path(folder, "numbers.txt")
        values = [round(numbers.uniform(0, 1000), 3) for _ in range(PIPE_NUMBERS)]
        file.write_text("".join(f"{value}\n" for value in values))
        total = math.fsum(values)
        for _ in range(PIPE_ROUNDS):
            took, answer = piped_ns(file, daemon.env, path_of("TALLY_BIN"), "run", "sum",
                                    "-", "--quiet")
            if float(answer) != total:
                raise BenchError(f"tally: {answer}, and not {total}")
            tally_ns.append(took)
            took, answer = piped_ns(file, daemon.env, "datamash", "sum", "1")
            if not math.isclose(float(answer), total, rel_tol=1e-9):
                raise BenchError(f"datamash: {answer}, and not {total}")
            datamash_ns.append(took)
    yield Row("pipe", median_ratio(datamash_ns, tally_ns), 3, "× faster", False,
              f"cat | tally {ms(statistics.median(tally_ns))}; "
              f"cat | datamash {ms(statistics.median(datamash_ns))}; "
              f"{PIPE_NUMBERS:,} numbers")


def fifo_round_ns(folder, env):
    """From the first byte to the answer: each FIFO is fed 1 MiB over a second."""
    paths = [pathlib.Path(folder, f"{number}.u8") for number in range(FIFOS)]
    for path in paths:
        os.mkfifo(path)
    with subprocess.Popen([path_of("TALLY_BIN"), "run", "sum", "-q", *paths], env=env,
                          stdout=subprocess.PIPE) as tally:
        ends = [os.open(path, os.O_WRONLY) for path in paths]
        block = bytes(range(256)) * 64
        start = time.monotonic_ns()
        for step in range(FIFO_STEPS):
            for end in ends:
                os.write(end, block)
            left = start + (step + 1) * 1e9 / FIFO_STEPS - time.monotonic_ns()
            time.sleep(max(left, 0) / 1e9)
        for end in ends:
            os.close(end)
        answer = tally.stdout.read()
        took = time.monotonic_ns() - start
    if int(answer) != sum(block) * FIFO_STEPS * FIFOS:
        raise BenchError(f"the sum over the FIFOs is {answer}")
    for path in paths:
        path.unlink()
    return took


def fifos(_):
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder, \
            TallyDaemon(workers=WORKERS) as daemon:
        took = [fifo_round_ns(folder, daemon.env) for _ in range(FIFO_ROUNDS)]
    yield Row("fifos", max(took) / 1e9, 1.5, "s", True,
              f"longest of {FIFO_ROUNDS}; {FIFOS} FIFOs, each fed 1 MiB over a second")


def python_run(program, pool):
    run_ns, pool_ns = [], []
    for _ in range(PYTHON_ROUNDS):
        pool_ns.append(percentile(pool.step("add", PYTHON_RUNS), 50))
        run_ns.append(percentile(program.step("run", PYTHON_RUNS), 50))
    return Row("python.run", median_ratio(run_ns, pool_ns), 0.5, "× pool", True,
               f"p50 {us(statistics.median(run_ns))}; "
               f"ProcessPoolExecutor {us(statistics.median(pool_ns))}")


def python(bench):
    here = pathlib.Path(__file__).parent
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(here / "python_bench.py", daemon.socket, PYTHON_BYTES) as program:
        with Program(here / "peers" / "process_pool.py") as pool:
            pool.step("add", PYTHON_RUNS)
            program.step("run", PYTHON_RUNS)
            yield python_run(program, pool)
        numpy_ns = []
        took = {"sum": [], "shared": []}
        for way in took:
            program.step(way)  # warm: the array is made
        for _ in range(PYTHON_SUM_ROUNDS):
            numpy_ns += program.step("numpy")
            for way, ns in took.items():
                ns += program.step(way)
        for way, target in (("sum", 2), ("shared", 2)):
            yield Row(f"python.{way}", median_ratio(took[way], numpy_ns), target,
                      "× numpy", True, f"{ms(statistics.median(took[way]))}; "
                      f"numpy {ms(statistics.median(numpy_ns))}; 1 GiB of doubles")


def hint(bench):
    cpu_ns, io_ns = [], []
    shim = {"LD_PRELOAD": bench.parent / "tests" / "slow_pread.so"}
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        names, total = write_files(folder)
        with TallyDaemon(workers=WORKERS, env=shim) as daemon, \
                Program(bench / "hint_bench", daemon.socket, total.hex(),
                        *names) as tally:
            tally.step("io")  # warm; `cpu` has its workers
            for _ in range(HINT_ROUNDS):
                cpu_ns += tally.step("cpu")
                io_ns += tally.step("io")
    yield Row("hint", median_ratio(cpu_ns, io_ns), 10, "× faster", False,
              f"--hint io {ms(statistics.median(io_ns))}; "
              f"--hint cpu {ms(statistics.median(cpu_ns))}")


def idle(bench):
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        config = pathlib.Path(folder, "tallyd.toml")
        config.write_text(f'[pool]\nworkers = {WORKERS}\n\n[log]\nlevel = "warn"\n')
        with Program(bench / "start_bench", path_of("TALLYD_BIN"), config,
                     pathlib.Path(folder, "tally.sock")) as program:
            program.step("start")  # warm: the programs are in the page cache
            starts = [program.step("start") for _ in range(STARTS)]
    start_ns, rss, dirty = zip(*starts, strict=True)
    of = f"of {STARTS} starts"
    yield Row("idle.daemon_rss", max(rss) / MIB, 8, "MiB", True,
              f"largest {of}; least {min(rss) / MIB:.2f} MiB")
    yield Row("idle.worker_dirty", max(dirty) / 1024, 200, "KiB", True,
              f"largest of both workers {of}; least {min(dirty) / 1024:.0f} KiB")
    yield Row("idle.ready", percentile(start_ns, 50) / 1e6, 50, "ms", True,
              f"p50 {of}; {ms(min(start_ns))} to {ms(max(start_ns))}")


def sync(bench):
    here = pathlib.Path(__file__).parent
    ours, pythons = ("lock", "mutex", "named"), ("multiprocessing",
                                                 "multiprocessing.calls", "threading")
    took = {name: [] for name in ours + pythons}
    with Program(here / "peers" / "locks.py", LOCK_TURNS) as python, \
            Program(bench / "sync_bench", LOCK_TURNS) as tally:
        steps = [(tally, name) for name in ours] + [(python, name) for name in pythons]
        for program, name in steps:
            program.step(name)  # warm
        for _ in range(LOCK_ROUNDS):
            for program, name in steps:
                took[name] += program.step(name)
    ns = {name: statistics.median(took[name]) / LOCK_TURNS for name in took}
    yield Row("sync.lock_mp", median_ratio(took["multiprocessing"], took["lock"]), 10,
              "× faster", False,
              f"uncontended Lock {ns['lock']:.1f} ns, by name {ns['named']:.1f} ns; "
              f"multiprocessing.Lock, with: {ns['multiprocessing']:.0f} ns (its calls "
              f"{ns['multiprocessing.calls']:.0f} ns), threading.Lock "
              f"{ns['threading']:.0f} ns")
    yield Row("sync.lock_mutex", median_ratio(took["lock"], took["mutex"]), 2,
              "× std::mutex", True, f"{ns['lock']:.1f} ns; std::mutex {ns['mutex']:.1f} ns")


def kernel(bench):
    took = {name: [] for name in ("builtin", "kernel", "loop")}
    with TallyDaemon(workers=WORKERS) as daemon, \
            Program(bench / "kernel_bench", daemon.socket, bench / "csum.so",
                    KERNEL_ELEMENTS, KERNEL_JOBS) as tally:
        for name in took:
            tally.step(name)  # warm
        for _ in range(KERNEL_ROUNDS):
            for name in took:
                took[name] += tally.step(name)
        tally.step("jobs")  # warm
        rates = [KERNEL_JOBS / (tally.step("jobs")[0] / 1e9) for _ in range(5)]
        single = percentile(tally.step("job", KERNEL_SINGLES), 50)
    rate = {name: f"{8 * KERNEL_ELEMENTS / statistics.median(ns):.1f} GB/s"
            for name, ns in took.items()}
    figures = (f"1 GiB shared: plainsum {rate['kernel']}, built-in sum (exact) "
               f"{rate['builtin']}; the bare loop over mapped memory {rate['loop']}")
    yield Row("kernel.sum", median_ratio(took["builtin"], took["kernel"]), 0.8,
              "× built-in sum", False, figures)
    yield Row("kernel.read", median_ratio(took["loop"], took["kernel"]), 0.8,
              "× the bare loop", False, figures)
    yield Row("kernel.loaded", statistics.median(rates), 20_000, "jobs/s", False,
              f"{min(rates):,.0f} to {max(rates):,.0f}; 5 × {KERNEL_JOBS:,} jobs, 256 in "
              f"flight; one alone p50 {us(single)}")


GROUPS = {"range_sum": range_sum, "roundtrip": roundtrip, "embed": embed, "throughput": throughput,
          "clients": clients, "recovery": recovery, "lost_worker": lost_worker,
          "cancel": cancel, "neighbour": neighbour, "queue": queue, "command": command,
          "load": load, "pipe": pipe, "fifos": fifos, "python": python,
          "hint": hint, "idle": idle, "sync": sync, "kernel": kernel,
          "reduce": reduce}
