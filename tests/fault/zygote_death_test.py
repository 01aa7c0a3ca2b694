#!/usr/bin/env python3
"""The zygote dies, and its workers with it: no attempt is spent, both come back."""

import json
import unittest

from jobs import held_worker, pids, range_job, range_sum, value_of
from processes import Watched, watch_all
from tally_daemon import TallyDaemon


class ZygoteDeathTest(unittest.TestCase):
    def test_a_job_in_hand_gets_the_same_answer_and_spends_no_attempt(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1") as daemon:
            before = daemon.whole_pool()
            job = daemon.start_tally(*range_job(), "--json")
            held_worker(daemon)
            old = daemon.status()["zygote"]["pid"]
            workers = watch_all(sorted(pids(before)))
            Watched(old).kill()
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            answer = json.loads(out)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 0))
            for worker in workers:
                self.assertTrue(worker.gone(), worker.pid)
            after = daemon.whole_pool()
            zygote = daemon.status()["zygote"]
            self.assertEqual(zygote["restarts"], 1)
            self.assertNotEqual(zygote["pid"], old)
            self.assertFalse(pids(before) & pids(after))

    def test_it_may_die_more_often_than_a_chunk_has_attempts(self):
        with TallyDaemon(fault="update:hang:chunk=3") as daemon:
            daemon.whole_pool()
            job = daemon.start_tally(*range_job(), "--json")
            for death in range(5):
                held_worker(daemon)
                if death == 4:
                    daemon.fault_file.unlink()  # the next zygote's workers are sound
                zygote = Watched(daemon.status()["zygote"]["pid"])
                zygote.kill()
                self.assertTrue(zygote.gone())
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            answer = json.loads(out)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 0))
            self.assertEqual(daemon.status()["zygote"]["restarts"], 5)

    def test_it_is_replaced_while_nothing_runs(self):
        with TallyDaemon() as daemon:
            before = daemon.whole_pool()
            zygote = Watched(daemon.status()["zygote"]["pid"])
            zygote.kill()
            self.assertTrue(zygote.gone())
            self.assertEqual(value_of(daemon.json(*range_job())), range_sum())
            self.assertFalse(pids(before) & pids(daemon.whole_pool()))


if __name__ == "__main__":
    unittest.main()
