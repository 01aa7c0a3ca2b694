#!/usr/bin/env python3
"""The daemon ends, as asked or by force: no process, no socket, no answer is left over."""

import json
import signal
import unittest

from jobs import held_worker, pids, range_job, range_sum, value_of
from processes import Watched, watch_all
from tally_daemon import TallyDaemon, wait_until

ENDLESS = ("run", "sum", "--range", "0:9223372036854775807", "--path")


class DaemonEndTest(unittest.TestCase):
    def test_no_process_survives_a_daemon_that_is_killed(self):
        with TallyDaemon(workers=3, fault="update:hang:chunk=3") as daemon:
            workers = daemon.whole_pool()
            job = daemon.start_tally(*range_job())
            self.assertIn(held_worker(daemon)["pid"], pids(workers))
            orphans = watch_all([daemon.status()["zygote"]["pid"], *pids(workers)])
            daemon.kill()
            for orphan in orphans:
                self.assertTrue(orphan.gone(), f"{orphan.pid} lives on")
            out, err = job.communicate(timeout=30)
            self.assertNotEqual(job.returncode, 0)
            self.assertEqual(out, "")
            self.assertTrue(err.startswith("tally: "), err)

    def test_sigterm_lets_a_running_job_end_and_then_leaves_nothing(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1") as daemon:
            job = daemon.start_tally(*range_job(), "--json")
            held = held_worker(daemon)
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "-> draining" in daemon.log_text(), "the daemon drains")
            self.assertIsNone(job.poll())
            Watched(held["pid"]).kill()  # frees the chunk for another worker
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            self.assertEqual(value_of(json.loads(out)), range_sum())
            daemon.wait_stopped()

    def test_a_draining_daemon_takes_no_new_clients(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1") as daemon:
            job = daemon.start_tally(*range_job())
            held = held_worker(daemon)
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "-> draining" in daemon.log_text(), "the daemon drains")
            # It is told so at once; it does not wait for the daemon's end.
            self.assertEqual(daemon.tally("ping", timeout=5).returncode, 3)
            Watched(held["pid"]).kill()
            self.assertEqual(job.wait(30), 0)
            job.communicate()
            daemon.wait_stopped()

    def test_a_second_sigterm_stops_at_once(self):
        for path in "process", "thread":
            with self.subTest(path=path), TallyDaemon() as daemon:
                job = daemon.start_tally(*ENDLESS, path)
                wait_until(lambda: daemon.status()["queue"]["jobs_running"] == 1,
                           "the job runs")
                daemon.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "-> draining" in daemon.log_text(), "draining")
                daemon.process.send_signal(signal.SIGTERM)
                daemon.wait_stopped()
                out, err = job.communicate(timeout=30)
                self.assertEqual((job.returncode, out), (6, ""), err)

    def test_the_drain_timeout_ends_what_does_not_end(self):
        with TallyDaemon(config='[daemon]\ndrain_timeout = "100ms"\n') as daemon:
            job = daemon.start_tally(*ENDLESS, "process")
            wait_until(lambda: daemon.status()["queue"]["jobs_running"] == 1, "it runs")
            daemon.stop()
            out, err = job.communicate(timeout=30)
            self.assertEqual((job.returncode, out), (6, ""), err)

    def test_a_worker_that_hangs_does_not_hold_the_end_up(self):
        for how in "hang", "stop":
            with self.subTest(how=how), \
                    TallyDaemon(fault=f"update:{how}:chunk=3") as daemon:
                job = daemon.start_tally(*range_job())
                held_worker(daemon)
                daemon.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "-> draining" in daemon.log_text(), "draining")
                daemon.process.send_signal(signal.SIGTERM)
                daemon.wait_stopped(patience_s=8)
                out, err = job.communicate(timeout=30)
                self.assertEqual((job.returncode, out), (6, ""), err)


if __name__ == "__main__":
    unittest.main()
