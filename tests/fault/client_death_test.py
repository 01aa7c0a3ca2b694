#!/usr/bin/env python3
"""Clients that are killed: their jobs end, their descriptors are closed."""

import os
import unittest

from jobs import range_job, range_sum, value_of
from processes import descriptors_of
from tally_daemon import TallyDaemon, wait_until

HUGE = 1 << 40  # bytes of a sparse file: a job of many minutes


class ClientDeathTest(unittest.TestCase):
    def kill_in_mid_job(self, daemon, path):
        before = descriptors_of(daemon.process.pid)
        names = []
        for number in range(8):
            name = daemon.folder / f"{number}.raw"
            with open(name, "wb") as file:
                os.truncate(file.fileno(), HUGE)
            names.append(name)
        job = daemon.start_tally("run", "sum", *names, "--dtype", "i64", "--path", path)
        wait_until(lambda: daemon.status()["queue"]["jobs_running"] == 1, "it runs")
        self.assertGreaterEqual(descriptors_of(daemon.process.pid), before + len(names))
        job.kill()
        job.communicate()

        def settled():
            status = daemon.status()
            return (status["queue"]["jobs_running"] == 0 and
                    status["threads"]["busy"] == 0 and
                    status["sessions"] == 1 and
                    all(w["state"] == "idle" for w in status["workers"]))
        wait_until(settled, "nothing runs any more")
        wait_until(lambda: descriptors_of(daemon.process.pid) <= before,
                   "the job's descriptors are closed")

    def test_the_job_is_cancelled_and_its_descriptors_closed(self):
        for path in "process", "thread":
            with self.subTest(path=path), TallyDaemon() as daemon:
                pids = [worker["pid"] for worker in daemon.whole_pool()]
                if path == "thread":  # its threads once started stay, with what they hold
                    daemon.json("run", "sum", "--range", "0:1e7", "--path", "thread")
                self.kill_in_mid_job(daemon, path)
                after = daemon.whole_pool()
                self.assertEqual([worker["pid"] for worker in after], pids)
                self.assertEqual(value_of(daemon.json(*range_job())), range_sum())

    def test_queued_jobs_of_a_killed_client_never_run(self):
        endless = ("run", "sum", "--range", "0:9223372036854775807", "--path", "process")
        with TallyDaemon(workers=1) as daemon:
            daemon.whole_pool()
            jobs = [daemon.start_tally(*endless) for _ in range(4)]
            def alive():
                queue = daemon.status()["queue"]
                return queue["jobs_running"] + queue["jobs_queued"]
            wait_until(lambda: alive() == 4, "four jobs are there")
            for job in jobs:
                job.kill()
                job.communicate()
            wait_until(lambda: alive() == 0, "no job is left")
            self.assertEqual(value_of(daemon.json(*range_job())), range_sum())


if __name__ == "__main__":
    unittest.main()
