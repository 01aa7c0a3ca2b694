#!/usr/bin/env python3
"""What a user who is no administrator sees of the jobs of others: nothing."""

import json
import os
import unittest

from tally_daemon import TallyDaemon, tally, wait_until

USER, ADMINISTRATOR = 1234, 1235
ENDLESS = ["--range", "0:1_000_000_000_000_000", "--path", "process"]
ACCESS = f"[access]\nusers = [{USER}]\nadministrators = [{ADMINISTRATOR}]\n"


@unittest.skipUnless(os.geteuid() == 0, "takes root to become another user")
class VisibilityTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(workers=1, config=ACCESS))
        self.daemon.folder.chmod(0o755)
        self.daemon.socket.chmod(0o666)

    def by(self, uid, *words):
        done = tally(*words, "--json", env=self.daemon.env, user=uid, group=uid,
                     extra_groups=[])
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def worker(self, uid):
        return self.by(uid, "status")["workers"][0]

    def run_for(self, uid):
        """A job of this user that the worker is at, by its short name."""
        job = self.by(uid, "submit", "sum", *ENDLESS)
        self.addCleanup(self.by, uid, "cancel", job["job"])
        wait_until(lambda: self.worker(0).get("doing"), "the worker is at it")
        return job["short"]

    def test_a_worker_on_anothers_job_is_busy_and_no_more(self):
        job = self.run_for(0)
        seen = self.worker(USER)
        self.assertEqual(seen["state"], "busy")
        self.assertFalse(seen.get("job"), seen)
        self.assertFalse(seen.get("doing"), seen)
        for hidden in "stalled_ns", "pss_bytes", "rss_bytes", "process_state":
            self.assertFalse(seen[hidden], seen)
        self.assertEqual(self.by(USER, "jobs")["jobs"], [])
        for uid in (0, ADMINISTRATOR):
            self.assertEqual(self.worker(uid)["job"], job)
            self.assertTrue(self.worker(uid)["doing"])
            self.assertTrue(self.worker(uid)["rss_bytes"])
            self.assertIn(self.worker(uid)["process_state"], ("R", "S"))

    def test_a_worker_on_ones_own_job_is_told_in_full(self):
        job = self.run_for(USER)
        seen = self.worker(USER)
        self.assertEqual(seen["job"], job)
        self.assertTrue(seen["doing"])
        self.assertTrue(seen["rss_bytes"])


if __name__ == "__main__":
    unittest.main()
