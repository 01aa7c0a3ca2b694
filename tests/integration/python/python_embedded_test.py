"""A runtime inside a Python program."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import unittest

import numpy as np

import tally
from tally_daemon import PATIENCE_S, wait_until

LARGE = np.arange(2_000_000.0)


class EmbeddedTest(unittest.TestCase):
    def test_it_gives_the_bits_of_a_daemon(self):
        with tally.embedded(workers=2) as client:
            for path in ("process", "thread"):
                answer = client.run("sum,mean,argmax", LARGE, path=path)
                self.assertEqual(answer["sum"], LARGE.sum())
                self.assertEqual(answer["argmax"], LARGE.size - 1)
                self.assertEqual(answer.path, path)
                self.assertEqual(answer.json["daemon"],
                                 {"kind": "embedded", "pid": os.getpid()})

    def test_two_in_one_process_share_nothing(self):
        with tally.embedded(workers=1) as first, tally.embedded(workers=1) as second:
            job = first.submit("sum", range(2**62))
            self.assertEqual(second.run("sum", range(10)).value, 45)
            first.close()
            with self.assertRaises(tally.Error):
                job.result()
            self.assertEqual(second.run("sum", range(10)).value, 45)

    def test_nothing_stays_behind(self):
        threads, descriptors = len(os.listdir("/proc/self/task")), open_descriptors()
        for _ in range(3):
            with tally.embedded(workers=1) as client:
                self.assertEqual(client.run("sum", LARGE).value, LARGE.sum())
        wait_until(lambda: len(os.listdir("/proc/self/task")) == threads, "threads ended")
        self.assertEqual(open_descriptors(), descriptors)
        self.assertEqual(threading.active_count(), 1)

    def test_signals_stay_python_s(self):
        heard = []
        before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        with tally.embedded(workers=1) as client:
            with self.assertRaises(KeyboardInterrupt):
                client.run("sum", range(2**62), progress=lambda at: os.kill(
                    os.getpid(), signal.SIGINT))
            os.kill(os.getpid(), signal.SIGUSR1)
            self.assertEqual(client.run("sum", range(3)).value, 3)
        self.assertEqual(heard, [1])

    def test_a_missing_worker_program_is_said(self):
        with self.assertRaises(tally.NotFound) as caught:
            tally.embedded(worker_program="/nonexistent/tally-worker")
        self.assertEqual(caught.exception.code, "no_worker_program")

    def test_a_program_ends_with_a_job_in_flight_and_leaves_no_process(self):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent("""
            import tally
            client = tally.embedded(workers=2)
            answer = client.run("sum", range(100_000_000), path="process")
            print(*(usage["pid"] for usage in answer.json["worker_usage"]))
            job = client.submit("sum", range(2**62), path="process")
            """)], text=True, capture_output=True, timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertTrue(done.stdout.split())
        for pid in done.stdout.split():
            wait_until(lambda: not is_worker(pid), f"worker {pid} has ended")


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def is_worker(pid):
    try:
        return pathlib.Path("/proc", pid, "comm").read_text().startswith("tally")
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
