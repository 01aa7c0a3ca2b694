#!/usr/bin/env python3
"""Workers that die: the same bits or a typed error, and a whole pool afterwards."""

import json
import re
import unittest

import wire
from jobs import CHUNK, CHUNKS, held_worker, pids, range_job, range_sum, value_of
from processes import Watched
from tally_daemon import TallyDaemon

ACTIONS = {"kill": ("worker_killed", "signal", "SIGKILL"),
           "segv": ("worker_killed", "signal", "SIGSEGV"),
           "abort": ("worker_killed", "signal", "SIGABRT"),
           "exit0": ("worker_exited", "exit_status", 0),
           "exit1": ("worker_exited", "exit_status", 1)}
DONE = 3  # the state of an answer
ATTEMPTS = 3  # of the default configuration
# As a chunk of 16 leaves, then as its halves down to a leaf, which is tried twice.
POISON_ATTEMPTS = ATTEMPTS + 3 + 2


class WorkerDeathTest(unittest.TestCase):
    def right(self, daemon, *words, chunks=CHUNKS):
        answer = daemon.json(*(words or range_job(chunks)))
        self.assertEqual(value_of(answer), range_sum(chunks))
        return answer

    def failed(self, daemon, *words):
        done = daemon.tally(*words, "--json")
        self.assertEqual(done.returncode, 1, done)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["state"], answer["results"]), ("failed", []))
        return answer["error"]

    def test_a_worker_killed_in_mid_job_costs_one_attempt(self):
        with TallyDaemon(fault="update:hang:chunk=3:attempt=1") as daemon:
            before = daemon.whole_pool()
            job = daemon.start_tally(*range_job(), "--json")
            held = held_worker(daemon)
            with_pid = Watched(held["pid"])
            with_pid.kill()
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            answer = json.loads(out)
            self.assertEqual(value_of(answer), range_sum())
            self.assertEqual(answer["retries"], 1)
            self.assertTrue(with_pid.gone())
            self.assertRegex(daemon.log_text(), r"was killed by SIGKILL, and not by tallyd; "
                                                r"who did is unknown: .*oom_kill")
            after = daemon.whole_pool()
            self.assertEqual(len(pids(after)), 2)
            self.assertEqual(pids(before) - pids(after), {held["pid"]})
            self.assertEqual(sum(worker["restarts"] for worker in after), 1)

    def test_a_trace_shows_the_attempt_that_was_lost(self):
        with TallyDaemon(fault="update:kill:chunk=3:attempt=1") as daemon:
            trace = daemon.folder / "trace.json"
            answer = self.right(daemon, *range_job(), "--trace", str(trace))
            events = json.loads(trace.read_text(encoding="ascii"))["traceEvents"]
            chunks = [e["args"] for e in events if e.get("cat") == "chunk"]
            self.assertEqual(sorted(c["chunk"] for c in chunks if c["end"] == "done"),
                             list(range(answer["chunks"])))
            lost = [(c["chunk"], c["attempt"]) for c in chunks if c["end"] == "lost"]
            self.assertEqual(lost, [(3, 1)])
            again = [c for c in chunks if (c["chunk"], c["attempt"]) == (3, 2)]
            self.assertEqual([c["end"] for c in again], ["done"])

    def test_every_worker_killed_while_idle_is_replaced(self):
        with TallyDaemon(workers=3) as daemon:
            before = daemon.whole_pool()
            for worker in before:
                watched = Watched(worker["pid"])
                watched.kill()
                self.assertTrue(watched.gone())
            self.right(daemon)
            after = daemon.whole_pool()
            self.assertEqual(len(pids(after)), 3)
            self.assertFalse(pids(before) & pids(after))

    def test_an_idle_worker_always_has_a_pid(self):
        # It could be given work, and then nobody could end it.
        with TallyDaemon(workers=4) as daemon, wire.Session(daemon.socket) as session:
            for _ in range(10):
                for worker in daemon.whole_pool():
                    Watched(worker["pid"]).kill()
                states = set()
                while states != {"idle"}:
                    _, status = session.ask("(serverStatus = void)")
                    states = {worker["state"] for worker in status["workers"]}
                    for worker in status["workers"]:
                        if worker["state"] in ("idle", "busy"):
                            self.assertNotEqual(worker["pid"], 0, worker)

    def test_a_death_at_any_point_costs_an_attempt_and_a_poison_chunk_the_job(self):
        for point in "assigned", "update", "before_partial":
            for action, (code, field, value) in ACTIONS.items():
                # Every job has a chunk 1; only the longer ones have a chunk 6.
                fault = f"{point}:{action}:chunk=1:attempt=1;{point}:{action}:chunk=6"
                with self.subTest(fault=fault), TallyDaemon(fault=fault) as daemon:
                    self.assertEqual(self.right(daemon, chunks=4)["retries"], 1)
                    error = self.failed(daemon, *range_job(8))
                    self.assertEqual((error["class"], error["code"]),
                                     ("worker_lost", code))
                    self.assertEqual(error[field], value)
                    self.assertEqual(error["attempts"], POISON_ATTEMPTS)
                    self.assertIn(str(value), error["message"])
                    self.assertEqual(len(pids(daemon.whole_pool())), 2)
                    self.assertEqual(self.right(daemon, chunks=4)["retries"], 1)

    def test_the_error_of_a_poison_chunk_tells_people_of_the_attempts(self):
        with TallyDaemon(fault="update:kill:chunk=6") as daemon:
            message = self.failed(daemon, *range_job())["message"]
            self.assertIn("SIGKILL", message)
            (elements,) = re.findall(r"elements \d+ to \d+", message)
            self.assertIn(f"{POISON_ATTEMPTS} attempts", message)
            self.assertEqual(elements, f"elements {6 * CHUNK} to {6 * CHUNK + 65535}")

    def test_a_job_that_meets_a_worker_killed_this_instant_runs_all_the_same(self):
        words = wire.submit("range = (start = 0, stop = 10000, step = 1)",
                            job=", path = 3")
        with TallyDaemon() as daemon, wire.Session(daemon.socket) as session:
            session.result(words)
            for _ in range(20):
                for worker in daemon.whole_pool():
                    Watched(worker["pid"]).kill()
                answer = session.result(words)
                self.assertEqual(answer["state"], DONE, answer)
                self.assertEqual(wire.integer(answer["results"][0]["value"]), 49995000)

    def test_a_death_after_the_partial_loses_nothing(self):
        for action in ACTIONS:
            fault = f"after_partial:{action}:chunk=1:attempt=1"
            with self.subTest(fault=fault), TallyDaemon(fault=fault) as daemon:
                # The chunk that was on its way to the dying worker may be charged.
                self.assertLessEqual(self.right(daemon)["retries"], 1)
                after = daemon.whole_pool()
                self.assertEqual(sum(worker["restarts"] for worker in after), 1)
                self.right(daemon)

    def test_jobs_beside_a_poisoned_one_do_not_notice(self):
        with TallyDaemon(fault="update:kill:chunk=6") as daemon:
            running = [daemon.start_tally(*range_job(n), "--json")
                       for n in (8, 4, 8, 4, 4)]
            for job, chunks in zip(running, (8, 4, 8, 4, 4)):
                out, err = job.communicate(timeout=30)
                answer = json.loads(out)
                if chunks == 8:
                    self.assertEqual(job.returncode, 1, err)
                    self.assertEqual(answer["error"]["signal"], "SIGKILL")
                else:
                    self.assertEqual(job.returncode, 0, err)
                    self.assertEqual(value_of(answer), range_sum(chunks))

    def test_the_configured_number_of_attempts_is_the_number_of_tries(self):
        with TallyDaemon(fault="assigned:exit1:chunk=0",
                         pool="attempts = 1") as daemon:
            error = self.failed(daemon, *range_job(2))
            self.assertEqual(error["attempts"], 1)
            restarts = sum(worker["restarts"] for worker in daemon.whole_pool())
            self.assertEqual(restarts, 1)


if __name__ == "__main__":
    unittest.main()
