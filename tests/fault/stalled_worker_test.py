#!/usr/bin/env python3
"""Workers that stand still: found, killed, told; and what `tally status` says of them."""

import json
import os
import signal
import time
import unittest

from jobs import held_worker, pids, range_job, range_sum, value_of
from processes import Watched
from tally_daemon import TallyDaemon, wait_until

STALL = 'stall_timeout = "400ms"'
NEVER = 'stall_timeout = "24h"'


class StalledWorkerTest(unittest.TestCase):
    def finish(self, job):
        out, err = job.communicate(timeout=30)
        self.assertEqual(job.returncode, 0, err)
        return json.loads(out)

    def test_a_stopped_worker_is_killed_and_its_chunk_runs_elsewhere(self):
        with TallyDaemon(fault="update:stop:chunk=3:attempt=1", pool=STALL) as daemon:
            before = daemon.whole_pool()
            answer = self.finish(daemon.start_tally(*range_job(), "--json"))
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 1))
            after = daemon.whole_pool()
            self.assertEqual(len(pids(before) - pids(after)), 1)
            self.assertRegex(daemon.log_text(),
                             r"was killed by us: it stood still for 400 ms, the limit "
                             r"\(\[pool\] stall_timeout\), at chunk 3: reducing, \d+ done"
                             r"; the process was stopped \(T\)")

    def test_a_worker_stopped_by_somebody_else_is_found_as_well(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1", pool=STALL) as daemon:
            job = daemon.start_tally(*range_job(), "--json")
            worker = Watched(held_worker(daemon)["pid"])
            worker.kill(signal.SIGSTOP)
            answer = self.finish(job)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 1))
            self.assertTrue(worker.gone())

    def test_a_chunk_that_stands_still_each_time_fails_its_job_with_what_it_did(self):
        with TallyDaemon(fault="update:hang:chunk=6", pool=STALL) as daemon:
            done = daemon.tally(*range_job(), "--json")
            self.assertEqual(done.returncode, 1, done)
            error = json.loads(done.stdout)["error"]
            self.assertEqual((error["class"], error["code"], error["attempts"],
                              error["limit_ms"], error["process_state"]),
                             ("worker_lost", "worker_stalled", 3, 400, "S"))
            self.assertRegex(error["doing"], r"^chunk 6: reducing, \d+ done$")
            self.assertEqual(value_of(daemon.json(*range_job(4))), range_sum(4))

    def test_status_tells_what_each_worker_does_and_since_when(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1", pool=NEVER) as daemon:
            for worker in daemon.whole_pool():
                self.assertEqual((worker["doing"], worker["stalled_ns"]), ("", 0))
            job = daemon.start_tally(*range_job(), "--json")
            held = Watched(held_worker(daemon)["pid"])
            held.kill(signal.SIGSTOP)

            def stopped():
                (worker,) = [w for w in daemon.status()["workers"] if w["job"]]
                return worker["stalled_ns"] > 10**9 and worker
            worker = wait_until(stopped, "it stands still for a second")
            self.assertRegex(worker["doing"], r"^chunk 3: reducing, \d+ done$")
            self.assertEqual(worker["process_state"], "T")
            self.assertRegex(daemon.tally("status").stdout,
                             r"chunk 3: reducing, \d+ done, for [\d.]+ s, stopped")
            held.kill()
            self.assertEqual(self.finish(job)["retries"], 1)

    def test_a_freeze_of_daemon_and_workers_is_no_stall(self):
        with TallyDaemon(fault="update:stop:chunk=3:attempt=1:block=2",
                         pool='stall_timeout = "3s"') as daemon:
            before = daemon.whole_pool()
            job = daemon.start_tally(*range_job(), "--json")
            held_worker(daemon)
            workers = [Watched(worker["pid"]) for worker in before]
            zygote = Watched(daemon.status()["zygote"]["pid"])
            daemon_process = Watched(daemon.process.pid)
            for one in (daemon_process, zygote, *workers):
                one.kill(signal.SIGSTOP)
            time.sleep(4)
            # The daemon first: it finds its look at the workers overdue.
            daemon_process.kill(signal.SIGCONT)
            time.sleep(0.3)
            for one in (zygote, *workers):
                one.kill(signal.SIGCONT)
            answer = self.finish(job)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 0))
            self.assertEqual(pids(daemon.whole_pool()), pids(before))

    def test_an_endless_loop_under_a_stopped_daemon_ends_by_its_cpu_limit(self):
        soon = 'stall_timeout = "2s"'  # and as much CPU time, of each processor
        with TallyDaemon(fault="update:spin:chunk=3:attempt=1", pool=soon,
                         config=f"[kernels]\n{soon}") as daemon:
            job = daemon.start_tally(*range_job(), "--json")
            spinning = Watched(held_worker(daemon)["pid"])
            daemon.process.send_signal(signal.SIGSTOP)
            self.assertTrue(spinning.gone(10 + 4 * os.cpu_count()))
            daemon.process.send_signal(signal.SIGCONT)
            answer = self.finish(job)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 1))
            self.assertIn("was killed by SIGXCPU, the signal of a limit of CPU time",
                          daemon.log_text())

    def test_one_that_does_not_heed_its_jobs_end_gets_sigterm_then_sigkill(self):
        for stop in False, True:
            with self.subTest(stop=stop), \
                    TallyDaemon(fault="update:hang:chunk=3", pool=NEVER) as daemon:
                job = daemon.start_tally(*range_job(), "--timeout", "2s")
                worker = Watched(held_worker(daemon)["pid"])
                if stop:
                    worker.kill(signal.SIGSTOP)
                job.communicate(timeout=30)
                self.assertEqual(job.returncode, 5)
                self.assertTrue(worker.gone())
                self.assertEqual(value_of(daemon.json(*range_job(2))), range_sum(2))
                log = daemon.log_text()
                self.assertRegex(log, r"was ended by us: it did not heed within 200 ms that"
                                      r" its job was over, at chunk 3: reducing, \d+ done; "
                                      r"the process was " +
                                 (r"stopped \(T\)" if stop else r"sleeping \(S\)"))
                self.assertEqual("outlives SIGTERM" in log, stop)


if __name__ == "__main__":
    unittest.main()
