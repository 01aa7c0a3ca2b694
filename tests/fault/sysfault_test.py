#!/usr/bin/env python3
"""System calls fail in daemon, zygote and worker: exact results or typed errors.

A quiet run records every call site; then each fails once, in a daemon of its own, with
each error that is sensible for it. What was not reached in its second run (a matter of
timing) is counted and printed. SYSFAULT_SEED and SYSFAULT_ROUNDS set the random form,
SYSFAULT_ONLY="role call module+offset kind" replays one fault.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time
import unittest

from tally_daemon import TallyDaemon, wait_until

DEADLINE_S = 30
KINDS = {"recvmsg": ("EINTR", "EAGAIN", "ENOMEM"), "sendmsg": ("EINTR", "EAGAIN", "ENOMEM"),
         "accept": ("EINTR", "EAGAIN", "EMFILE", "ENOMEM"), "poll": ("EINTR", "ENOMEM"),
         "epoll_wait": ("EINTR",), "fork": ("EAGAIN", "ENOMEM"), "mmap": ("ENOMEM",),
         "memfd_create": ("EMFILE", "ENOMEM"), "pidfd_open": ("EMFILE", "ENOMEM"), "ftruncate": ("EINTR",),
         "socketpair": ("EMFILE", "ENOMEM"), "pread": ("EINTR", "SHORT")}
N = 200_000
RANGE_SUM = str(N * (N - 1) // 2)


def faulty_daemon(folder, **variables):
    """A daemon under the module; a script hands it on to the workers, whose environment
    is a clean one. Their sandbox is off: it would let the module open no file."""
    env = {"LD_PRELOAD": os.environ["SYSFAULT"],
           **{name: str(value) for name, value in variables.items()}}
    script = folder / "worker"
    worker = pathlib.Path(os.environ["TALLYD_BIN"]).with_name("tally-worker")
    script.write_text("#!/bin/sh\n" + "".join(f"export {name}='{value}'\n"
                                              for name, value in env.items()) +
                      f'exec "{worker}" "$@"\n')
    script.chmod(0o755)
    return TallyDaemon(env=env, pool=f'worker_program = "{script}"',
                       config='[sandbox]\nseccomp = "off"\nlandlock = "off"\n')


class SystemCallFaultTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tally-sysfault-")
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)
        self.text = self.folder / "numbers.txt"
        self.text.write_text("".join(f"{i}\n" for i in range(2000)))
        self.csv = self.folder / "numbers.csv"
        self.csv.write_text("a,b\n" + "".join(f"{i},{2 * i}\n" for i in range(2000)))

    def bag(self):
        """Words of a job, and the sum it must give."""
        return (
            (("--range", f"0:{N}", "--chunk", 50_000, "--path", "process"), RANGE_SUM),
            (("--range", f"0:{N}", "--path", "thread"), RANGE_SUM),
            (("--range", f"0:{N}", "--chunk", N), RANGE_SUM),
            ((str(self.text), "--path", "process"), str(1999000.0)),
            ((str(self.csv), "--column", "b", "--path", "process"), str(3998000.0)))

    def run_bag(self, daemon, must_be_exact):
        """Every job ends within its deadline, exactly or with a typed error."""
        typed = 0
        for words, right in self.bag():
            done = daemon.tally("run", "sum", *words, "--json", timeout=DEADLINE_S)
            if done.returncode == 0:
                (result,) = json.loads(done.stdout)["results"]
                self.assertEqual(str(result["value"]), right, words)
                continue
            typed += 1
            self.assertGreater(done.returncode, 0, done)  # no signal
            self.assertTrue(done.stdout or done.stderr, done)
            self.assertFalse(must_be_exact, f"{done}\n{daemon.log_text()}")
        return typed

    def sites(self):
        log = self.folder / "sites"
        with faulty_daemon(self.folder, SYSFAULT_LOG=log) as daemon:
            self.run_bag(daemon, must_be_exact=True)
            os.kill(daemon.whole_pool()[0]["pid"], 9)
            self.run_bag(daemon, must_be_exact=False)
            daemon.whole_pool()
        seen = {tuple(line.split()) for line in log.read_text().splitlines()}
        return sorted(site for site in seen if site[1] in KINDS)

    def one(self, number, fault):
        """True if the fault was injected."""
        spent = self.folder / f"spent-{number}"
        try:
            with faulty_daemon(self.folder, SYSFAULT_FAULT=fault,
                                         SYSFAULT_SPENT=spent) as daemon:
                self.run_bag(daemon, must_be_exact=False)
                daemon.whole_pool()
                if spent.exists():
                    self.run_bag(daemon, must_be_exact=True)
                if fault.startswith("zygote sendmsg"):  # no report is lost
                    self.assertEqual(daemon.status()["zygote"]["restarts"], 0)
        except AssertionError as error:
            # Start-up may fail for want of memory, if it says so.
            if spent.exists() and fault.endswith(("ENOMEM", "EMFILE")) and \
                    re.search(r"tallyd exited with [12]:\n.*tallyd: \S", str(error), re.S):
                self.refused.append(fault)
                return True
            raise
        return spent.exists()

    def test_every_call_site_fails_once(self):
        only = os.environ.get("SYSFAULT_ONLY")
        faults = [only] if only else [f"{role} {call} {site} {kind}"
                                      for role, call, site in self.sites()
                                      for kind in KINDS[call]]
        if not only:
            for role in ("daemon", "zygote", "worker"):
                self.assertTrue(any(f.startswith(role) for f in faults), faults)
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
        self.assertGreater(injected, len(faults) // 2)

    def test_faults_at_random(self):
        seed = int(os.environ.get("SYSFAULT_SEED", random.randrange(1 << 30)))
        print(f"SYSFAULT_SEED={seed}")
        armed = self.folder / "armed"
        with self.subTest(seed=seed), faulty_daemon(
                self.folder, SYSFAULT_RANDOM=f"{seed} 20",
                            SYSFAULT_SPENT=armed) as daemon:
            armed.touch()
            for _ in range(int(os.environ.get("SYSFAULT_ROUNDS", 10))):
                self.run_bag(daemon, must_be_exact=False)
            armed.unlink()
            wait_until(daemon.whole_pool, "a whole pool")
            self.run_bag(daemon, must_be_exact=True)


if __name__ == "__main__":
    unittest.main()
