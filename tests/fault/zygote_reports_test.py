#!/usr/bin/env python3
"""The zygote is short of memory or descriptors for a moment: no report of it is lost, and
it gives out no worker that the daemon could never end.

Faults are injected at the call sites that a quiet run shows (tests/fault/sysfault.c).
"""

import os
import pathlib
import signal
import tempfile
import time
import unittest

from jobs import range_job, range_sum, value_of
from sysfault_test import Board, faulty_daemon
from tally_daemon import children_of, wait_until

START_DEADLINE_S = 5  # of a worker: runtime/exec/process/process_path_start.cc
STALL = 'stall_timeout = "300ms"'


class ZygoteReportsTest(unittest.TestCase):
    def setUp(self):
        scratch = self.enterContext(tempfile.TemporaryDirectory(prefix="tally-zygote-"))
        self.folder = pathlib.Path(scratch)

    def sites(self, call):
        """Where the zygote makes it as one worker starts."""
        board = Board(self.folder)
        with faulty_daemon(self.folder, workers=1, SYSFAULT_BOARD=board.path) as daemon:
            daemon.whole_pool()
            # Not those of its end.
            names = [site.name for site in board.sites()
                     if site.name.startswith(f"zygote {call} ")]
        self.assertTrue(names, call)
        return names

    def with_fault(self, board, site, kind):
        return faulty_daemon(self.folder, workers=1, pool=STALL, SYSFAULT_BOARD=board.path,
                             SYSFAULT_FAULT=f"{site} 1 {kind}")

    def test_a_report_that_there_was_no_memory_for_comes_later(self):
        for site in self.sites("sendmsg"):
            with self.subTest(site):
                board = Board(self.folder)
                begin = time.monotonic()
                with self.with_fault(board, site, "ENOMEM") as daemon:
                    daemon.whole_pool()
                    took = time.monotonic() - begin
                    self.assertTrue(board.failed())
                    self.assertEqual(daemon.status()["zygote"]["restarts"], 0)
                self.assertLess(took, START_DEADLINE_S)

    def test_a_worker_that_has_no_pidfd_is_not_given_out(self):
        for kind in "EMFILE", "ENOMEM":
            for site in self.sites("pidfd_open"):
                with self.subTest(site=site, kind=kind):
                    self.takes_its_place(site, kind)

    def takes_its_place(self, site, kind):
        board = Board(self.folder)
        with self.with_fault(board, site, kind) as daemon:
            (worker,) = daemon.whole_pool()
            self.assertTrue(board.failed())
            wait_until(lambda: children_of(daemon.status()["zygote"]["pid"]) ==
                       [worker["pid"]], "the other is gone")
            # Whom the daemon could not end would hold this job for ever.
            os.kill(worker["pid"], signal.SIGSTOP)
            answer = daemon.json(*range_job())
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 1))


if __name__ == "__main__":
    unittest.main()
