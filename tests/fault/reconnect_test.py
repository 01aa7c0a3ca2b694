#!/usr/bin/env python3
"""Connections that are cut under libtally: it comes back for the jobs worth it, each of
which runs once; and where it cannot, it says so.
"""

import json
import os
import signal
import subprocess
import time
import unittest

from jobs import held_worker, range_job, range_sum, value_of
from processes import Watched, descriptors_of
from proxy import Proxy
from tally_daemon import TallyDaemon, program, wait_until

UNAVAILABLE = 3
FAULT = "update:hang:chunk=3:attempt=1"  # holds a job until its worker is killed
COUNT = 1 << 20


class CutCase(unittest.TestCase):
    config = ""

    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(config=self.config, fault=FAULT))
        self.proxy = self.enterContext(Proxy(self.daemon.folder / "proxy.sock",
                                             self.daemon.socket))
        self.daemon.whole_pool()

    def start(self, *words):
        job = subprocess.Popen(
            [program("TALLY_BIN"), *map(str, words), "--json"], text=True,
            env=self.daemon.env | {"TALLY_SOCKET": self.proxy.path},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.daemon.spare(job.pid)
        self.addCleanup(self.end, job)
        return job

    @staticmethod
    def end(job):
        if job.poll() is None:
            job.kill()
        job.communicate()

    def sessions(self):
        return self.daemon.status()["sessions"] - 1  # but the one that asks

    def release(self):
        Watched(held_worker(self.daemon)["pid"]).kill()

    def answer(self, job):
        out, err = job.communicate(timeout=30)
        self.assertEqual(job.returncode, 0, err)
        return json.loads(out)

    def error(self, job):
        out, err = job.communicate(timeout=30)
        self.assertEqual(job.returncode, UNAVAILABLE, err)
        self.assertEqual(json.loads(out)["error"]["code"], "connection_lost")
        return err

    def ran(self, done, cancelled):
        totals = self.daemon.status()["totals"]
        self.assertEqual((totals["jobs_done"], totals["jobs_cancelled"]), (done, cancelled))


class ReconnectTest(CutCase):
    def test_a_job_outlives_cuts_of_its_connection(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        for cuts in range(1, 4):
            self.proxy.cut()
            wait_until(lambda n=cuts: self.proxy.connections == 1 + n, "it is back")
            wait_until(lambda: self.sessions() == 1, "with one session")
        self.release()
        self.assertEqual(value_of(self.answer(job)), range_sum())
        self.ran(1, 0)

    def test_it_comes_back_when_somebody_listens_again(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        self.proxy.close()
        wait_until(lambda: self.sessions() == 0, "it is cut off")
        time.sleep(0.5)  # some attempts are in vain
        self.assertIsNone(job.poll())
        self.proxy.open()
        wait_until(lambda: self.sessions() == 1, "it is back")
        self.release()
        self.assertEqual(value_of(self.answer(job)), range_sum())
        self.ran(1, 0)

    def test_a_job_that_ended_meanwhile_does_not_run_again(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        self.proxy.close()
        wait_until(lambda: self.sessions() == 0, "it is cut off")
        self.release()
        wait_until(lambda: self.daemon.status()["totals"]["jobs_done"] == 1, "it ended")
        self.proxy.open()
        self.assertEqual(value_of(self.answer(job)), range_sum())
        self.ran(1, 0)

    def test_files_are_sent_again(self):
        path = self.daemon.folder / "numbers.raw"
        path.write_bytes(b"".join(n.to_bytes(8, "little") for n in range(COUNT)))
        job = self.start("run", "sum", path, "--dtype", "i64", "--path", "process",
                         "--chunk", COUNT // 8)
        held_worker(self.daemon)
        path.unlink()  # what is open counts
        self.proxy.cut()
        wait_until(lambda: self.proxy.connections == 2, "it is back")
        self.release()
        self.assertEqual(value_of(self.answer(job)), str(COUNT * (COUNT - 1) // 2))
        self.ran(1, 0)

    def test_ctrl_c_ends_a_job_whose_connection_is_away(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        self.proxy.close()
        wait_until(lambda: self.sessions() == 0, "it is cut off")
        job.send_signal(signal.SIGINT)
        time.sleep(0.1)
        self.proxy.open()
        out, err = job.communicate(timeout=30)
        self.assertNotEqual(job.returncode, 0, out)
        wait_until(lambda: self.daemon.status()["totals"]["jobs_cancelled"] == 1,
                   f"it is cancelled: {err}", 5)

    def test_a_client_that_is_killed_is_not_waited_for(self):
        before = descriptors_of(self.daemon.process.pid)
        job = self.daemon.start_tally(*range_job())
        held_worker(self.daemon)
        job.kill()
        job.communicate()
        wait_until(lambda: self.daemon.status()["totals"]["jobs_cancelled"] == 1,
                   "it is cancelled", 5)
        self.daemon.whole_pool()
        wait_until(lambda: descriptors_of(self.daemon.process.pid) <= before,
                   "its descriptors are closed")

    def test_a_daemon_that_is_gone_is_told_of_at_once(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        self.daemon.kill()
        self.proxy.close()
        begin = time.monotonic()
        self.assertIn("connection", self.error(job))
        self.assertLess(time.monotonic() - begin, 5)  # the grace is 10 s

    def test_a_daemon_that_was_started_anew_does_not_get_the_job(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        with TallyDaemon() as other:
            other.whole_pool()
            self.proxy.redirect(other.socket)
            self.proxy.cut()
            self.assertIn("another", self.error(job))
            status = other.status()["totals"]
            self.assertEqual(status["jobs_done"] + status["jobs_cancelled"], 0)
        self.release()

    def test_a_small_job_is_not_worth_it(self):
        fifo = self.daemon.folder / "numbers"
        os.mkfifo(fifo)
        job = self.start("run", "sum", fifo, "--format", "text")
        with open(fifo, "w", encoding="ascii"):
            wait_until(lambda: self.daemon.status()["queue"]["jobs_running"] == 1, "it runs")
            self.proxy.cut()
            self.assertIn("connection", self.error(job))
            wait_until(lambda: self.daemon.status()["totals"]["jobs_cancelled"] == 1,
                       "it is cancelled", 5)


class ShortGraceTest(CutCase):
    config = '[limits]\nattached_grace = "500ms"\n'

    def test_nobody_listens_again(self):
        job = self.start(*range_job())
        held_worker(self.daemon)
        begin = time.monotonic()
        self.proxy.close()
        self.assertIn("connection", self.error(job))
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)
        wait_until(lambda: self.daemon.status()["totals"]["jobs_cancelled"] == 1,
                   "it is cancelled", 5)
        self.daemon.whole_pool()


if __name__ == "__main__":
    unittest.main()
