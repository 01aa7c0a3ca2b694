#!/usr/bin/env python3
"""Canaries: what `tally status --health` and the service manager's watchdog are told."""

import json
import os
import pathlib
import select
import signal
import socket
import tempfile
import time
import unittest

import wire
from processes import Watched
from tally_daemon import TallyDaemon, wait_until

OFTEN = '[daemon]\ncanary = "500ms"\n'
FED_EVERY_S = 0.3
TEXT_PIPE = 'files = (format = 4, files = [(name = "-", descriptor = 0)])'
ENDLESS = ("run", "sum", "--range", "0:4000000000000", "--chunk", 1_000_000_000_000,
           "--path", "process")


def health(daemon):
    """Exit code and state by path."""
    done = daemon.tally("status", "--health", "--json")
    told = json.loads(done.stdout)
    return done.returncode, {p["path"]: p["state"] for p in told["health"]}


def settles(daemon, code, **states):
    wait_until(lambda: health(daemon) == (code, states), f"{code}, {states}")


class ServiceManager:
    """Stands in for systemd: a socket that sd_notify() sends to."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="tally-notify-")
        path = pathlib.Path(self._folder.name) / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.env = {"NOTIFY_SOCKET": path,
                    "WATCHDOG_USEC": int(3 * FED_EVERY_S * 1_000_000)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._folder.cleanup()

    def forget(self):
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(4096)

    def fed(self, patience_s):
        """How often, within the time."""
        times = 0
        end = time.monotonic() + patience_s
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self._socket], [], [], left)[0]:
                return times
            times += self._socket.recv(4096) == b"WATCHDOG=1"


class HealthTest(unittest.TestCase):
    def assert_fed(self, manager):
        manager.forget()
        self.assertGreaterEqual(manager.fed(6 * FED_EVERY_S), 3)

    def test_a_fresh_daemon_is_healthy_and_nobody_sees_its_canaries(self):
        with TallyDaemon(config=OFTEN) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            text = daemon.tally("status", "--health")
            self.assertEqual(text.returncode, 0)
            for path in "inline", "thread", "process":
                self.assertRegex(text.stdout, rf"(?m)^{path} +ok +answered .* ago, in ")
            status = daemon.status()
            first = {p["path"]: p["last_ok_ns"] for p in status["health"]}
            time.sleep(1.2)  # two canaries more
            status = daemon.status()
            for path in status["health"]:
                self.assertLess(path["last_ok_ns"], first[path["path"]] + 10**9)
            self.assertEqual(set(status["totals"].values()), {0})
            self.assertEqual(set(status["queue"].values()), {0})
            self.assertEqual([w["chunks_done"] for w in status["workers"]], [0, 0])
            self.assertEqual(daemon.json("jobs")["jobs"], [])
            self.assertTrue(daemon.json("run", "sum", "--range", "0:10")["job"]
                            .endswith("-1"))

    def test_a_wedged_path_is_named_and_the_watchdog_starves(self):
        with ServiceManager() as manager, \
                TallyDaemon(workers=1, config=OFTEN, env=manager.env) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            self.assert_fed(manager)
            status = daemon.status()
            stopped = [Watched(status["workers"][0]["pid"]),
                       Watched(status["zygote"]["pid"])]
            for process in stopped:
                process.kill(signal.SIGSTOP)
            settles(daemon, 1, inline="ok", thread="ok", process="wedged")
            why = r"a canary has had no answer for \d+ s, and for \d+ s nothing moved"
            self.assertRegex(daemon.tally("status", "--health").stdout,
                             r"(?m)^process +wedged +answered .*; " + why)
            self.assertRegex(daemon.tally("status").stdout,
                             r"(?m)^health +the process path is wedged: " + why)
            self.assertIn('tally_path_up{path="process"} 0',
                          daemon.tally("status", "--prometheus").stdout)
            self.assertRegex(daemon.status()["workers"][0]["doing"], r"^a canary, chunk 0")
            wait_until(lambda: "the watchdog is not fed, because the process path is "
                               "wedged: a canary" in daemon.log_text(), "the log says so")
            manager.forget()
            self.assertEqual(manager.fed(6 * FED_EVERY_S), 0)
            for process in stopped:
                process.kill(signal.SIGCONT)
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            self.assert_fed(manager)
            self.assertIn("canary: the process path is ok again", daemon.log_text())

    def test_workers_that_work_are_busy_not_wedged(self):
        with ServiceManager() as manager, \
                TallyDaemon(config=OFTEN, env=manager.env) as daemon:
            job = daemon.start_tally(*ENDLESS)
            settles(daemon, 0, inline="ok", thread="ok", process="busy")
            self.assertRegex(daemon.tally("status", "--health").stdout,
                             r"(?m)^process +busy .*a canary has waited \d+ s behind work")
            self.assertEqual(daemon.status()["queue"]["chunks_waiting"], 2)
            self.assert_fed(manager)
            self.assertNotIn("wedged", daemon.log_text())
            job.send_signal(signal.SIGINT)
            job.communicate(timeout=30)
            settles(daemon, 0, inline="ok", thread="ok", process="ok")

    def test_threads_that_wait_for_silent_pipes_are_busy_not_wedged(self):
        silent = [os.pipe() for _ in range(2)]
        self.addCleanup(lambda: [os.close(fd) for pipe in silent for fd in pipe])
        with ServiceManager() as manager, TallyDaemon(
                config=OFTEN + "[threads]\nmax = 2\n", env=manager.env) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            with wire.Session(daemon.socket) as session:
                for sequence, (reading, _) in enumerate(silent):
                    session.send(wire.frame(wire.submit(TEXT_PIPE), sequence, fd_count=1),
                                 (reading,))
                settles(daemon, 0, inline="ok", thread="busy", process="ok")
                time.sleep(6)  # longer than anything else may stand still
                settles(daemon, 0, inline="ok", thread="busy", process="ok")
                self.assertNotIn("wedged", daemon.log_text())
                self.assert_fed(manager)
            settles(daemon, 0, inline="ok", thread="ok", process="ok")

    def test_one_worker_that_is_stopped_is_not_the_path(self):
        with TallyDaemon(config=OFTEN) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            Watched(daemon.status()["workers"][0]["pid"]).kill(signal.SIGSTOP)
            wait_until(lambda: daemon.status()["workers"][0]["doing"], "it has a canary")
            end = time.monotonic() + 7
            while time.monotonic() < end:
                self.assertEqual(health(daemon)[0], 0)
                time.sleep(0.1)
            self.assertNotIn("wedged", daemon.log_text())

    def test_a_daemon_that_was_frozen_itself_does_not_take_its_paths_for_wedged(self):
        with ServiceManager() as manager, \
                TallyDaemon(workers=1, config=OFTEN, env=manager.env) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            worker = Watched(daemon.status()["workers"][0]["pid"])
            worker.kill(signal.SIGSTOP)
            wait_until(lambda: daemon.status()["workers"][0]["doing"], "it has a canary")
            itself = Watched(daemon.process.pid)
            itself.kill(signal.SIGSTOP)
            time.sleep(6)
            itself.kill(signal.SIGCONT)
            self.assertEqual(health(daemon)[0], 0)
            self.assert_fed(manager)
            worker.kill(signal.SIGCONT)
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            self.assertNotIn("wedged", daemon.log_text())

    def test_a_canary_that_ends_with_an_error_is_told(self):
        with TallyDaemon(config=OFTEN, fault="update:drop") as daemon:
            settles(daemon, 1, inline="ok", thread="ok", process="failed")
            self.assertRegex(daemon.tally("status", "--health").stdout,
                             r"(?m)^process +failed +never answered; a canary ended failed: ")
            self.assertRegex(daemon.log_text(), r"canary: the process path is failed: ")

    def test_a_pool_that_cannot_start_is_told_and_is_no_reason_for_a_restart(self):
        with ServiceManager() as manager, \
                TallyDaemon(config=OFTEN, fault="start:exit1", env=manager.env) as daemon:
            wait_until(lambda: daemon.status()["degraded"], "it is degraded")
            settles(daemon, 1, inline="ok", thread="ok", process="wedged")
            self.assertRegex(daemon.tally("status", "--health").stdout,
                             r"(?m)^workers +degraded +2 of 2 workers keep dying")
            self.assert_fed(manager)
            self.assertNotIn("watchdog is not fed", daemon.log_text())

    def test_without_canaries_nothing_is_known_and_the_watchdog_is_fed(self):
        with ServiceManager() as manager, \
                TallyDaemon(config='[daemon]\ncanary = "0s"\n', env=manager.env) as daemon:
            self.assertEqual(health(daemon),
                             (1, dict.fromkeys(("inline", "thread", "process"), "off")))
            self.assert_fed(manager)

    def test_a_drain_does_not_wait_for_canaries(self):
        with TallyDaemon(workers=1, config=OFTEN) as daemon:
            settles(daemon, 0, inline="ok", thread="ok", process="ok")
            Watched(daemon.status()["workers"][0]["pid"]).kill(signal.SIGSTOP)
            wait_until(lambda: daemon.status()["workers"][0]["doing"], "it has a canary")
            began = time.monotonic()
            daemon.stop()
            self.assertLess(time.monotonic() - began, 15)  # drain_timeout is 30 s


if __name__ == "__main__":
    unittest.main()
