#!/usr/bin/env python3
"""System calls fail in daemon, zygote and worker: exact results or typed errors.

A quiet run records every call site. Then the first call of each site fails, and a later
one, in a daemon of its own, in each way that is sensible for it; then any fails at
random. Workers are in their sandbox. What was not reached (a matter of timing) is
counted and printed.

SYSFAULT_SEED is printed and replays what is random: the later calls, and the calls of
each site that fail (sysfault.c says what it cannot replay). SYSFAULT_ROUNDS is how long
the random form is. SYSFAULT_ONLY="role call site n kind" replays one fault.
"""

import json
import mmap
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import tempfile
import time
import typing
import unittest

from inputs import npy, packed
from kernels import kernel
from processes import descriptors_of
from tally_daemon import TallyDaemon, wait_until

DEADLINE_S = 30
PER_MILLE = 20
SEED = int(os.environ.get("SYSFAULT_SEED", random.randrange(1 << 30)))
N = 200_000
RANGE_SUM = N * (N - 1) // 2
PROCESS = ("--path", "process")


class Site(typing.NamedTuple):
    hash: int
    calls: int
    failed: int
    name: str  # role, call, return addresses
    kinds: tuple


class Board:
    """The file that sysfault.c maps: its Board."""

    SITE = struct.Struct("=QII204s36s")
    HEAD = struct.Struct("=II")
    SITES = 8192

    def __init__(self, folder):
        self.path = folder / "board"
        with open(self.path, "w+b") as file:
            file.truncate(self.HEAD.size + self.SITES * self.SITE.size)
            self._map = mmap.mmap(file.fileno(), 0)

    def arm(self, armed):
        self.HEAD.pack_into(self._map, 0, armed, 0)

    def sites(self):
        text = lambda field: field.rstrip(b"\0").decode()
        return sorted((Site(number, calls, failed, text(name), tuple(text(kinds).split(",")))
                       for number, calls, failed, name, kinds in
                       self.SITE.iter_unpack(self._map[self.HEAD.size:]) if number),
                      key=lambda site: site.name)

    def failed(self):
        return sum(site.failed for site in self.sites())


def picked(seed, site):
    """How many of its calls a random fault is for: what fault() in sysfault.c works out."""
    def mixed(value):
        for shift, factor in ((30, 0xbf58476d1ce4e5b9), (27, 0x94d049bb133111eb)):
            value = ((value ^ (value >> shift)) * factor) % (1 << 64)
        return value ^ (value >> 31)
    return sum(mixed(mixed(seed) ^ mixed((site.hash + n) % (1 << 64))) % 1000 < PER_MILLE
               for n in range(1, site.calls + 1))


def faulty_daemon(folder, workers=2, pool="", **variables):
    """A daemon under the module; a script hands it on to the workers, whose environment
    is a clean one."""
    env = {"LD_PRELOAD": os.environ["SYSFAULT"],
           **{name: str(value) for name, value in variables.items()}}
    script = folder / "worker"
    worker = pathlib.Path(os.environ["TALLYD_BIN"]).with_name("tally-worker")
    script.write_text("#!/bin/sh\n" + "".join(f"export {name}='{value}'\n"
                                              for name, value in env.items()) +
                      f'exec "{worker}" "$@"\n')
    script.chmod(0o755)
    return TallyDaemon(workers, env=env, pool=f'worker_program = "{script}"\n{pool}')


class SystemCallFaultTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"SYSFAULT_SEED={SEED}")
        scratch = tempfile.TemporaryDirectory(prefix="tally-sysfault-")
        cls.addClassCleanup(scratch.cleanup)
        cls.inputs = pathlib.Path(scratch.name)
        numbers = range(2000)
        for name, content in (
                ("numbers.txt", "".join(f"{i}\n" for i in numbers).encode()),
                ("table.csv", b"a,b\n" + b"".join(b"%d,%d\n" % (i, 2 * i) for i in numbers)),
                ("array.npy", npy(numbers, "i32")),
                ("one.f32", packed(numbers, "f32")), ("two.f32", packed(numbers, "f32"))):
            (cls.inputs / name).write_bytes(content)
        with TallyDaemon() as daemon:  # without the module
            cls.right = [cls.results_of(daemon, words) for words in cls.bag()]
        assert cls.right[0] == cls.right[1] == cls.right[2], cls.right
        assert int(cls.right[0][0]["value"]) == RANGE_SUM, cls.right

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tally-sysfault-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    @classmethod
    def bag(cls):
        """Jobs for each path and reader, and one with a kernel."""
        spread = ("--range", f"0:{N}")
        file = lambda name: str(cls.inputs / name)
        return (("sum", *spread, "--chunk", 50_000, *PROCESS),
                ("sum", *spread, "--path", "thread"),
                ("sum", *spread, "--chunk", N),
                ("sum,mean", file("numbers.txt"), *PROCESS),
                ("sum:a,max:b,mean:b", file("table.csv"), "--chunk", 4096, *PROCESS),
                ("argmax,min", file("array.npy"), "--path", "thread"),
                ("sum,count", file("one.f32"), file("two.f32"), *PROCESS),
                ("vandal", file("array.npy"), "--kernel", kernel("vandal"), *PROCESS))

    @staticmethod
    def results_of(daemon, words):
        return daemon.json("run", *words)["results"]

    def ask(self, daemon, words, must_be_exact=False):
        """What tally answers; None for a typed error."""
        done = daemon.tally(*words, "--json", timeout=DEADLINE_S)
        if done.returncode == 0:
            return json.loads(done.stdout)
        self.assertGreater(done.returncode, 0, done)  # no signal
        self.assertTrue(json.loads(done.stdout)["error"]["code"], done)
        self.assertFalse(must_be_exact, f"{done}\n{daemon.log_text()}")
        return None

    def run_bag(self, daemon, must_be_exact):
        """Every job ends within its deadline, exactly or with a typed error."""
        def tally(*words):
            return self.ask(daemon, words, must_be_exact)
        for words, right in zip(self.bag(), self.right):
            answer = tally("run", *words)
            if answer is not None:
                self.assertEqual(answer["results"], right, words)
        submitted = tally("submit", *self.bag()[0])
        if submitted is not None:
            answer = tally("wait", submitted["job"])
            if answer is not None:
                self.assertEqual(answer["results"], self.right[0])
        # It ends by itself in case the answer to its submission is lost.
        endless = tally("submit", "sum", "--range", "0:1e13", "--timeout", "5s", *PROCESS)
        if endless is not None:
            wait_until(lambda: self.is_cancelled(daemon, endless["job"]), "a cancellation")

    @staticmethod
    def is_cancelled(daemon, job):
        """Cancels it; an answer may be lost, and then it is no longer there to cancel."""
        done = daemon.tally("cancel", job, "--json", timeout=DEADLINE_S)
        return done.returncode == 0 or \
            json.loads(done.stdout)["error"]["code"] == "no_such_job"

    def whole_pool(self, daemon):
        """As the daemon's own; but the answer to any question may be lost."""
        def idle():
            status = self.ask(daemon, ("status",))
            workers = status["workers"] if status is not None else []
            return workers if workers and all(w["state"] == "idle" and w["pid"]
                                              for w in workers) else None
        return wait_until(idle, "all workers idle")

    def replace_worker(self, daemon):
        os.kill(self.whole_pool(daemon)[0]["pid"], signal.SIGKILL)
        self.run_bag(daemon, must_be_exact=False)
        self.whole_pool(daemon)

    def sites(self):
        board = Board(self.folder)
        with faulty_daemon(self.folder, SYSFAULT_BOARD=board.path) as daemon:
            self.run_bag(daemon, must_be_exact=True)
            self.replace_worker(daemon)
        return board.sites()

    def one(self, number, fault):
        """True if the fault was injected."""
        folder = self.folder / str(number)
        folder.mkdir()
        board = Board(folder)
        try:
            with faulty_daemon(folder, SYSFAULT_FAULT=fault,
                               SYSFAULT_BOARD=board.path) as daemon:
                self.run_bag(daemon, must_be_exact=False)
                self.whole_pool(daemon)
                if not board.failed():
                    self.replace_worker(daemon)
                if board.failed():
                    self.run_bag(daemon, must_be_exact=True)
                # No report is lost, and none ends the zygote.
                if fault.startswith(("zygote sendmsg", "daemon recvmsg_fds")):
                    self.assertEqual(daemon.status()["zygote"]["restarts"], 0)
        except AssertionError as error:
            # Start-up may fail for want of memory, if it says so.
            if board.failed() and fault.endswith(("ENOMEM", "EMFILE", "EAGAIN")) and \
                    re.search(r"tallyd exited with [12]:\n.*tallyd: \S", str(error), re.S):
                self.refused.append(fault)
                return True
            raise
        return board.failed() > 0

    def faults(self):
        """Each site's first call and a later one, in each way."""
        choice = random.Random(SEED)
        sites = self.sites()
        for role in ("daemon", "zygote", "worker"):
            self.assertTrue(any(site.name.startswith(role) for site in sites), sites)
        for site in sites:
            calls = [1]
            if site.calls > 1:  # not one of the last: the next run may have a few less
                calls.append(choice.randint(2, max(2, site.calls // 2)))
            for n in calls:
                for kind in site.kinds:
                    yield f"{site.name} {n} {kind}"

    def test_every_call_site_fails(self):
        only = os.environ.get("SYSFAULT_ONLY")
        faults = [only] if only else list(self.faults())
        injected = 0
        missed = []
        self.refused = []
        for number, fault in enumerate(faults):
            with self.subTest(fault=fault):
                began = time.monotonic()
                try:
                    if self.one(number, fault):
                        injected += 1
                    else:
                        missed.append(fault)
                except subprocess.TimeoutExpired as late:
                    self.fail(f"hangs: {late}")
                if os.environ.get("SYSFAULT_TIMES"):
                    print(f"{time.monotonic() - began:6.2f} s {fault}")
        print(f"{injected} of {len(faults)} faults injected; not reached: {missed}; "
              f"refused to start: {self.refused}")
        self.assertGreater(injected, len(faults) * 3 // 4)

    def test_faults_at_random(self):
        board = Board(self.folder)
        with self.subTest(seed=SEED), faulty_daemon(
                self.folder, SYSFAULT_RANDOM=f"{SEED} {PER_MILLE}",
                SYSFAULT_BOARD=board.path) as daemon:
            self.run_bag(daemon, must_be_exact=True)
            self.whole_pool(daemon)
            before = descriptors_of(daemon.process.pid)
            board.arm(True)
            for _ in range(int(os.environ.get("SYSFAULT_ROUNDS", 10))):
                self.run_bag(daemon, must_be_exact=False)
            board.arm(False)
            self.whole_pool(daemon)
            self.run_bag(daemon, must_be_exact=True)
            wait_until(lambda: descriptors_of(daemon.process.pid) <= before,
                       "as many descriptors as before the faults")
        sites = board.sites()
        print(f"{board.failed()} of {sum(site.calls for site in sites)} calls failed at "
              f"{sum(site.failed > 0 for site in sites)} of {len(sites)} sites")
        self.assertGreater(board.failed(), 0)
        for site in sites:  # those that the seed says, and no other
            self.assertEqual(site.failed, picked(SEED, site), site)


if __name__ == "__main__":
    unittest.main()
