#!/usr/bin/env python3
"""Workers that die as soon as they start: the daemon stays of use and heals."""

import unittest

from jobs import range_job, range_sum, value_of
from processes import Watched
from tally_daemon import TallyDaemon, wait_until

ACTIONS = "kill", "segv", "abort", "exit0", "exit1"


class CrashLoopTest(unittest.TestCase):
    def test_threads_and_inline_jobs_still_answer_and_the_pool_heals(self):
        for action in ACTIONS:
            with self.subTest(action=action), \
                    TallyDaemon(fault=f"start:{action}") as daemon:
                self.check(daemon)

    def check(self, daemon):
        def crashing():
            workers = daemon.status()["workers"]
            return all(w["restarts"] >= 3 for w in workers) and workers
        for worker in wait_until(crashing, "every worker has died three times"):
            self.assertIn(worker["state"], ("dead", "starting"))
        degraded = daemon.status()["degraded"]
        self.assertRegex(degraded, r"^2 of 2 workers keep dying as they start; the last "
                                   r"time worker \d \(pid \d+\) (was killed by|exited)")
        self.assertRegex(daemon.tally("status").stdout, r"degraded +2 of 2 workers keep")
        answer = daemon.json("run", "sum", "--range", "0:1e7", "--path", "thread")
        self.assertEqual(value_of(answer), str(10**7 * (10**7 - 1) // 2))
        answer = daemon.json("run", "sum", "--values", "1,2,4")
        self.assertEqual((answer["path"], value_of(answer)), ("inline", 7.0))
        # A job that only workers may run waits for them, as long as it is told to.
        done = daemon.tally(*range_job(), "--timeout", "100ms")
        self.assertEqual((done.returncode, done.stdout), (5, ""), done)

        daemon.fault_file.unlink()
        zygote = Watched(daemon.status()["zygote"]["pid"])
        zygote.kill()
        self.assertTrue(zygote.gone())
        daemon.whole_pool()
        self.assertEqual(daemon.status()["degraded"], "")
        answer = daemon.json(*range_job())
        self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 0))

    def test_it_does_not_spin(self):
        with TallyDaemon(workers=1, fault="start:exit1") as daemon:
            def restarts():
                return daemon.status()["workers"][0]["restarts"]
            wait_until(lambda: restarts() >= 6, "six deaths")
            # Each wait is twice the one before: a hundred deaths take minutes.
            self.assertLess(restarts(), 20)


if __name__ == "__main__":
    unittest.main()
