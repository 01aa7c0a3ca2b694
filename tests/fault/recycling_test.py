#!/usr/bin/env python3
"""Old workers are replaced: the next is ready before one stops, and no job notices."""

import json
import os
import pathlib
import signal
import unittest

from jobs import held_worker, pids, range_job, range_sum, value_of
from processes import Watched, watch_all
from tally_daemon import TallyDaemon, wait_until

VANDAL = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"], "vandal.so")


class RecyclingTest(unittest.TestCase):
    def test_workers_are_replaced_under_load_without_a_loss(self):
        with TallyDaemon(pool="recycle_chunks = 20") as daemon:
            first = watch_all(sorted(pids(daemon.whole_pool())))
            used = set()
            for _ in range(20):
                answer = daemon.json(*range_job())
                self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 0))
                used |= {usage["pid"] for usage in answer["worker_usage"]}
            self.assertGreater(len(used), 2)
            for worker in first:
                self.assertTrue(worker.gone())
            after = daemon.whole_pool()
            self.assertEqual([w["restarts"] for w in after], [0, 0])
            self.assertRegex(daemon.log_text(), r"worker \d \(pid \d+\) has run \d+ "
                                                r"chunks; pid \d+ takes its place")

    def test_a_pool_of_one_is_never_empty(self):
        with TallyDaemon(workers=1, pool="recycle_chunks = 1") as daemon:
            daemon.whole_pool()
            seen = set()
            for _ in range(30):
                self.assertEqual(daemon.json(*range_job())["retries"], 0)
                (worker,) = daemon.status()["workers"]
                self.assertIn(worker["state"], ("idle", "busy"))
                seen.add(worker["pid"])
            self.assertGreater(len(seen), 3)

    def test_a_long_chunk_keeps_no_other_worker_from_being_replaced(self):
        with TallyDaemon(workers=2, fault="update:hang:chunk=1:attempt=1",
                         pool="recycle_chunks = 1") as daemon:
            daemon.whole_pool()
            job = daemon.start_tally(*range_job(2, "--workers", 1), "--json")
            held = Watched(held_worker(daemon)["pid"])

            def other():
                (worker,) = [w for w in daemon.status()["workers"] if w["pid"] != held.pid]
                return worker["pid"]
            for _ in range(3):
                before = other()

                def replaced(before=before):
                    self.assertEqual(value_of(daemon.json(*range_job(1))), range_sum(1))
                    return other() not in (before, 0)
                wait_until(replaced, "the worker beside the long chunk is replaced")
            held.kill()
            out, err = job.communicate(timeout=30)
            self.assertEqual(value_of(json.loads(out)), range_sum(2), err)

    def test_zero_is_never(self):
        with TallyDaemon(pool="recycle_chunks = 0\nrecycle_growth = 0") as daemon:
            before = pids(daemon.whole_pool())
            for _ in range(5):
                daemon.json(*range_job(64))
            self.assertEqual(pids(daemon.whole_pool()), before)

    def test_a_worker_that_a_kernel_lets_grow_is_replaced(self):
        with TallyDaemon(workers=1, pool='recycle_growth = "16MiB"') as daemon:
            (before,) = daemon.whole_pool()
            old = Watched(before["pid"])
            for _ in range(6):  # 8 MiB each
                answer = daemon.json(
                    "run", "vandal(call=update,act=grow)", "--kernel", VANDAL, "--range",
                    f"0:{64 * 65536}", "--chunk", 65536)
                self.assertEqual(answer["retries"], 0)
            self.assertTrue(old.gone())
            (after,) = daemon.whole_pool()
            self.assertEqual(after["restarts"], 0)
            self.assertRegex(daemon.log_text(), r"has grown from \d+ to \d+ KiB of "
                                                r"private memory; pid \d+ takes its place")

    def test_an_old_worker_that_dies_is_succeeded_all_the_same(self):
        with TallyDaemon(workers=1, fault="update:hang:chunk=40",
                         pool="recycle_chunks = 20") as daemon:
            daemon.whole_pool()
            job = daemon.start_tally(*range_job(48), "--json")

            def at_chunk_40():
                (worker,) = daemon.status()["workers"]
                return worker["doing"].startswith("chunk 40: ") and worker
            worker = wait_until(at_chunk_40, "it hangs in chunk 40")
            daemon.fault_file.unlink()
            Watched(worker["pid"]).kill()
            # Its successor, forked long ago, has the fault as well.
            other = wait_until(lambda: (w := at_chunk_40()) and
                               w["pid"] != worker["pid"] and w, "so does the next")
            Watched(other["pid"]).kill()
            Watched(daemon.status()["zygote"]["pid"]).kill()
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            self.assertEqual(value_of(json.loads(out)), range_sum(48))
            daemon.whole_pool()

    def test_a_stopped_old_worker_does_not_stay(self):
        with TallyDaemon(workers=1, pool="recycle_chunks = 8") as daemon:
            (old,) = watch_all(pids(daemon.whole_pool()))
            zygote = Watched(daemon.status()["zygote"]["pid"])
            zygote.kill(signal.SIGSTOP)  # the successor is not there yet
            daemon.json(*range_job(8))
            old.kill(signal.SIGSTOP)
            zygote.kill(signal.SIGCONT)
            self.assertTrue(old.gone())
            self.assertNotIn(old.pid, pids(daemon.whole_pool()))
            self.assertEqual(daemon.status()["workers"][0]["restarts"], 0)


if __name__ == "__main__":
    unittest.main()
