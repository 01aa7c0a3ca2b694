#!/usr/bin/env python3
"""What one chunk may take, and what one job may lose, before its job ends."""

import json
import unittest

from jobs import CHUNK, CHUNKS, range_job, range_sum, value_of
from tally_daemon import TallyDaemon


class ChunkLimitsTest(unittest.TestCase):
    def failed(self, daemon, *words):
        done = daemon.tally(*words, "--json")
        self.assertNotEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def test_a_chunk_that_goes_on_for_too_long_ends_its_job_and_its_worker(self):
        with TallyDaemon(fault="update:spin:chunk=3",
                         pool='chunk_timeout = "300ms"') as daemon:
            answer = self.failed(daemon, *range_job())
            error = answer["error"]
            self.assertEqual((error["class"], error["code"], error["limit_ms"],
                              error["chunk"], error["begin"], error["end"]),
                             ("deadline_exceeded", "chunk_timeout", 300, 3, 3 * CHUNK,
                              4 * CHUNK))
            self.assertEqual((answer["state"], answer["retries"]), ("expired", 0))
            daemon.whole_pool()  # it does not heed the flag, and is killed
            self.assertEqual(sum(w["restarts"] for w in daemon.status()["workers"]), 1)
            self.assertEqual(value_of(daemon.json(*range_job(3))), range_sum(3))

    def test_one_that_heeds_the_flag_goes_on_with_the_next_job(self):
        endless = ("run", "sum", "--range", "0:1e15", "--chunk", "1e15")
        with TallyDaemon(pool='chunk_timeout = "300ms"') as daemon:
            for path in ("process", "thread"):
                error = self.failed(daemon, *endless, "--path", path)["error"]
                self.assertEqual((error["code"], error["chunk"]), ("chunk_timeout", 0))
                self.assertEqual(value_of(daemon.json("run", "sum", "--range", "0:100",
                                                      "--path", path)), "4950")
            self.assertEqual(sum(w["restarts"] for w in daemon.status()["workers"]), 0)

    def test_a_job_may_lose_no_more_attempts_than_its_budget(self):
        fault = "update:kill:attempt=1"  # of every chunk
        with TallyDaemon(fault=fault, pool="retries_per_job = 2") as daemon:
            error = self.failed(daemon, *range_job())["error"]
            self.assertEqual((error["class"], error["code"], error["spent"],
                              error["limit"], error["last"]),
                             ("worker_lost", "retry_budget_spent", 3, 2, "worker_killed"))
            daemon.whole_pool()
        with TallyDaemon(fault=fault, pool=f"retries_per_job = {CHUNKS}") as daemon:
            answer = daemon.json(*range_job())
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), CHUNKS))


if __name__ == "__main__":
    unittest.main()
