#!/usr/bin/env python3
"""Threads and worker processes that compute have no more cores than there are."""

import unittest

from daemon_case import DaemonCase
from tally_daemon import PATIENCE_S, wait_until

# An hour of work, in chunks of a few milliseconds.
LONG = ("run", "sum", "--range", "0:1000000000000", "--chunk", "10000000")


class CoreBudget(DaemonCase):
    workers = 2

    def start(self, *words):
        job = self.daemon.start_tally(*LONG, *words)
        self.addCleanup(lambda: (job.kill(), job.communicate(timeout=PATIENCE_S)))

    def busy(self):
        """Workers and threads that have a chunk in hand, and the budget."""
        status = self.daemon.status()
        workers = sum(w["state"] == "busy" for w in status["workers"])
        return workers, status["threads"]["busy"], max(status["cores"]["usable"], 2)

    def test_both_work_and_together_on_no_more_cores_than_there_are(self):
        budget = self.busy()[2]
        self.start("--path", "thread", "--workers", str(budget))
        self.start("--path", "process", "--workers", "2")
        both = 0
        for _ in range(100):
            workers, threads, _ = self.busy()
            self.assertLessEqual(workers + threads, budget)
            both += workers > 0 and threads > 0
        self.assertGreater(both, 0)

    def test_threads_that_wait_are_not_counted(self):
        self.start("--path", "thread", "--hint", "io", "--workers", "8")
        self.start("--path", "process", "--workers", "2")
        wait_until(lambda: sum(self.busy()[:2]) > self.busy()[2],
                   "more chunks in hand than cores")


if __name__ == "__main__":
    unittest.main()
