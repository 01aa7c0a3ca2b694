#!/usr/bin/env python3
"""What it takes to stop a job that is cancelled or whose time is up, and what its answer
says of that: nothing, its cancel flag, SIGTERM, SIGKILL, or no means at all."""

import json
import pathlib
import signal
import time
import unittest

from jobs import held_worker, range_job, range_sum, value_of
from processes import Watched, slow_pread
from tally_daemon import TallyDaemon, wait_until

MOST_S = 3  # that an answer waits for what runs of its job


class StoppingTest(unittest.TestCase):
    def cancelled(self, daemon, job):
        """The answer of a job that `tally run` waits for, cancelled now."""
        begun = time.monotonic()
        self.assertEqual(daemon.tally("cancel", self.job_id(daemon)).returncode, 0)
        self.assertLess(time.monotonic() - begun, MOST_S + 2)
        return self.answer_of(job, "cancelled", 6)

    def job_id(self, daemon):
        def running():
            jobs = [j for j in daemon.json("jobs")["jobs"] if j["state"] == "running"]
            return jobs[0]["job"] if len(jobs) == 1 else None
        return wait_until(running, "one job runs")

    def answer_of(self, job, state, code):
        out, err = job.communicate(timeout=30)
        self.assertEqual(job.returncode, code, err)
        answer = json.loads(out)
        self.assertEqual(answer["state"], state)
        return answer["stopped"]

    def test_what_never_began_was_not_started(self):
        with TallyDaemon(workers=1, fault="update:hang:chunk=3:attempt=1") as daemon:
            holder = daemon.start_tally(*range_job(), "--json")
            wait_until(lambda: daemon.status()["queue"]["chunks_waiting"] == 4,
                       "the worker is held by the first job")
            waiting = daemon.json("submit", *range_job(2)[1:])["job"]
            self.assertEqual(daemon.tally("cancel", waiting).returncode, 0)
            answer = daemon.json("show", waiting)
            self.assertEqual(answer["state"], "cancelled")
            self.assertEqual(answer["stopped"]["how"], "not_started")
            self.assertLess(answer["stopped"]["took_ns"], 50_000_000)
            self.assertRegex(daemon.tally("show", waiting).stdout,
                             r"stopped +nothing of it had begun")
            (worker,) = daemon.status()["workers"]
            Watched(worker["pid"]).kill()
            out, err = holder.communicate(timeout=30)
            self.assertEqual(value_of(json.loads(out)), range_sum(), err)

    def test_a_worker_that_looks_at_its_flag_stops_by_it(self):
        with TallyDaemon() as daemon:
            before = {w["pid"] for w in daemon.whole_pool()}
            job = daemon.start_tally("run", "sum", "--range", f"0:{10**15}", "--chunk",
                                     10**12, "--path", "process", "--json")
            stopped = self.cancelled(daemon, job)
            self.assertEqual(stopped["how"], "cooperative")
            self.assertEqual({w["pid"] for w in daemon.whole_pool()}, before)

    def test_one_that_does_not_look_is_ended_by_sigterm(self):
        for fault in "update:hang:chunk=3", "update:spin:chunk=3":
            with self.subTest(fault=fault), TallyDaemon(fault=fault) as daemon:
                job = daemon.start_tally(*range_job(), "--json")
                worker = Watched(held_worker(daemon)["pid"])
                stopped = self.cancelled(daemon, job)
                self.assertEqual(stopped["how"], "SIGTERM")
                self.assertGreaterEqual(stopped["took_ns"], 200_000_000)
                self.assertTrue(worker.gone(0))  # before the answer

    def test_one_that_sigterm_does_not_end_is_ended_by_sigkill(self):
        for fault in "update:deaf:chunk=3", "update:stop:chunk=3":
            with self.subTest(fault=fault), TallyDaemon(fault=fault) as daemon:
                job = daemon.start_tally(*range_job(), "--json")
                worker = Watched(held_worker(daemon)["pid"])
                stopped = self.cancelled(daemon, job)
                self.assertEqual(stopped["how"], "SIGKILL")
                self.assertGreaterEqual(stopped["took_ns"], 400_000_000)
                self.assertTrue(worker.gone(0))

    def test_a_job_whose_time_is_up_says_the_same(self):
        for fault, how in ("update:hang:chunk=3", "SIGTERM"), \
                          ("update:deaf:chunk=3", "SIGKILL"):
            with self.subTest(how=how), TallyDaemon(fault=fault) as daemon:
                job = daemon.start_tally(*range_job(), "--json", "--timeout", "300ms")
                self.assertEqual(self.answer_of(job, "expired", 5)["how"], how)
                self.assertEqual(value_of(daemon.json(*range_job(2))), range_sum(2))

    def test_a_thread_that_cannot_be_ended_is_left_behind(self):
        with TallyDaemon(env=slow_pread(SLOW_PREAD_MS="6000")) as daemon:
            data = pathlib.Path(daemon.folder, "data.raw")
            data.write_bytes(bytes(8 * 1000))
            job = daemon.start_tally("run", "sum", data, "--dtype", "i64", "--path",
                                     "thread", "--json")
            stopped = self.cancelled(daemon, job)
            self.assertEqual(stopped["how"], "left_behind")
            self.assertGreaterEqual(stopped["took_ns"], MOST_S * 10**9)

    def test_the_daemons_end_waits_for_no_answer(self):
        with TallyDaemon(fault="update:deaf:chunk=3",
                         config='[daemon]\ndrain_timeout = "100ms"') as daemon:
            job = daemon.start_tally(*range_job(), "--json")
            held_worker(daemon)
            daemon.process.send_signal(signal.SIGTERM)
            out, _ = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 6)
            self.assertNotIn("stopped", json.loads(out))
            daemon.wait_stopped()


if __name__ == "__main__":
    unittest.main()
