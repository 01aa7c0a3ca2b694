#!/usr/bin/env python3
"""Where a worker fails, times how: the bits of the quiet run or the right typed error, and
a whole pool afterwards."""

import json
import signal
import unittest

from jobs import held_worker, range_job, range_sum, value_of
from processes import SANITIZED, Watched
from tally_daemon import TallyDaemon, wait_until

POOL = 'stall_timeout = "400ms"\n'
POINTS = "assigned", "update", "before_partial", "half_partial", "after_partial"
# How, and what the death is told as when there is no other end: code and a field.
HOWS = {"kill": ("worker_killed", "signal", "SIGKILL"),
        "segv": ("worker_killed", "signal", "SIGSEGV"),
        "bus": ("worker_killed", "signal", "SIGBUS"),
        "abort": ("worker_killed", "signal", "SIGABRT"),
        "stack": ("worker_killed", "signal", "SIGSEGV"),
        "exit0": ("worker_exited", "exit_status", 0),
        "exit1": ("worker_exited", "exit_status", 1),
        "stop": ("worker_stalled", "process_state", "T"),
        "spin": ("worker_stalled", "process_state", "R"),
        "memory": ("worker_killed", "signal", "SIGABRT"),
        "denied": ("worker_denied_call", "syscall", "socket"),
        "descriptors": None}  # a range needs none: nothing is lost
SIGNALS = {"SIGKILL", "SIGSEGV", "SIGBUS", "SIGABRT", "SIGSTOP"}
# Sanitizers run without the filter, and keep their own stack and memory.
NOT_SANITIZED = {"denied", "stack", "memory"}


def hows():
    return {how: told for how, told in HOWS.items()
            if not (SANITIZED and how in NOT_SANITIZED)}


class CrashMatrixTest(unittest.TestCase):
    def finish(self, daemon, *words):
        done = daemon.tally(*words, "--json", timeout=60)
        return done.returncode, json.loads(done.stdout)

    def whole_and_right(self, daemon):
        daemon.whole_pool()
        answer = daemon.json("run", "sum", "--range", "0:1000", "--path", "process")
        self.assertEqual(value_of(answer), "499500")

    @staticmethod
    def attempts_spent(point, how):
        if point == "after_partial":  # on the next chunk, if it has one already
            return (0, 1) if HOWS[how] else (0,)
        # Half a message and then the whole is no message.
        return (0,) if how == "descriptors" and point != "half_partial" else (1,)

    def test_a_fault_that_comes_once_costs_an_attempt_and_no_bit(self):
        for point in POINTS:
            for how, told in hows().items():
                fault = f"{point}:{how}:chunk=3:attempt=1"
                with self.subTest(fault=fault), \
                        TallyDaemon(fault=fault, pool=POOL) as daemon:
                    code, answer = self.finish(daemon, *range_job())
                    if (point, how) == ("update", "memory"):
                        # Not a death: the worker says what it lacks, and lives.
                        self.assertEqual((code, answer["error"]["code"]),
                                         (1, "out_of_memory"), answer)
                    else:
                        self.assertEqual((code, answer.get("error")), (0, None))
                        self.assertEqual(value_of(answer), range_sum())
                        self.assertIn(answer["retries"], self.attempts_spent(point, how),
                                      answer)
                    self.whole_and_right(daemon)

    def test_a_fault_that_comes_always_is_the_jobs_typed_error(self):
        for point in "assigned", "update", "before_partial", "half_partial":
            for how, told in hows().items():
                if told is None or (point, how) == ("update", "memory"):
                    continue
                fault = f"{point}:{how}:chunk=3"
                with self.subTest(fault=fault), TallyDaemon(
                        fault=fault, pool=POOL + "attempts = 2") as daemon:
                    code, answer = self.finish(daemon, *range_job())
                    error = answer["error"]
                    self.assertEqual((code, error["class"]), (1, "worker_lost"), error)
                    self.assertEqual((error["code"], error[told[1]]),
                                     (told[0], told[2]), error)
                    self.assertGreaterEqual(error["attempts"], 2)
                    self.whole_and_right(daemon)

    def test_workers_that_fail_at_their_start_leave_threads_and_deadlines(self):
        for how, told in hows().items():
            if told is None:
                continue
            with self.subTest(how=how), TallyDaemon(fault=f"start:{how}") as daemon:
                answer = daemon.json("run", "sum", "--range", "0:1000000", "--path",
                                     "thread")
                self.assertEqual(value_of(answer), "499999500000")
                code, answer = self.finish(daemon, *range_job(), "--timeout", "300ms")
                self.assertEqual((code, answer["state"]), (5, "expired"))

    def test_idle_workers_that_fail_are_replaced(self):
        for name in sorted(SIGNALS):
            with self.subTest(signal=name), TallyDaemon(pool=POOL) as daemon:
                for worker in daemon.whole_pool():
                    Watched(worker["pid"]).kill(getattr(signal, name))
                code, answer = self.finish(daemon, *range_job())
                self.assertEqual((code, value_of(answer)), (0, range_sum()))
                self.whole_and_right(daemon)

    def test_workers_that_fail_while_the_daemon_drains_lose_nothing(self):
        for name in sorted(SIGNALS):
            with self.subTest(signal=name), TallyDaemon(
                    fault="update:hang:chunk=3:attempt=1",
                    pool='stall_timeout = "1s"') as daemon:
                job = daemon.start_tally(*range_job(), "--json")
                held = Watched(held_worker(daemon)["pid"])
                daemon.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "-> draining" in daemon.log_text(), "it drains")
                held.kill(getattr(signal, name))
                out, err = job.communicate(timeout=30)
                self.assertEqual(job.returncode, 0, err)
                self.assertEqual(value_of(json.loads(out)), range_sum())
                daemon.wait_stopped()


if __name__ == "__main__":
    unittest.main()
