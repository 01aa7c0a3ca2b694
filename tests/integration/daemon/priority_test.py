#!/usr/bin/env python3
"""A user's own jobs go by priority, however they come."""

import json
import unittest

from daemon_case import DaemonCase
from tally_daemon import PATIENCE_S, wait_until

LONG = ("run", "sum", "--range", "0:1000000000000", "--chunk", "10000000", "--path",
        "process")
SHORT = ("run", "sum", "--range", "0:100000", "--path", "process", "--json")


class Priority(DaemonCase):
    workers = 1

    def test_a_job_waits_for_those_of_higher_priority(self):
        long = self.daemon.start_tally(*LONG, "--priority", "1000")
        self.addCleanup(lambda: (long.kill(), long.communicate(timeout=PATIENCE_S)))
        wait_until(lambda: self.daemon.status()["workers"][0]["state"] == "busy",
                   "the long job runs")
        self.assertEqual(json.loads(self.done(*SHORT, "--priority", "1000").stdout)["state"],
                         "done")
        # A step is a second of waiting: it would come after a quarter of an hour.
        late = self.daemon.tally(*SHORT, "--timeout", "1s")
        self.assertEqual(json.loads(late.stdout)["error"]["code"], "timeout")


if __name__ == "__main__":
    unittest.main()
