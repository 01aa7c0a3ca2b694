#!/usr/bin/env python3
"""The zygote is stopped: it is killed and replaced, and never holds up the end."""

import os
import signal
import unittest

from jobs import pids, range_job, range_sum, value_of
from processes import Watched, watch_all
from tally_daemon import TallyDaemon


class StoppedZygoteTest(unittest.TestCase):
    def test_a_pool_that_it_does_not_fill_comes_back(self):
        with TallyDaemon() as daemon:
            workers = pids(daemon.whole_pool())
            zygote = Watched(daemon.status()["zygote"]["pid"])
            zygote.kill(signal.SIGSTOP)
            for worker in watch_all(sorted(workers)):
                worker.kill()
            # The replacements are asked for in vain, until it is looked at.
            self.assertEqual(value_of(daemon.json(*range_job())), range_sum())
            self.assertTrue(zygote.gone())
            self.assertIn("is stopped and forks no worker; killing it", daemon.log_text())
            self.assertEqual(daemon.status()["zygote"]["restarts"], 1)
            self.assertFalse(workers & pids(daemon.whole_pool()))

    def test_the_daemon_ends_beside_a_stopped_one(self):
        with TallyDaemon() as daemon:
            daemon.whole_pool()
            os.kill(daemon.status()["zygote"]["pid"], signal.SIGSTOP)
        # Leaving the block stops the daemon and asserts exit 0 and no process left.


if __name__ == "__main__":
    unittest.main()
