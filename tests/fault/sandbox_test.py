#!/usr/bin/env python3
"""Kernels that leave their place: the sandbox ends them, and the error names the call."""

import os
import pathlib
import unittest

from jobs import range_job, range_sum, value_of
from kernels import error_of, kernel
from processes import SANITIZED
from tally_daemon import TallyDaemon, children_of, tally

CONFIG = f"""
[kernels]
files = ["{kernel('vandal')}", "{kernel('geomean')}"]
"""
SOURCE = ("--range", "0:131072", "--workers", 1)
SUM = 131072 * 131071 / 2
# What the kernel does, and the call of which it is told.
DENIED = {"socket": "socket", "open": "openat", "write": "openat", "mount": "mount",
          "ptrace": "ptrace", "exec": "execve", "peek": "process_vm_readv",
          "parent": "kill", "group": "kill", "defiantly": "rt_sigaction"}
if os.uname().machine == "x86_64":
    DENIED |= {"fork": "clone", "twin": "clone", "unlink": "unlink"}


def vandal(call, act):
    return ("run", f"vandal(call={call},act={act})", *SOURCE, "--json")


def status_fields(pid):
    text = pathlib.Path("/proc", str(pid), "status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


@unittest.skipIf(SANITIZED, "no sandbox in sanitizer builds, which the last test checks")
class SandboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon(workers=2, config=CONFIG)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.before = cls.daemon.status()

    def check(self, done, syscall):
        error = error_of(done)
        wanted = {"class": "worker_lost", "code": "worker_denied_call", "call": "update",
                  "kernel": "vandal", "syscall": syscall}
        self.assertEqual({name: error.get(name) for name in wanted}, wanted, error)
        return error

    def sound(self):
        self.daemon.whole_pool()
        status = self.daemon.status()
        for what in "pid", "zygote":
            self.assertEqual(status[what], self.before[what])
        self.assertEqual(value_of(self.daemon.json(*range_job())), range_sum())

    def test_status_says_what_holds_the_workers(self):
        self.assertIn("seccomp", self.before["sandbox"])
        self.assertIn(self.before["sandbox"], self.daemon.tally("status").stdout)

    def test_each_trespass_is_a_death_that_names_the_call(self):
        for act, syscall in DENIED.items():
            with self.subTest(act):
                error = self.check(self.daemon.tally(*vandal("update", act)), syscall)
                self.assertIn(f"system call {syscall}", error["message"])
                self.assertGreater(error["number"], 0)
                self.sound()
        self.assertFalse(pathlib.Path("/tmp/tally-vandal").exists())

    def test_embedded_too(self):
        done = tally(*vandal("update", "socket"), "--kernel", kernel("vandal"),
                     "--embedded", env=self.daemon.env)
        self.check(done, "socket")

    def test_a_call_made_with_signals_blocked_is_not_guessed(self):
        error = self.check(self.daemon.tally(*vandal("update", "quietly")), None)
        self.assertIn("unknown", error["message"])
        self.sound()

    def test_a_kernel_that_blocked_all_signals_does_not_hide_the_next(self):
        with TallyDaemon(workers=1, config=CONFIG) as daemon:
            daemon.json(*vandal("update", "surroundings"))
            # Its image is loaded in that worker, which takes the trap's help.
            answer = daemon.json("run", "geomean", "--range", "1:3")
            self.assertAlmostEqual(value_of(answer), 2 ** 0.5)
            self.check(daemon.tally(*vandal("update", "socket")), "socket")

    def test_threads_are_let(self):
        self.daemon.json(*vandal("update", "thread"))

    def test_threads_that_free_memory_are_let(self):
        # glibc reads /proc/sys/vm/overcommit_memory before it trims a thread's heap.
        answer = self.daemon.json(*vandal("update", "trim"))
        self.assertEqual((value_of(answer), answer["retries"]), (SUM, 0))

    def test_what_a_worker_is_born_with(self):
        env = {"SECRET_TOKEN": "swordfish", "LC_ALL": "C"}
        with TallyDaemon(workers=2, config=CONFIG, env=env) as daemon:
            for worker in daemon.whole_pool():
                proc = pathlib.Path("/proc", str(worker["pid"]))
                facts = status_fields(worker["pid"])
                self.assertEqual((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"))
                environment = (proc / "environ").read_bytes()
                self.assertNotIn(b"SECRET", environment)
                self.assertIn(b"LC_ALL=C", environment)
                limits = (proc / "limits").read_text().splitlines()
                core = next(line for line in limits if "core file" in line).split()
                # 1 where it was more: see sandbox_limits.cc.
                self.assertLessEqual(set(core[4:6]), {"0", "1"})
                # Its link, output and memory figures; nothing of the daemon's.
                names = sorted(os.readlink(fd).partition(":")[0].rpartition("/")[2]
                               for fd in (proc / "fd").iterdir())
                self.assertEqual(set(names) - {"memfd"},
                                 {"clear_refs", "null", "socket", "status"})
                self.assertEqual(len(names), 7, names)

    def test_landlock_alone_lets_no_file_be_opened(self):
        if "landlock" not in self.before["sandbox"].replace("no landlock", ""):
            self.skipTest("this kernel has no Landlock")
        config = CONFIG + '[sandbox]\nseccomp = "off"\n'
        with TallyDaemon(workers=1, config=config) as daemon:
            self.assertIn("no seccomp, landlock", daemon.status()["sandbox"])
            daemon.json(*vandal("update", "write"))
            self.assertFalse(pathlib.Path("/tmp/tally-vandal").exists())
            # Loading goes on to work.
            daemon.json("run", "geomean", "--range", "1:3")

    def test_off_is_off_and_said(self):
        config = CONFIG + '[sandbox]\nseccomp = "off"\nlandlock = "off"\n'
        with TallyDaemon(workers=1, config=config) as daemon:
            self.assertTrue(daemon.status()["sandbox"].startswith("off: "))
            daemon.json(*vandal("update", "socket"))
            zygote = daemon.status()["zygote"]["pid"]
            for pid in children_of(zygote):
                self.assertEqual(status_fields(pid)["Seccomp"], self.unfiltered())

    @staticmethod
    def unfiltered():
        return status_fields(os.getpid())["Seccomp"]


class SanitizedTest(unittest.TestCase):
    @unittest.skipUnless(SANITIZED, "of sanitizer builds")
    def test_a_sanitizer_build_says_that_it_has_none(self):
        with TallyDaemon(workers=1) as daemon:
            self.assertEqual(daemon.status()["sandbox"], "off: sanitizer build")


if __name__ == "__main__":
    unittest.main()
