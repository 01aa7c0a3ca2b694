#!/usr/bin/env python3
"""SIGHUP: tallyd reads its configuration again, whole or not at all."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from processes import SANITIZED
from tally_daemon import (PATIENCE_S, TallyDaemon, clean_environment, program, tally,
                          wait_until)

REFUSED = 4


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(workers=1))
        self.config = self.daemon.folder / "tallyd.toml"

    def reload(self, text, says):
        """The log's new part, once it says how the reload ended."""
        before = len(self.daemon.log_text())
        self.config.write_text(text)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: says in self.daemon.log_text()[before:], f"logged: {says}")
        return self.daemon.log_text()[before:]

    def full(self):
        """Whether a second client is refused while one is connected."""
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(self.daemon.socket))
            # Accepted in order, so the first is in by the time of the second.
            return self.daemon.tally("ping").returncode == REFUSED

    def test_a_limit_takes_effect_for_the_next_client(self):
        self.assertFalse(self.full())
        self.reload("[limits]\nsessions = 1\n[pool]\nworkers = 1\n",
                    "configuration reloaded: limits.sessions\n")
        self.assertTrue(self.full())

    def test_a_key_left_out_goes_back_to_its_default(self):
        self.reload("[limits]\nsessions = 1\n[pool]\nworkers = 1\n",
                    "configuration reloaded: limits.sessions\n")
        self.reload("[pool]\nworkers = 1\n", "configuration reloaded: limits.sessions\n")
        self.assertFalse(self.full())

    def test_the_log_follows_its_level(self):
        self.reload('[log]\nlevel = "debug"\n[pool]\nworkers = 1\n',
                    "configuration reloaded: log.level\n")
        self.daemon.tally("run", "sum", "--range", "0:10")
        self.assertIn(" done on the ", self.daemon.log_text())

    def test_what_needs_a_restart_is_named_and_left_as_it_is(self):
        said = self.reload("[pool]\nworkers = 2\n[limits]\njobs = 5\nsessions = 9\n",
                           "need of a restart: pool.workers, limits.jobs\n")
        self.assertIn("configuration reloaded: limits.sessions\n", said)
        self.assertEqual(len(self.daemon.status()["workers"]), 1)

    def test_with_anything_wrong_every_problem_is_told_and_nothing_changes(self):
        said = self.reload('[limits]\nsessions = 1\njobs = "many"\n[lock]\nlevel = 1\n',
                           "configuration not reloaded: nothing has changed\n")
        self.assertIn(f"{self.config}:3:8: limits.jobs: expected an integer", said)
        self.assertIn(f'{self.config}:4:2: unknown table "lock"', said)
        self.assertFalse(self.full())

    def test_a_file_that_is_gone_changes_nothing(self):
        self.reload("[limits]\nsessions = 1\n[pool]\nworkers = 1\n", "limits.sessions\n")
        self.config.unlink()
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "cannot be opened" in self.daemon.log_text(), "told")
        self.assertTrue(self.full())

    def test_a_running_job_does_not_notice(self):
        stop = 5_000_000_000 if SANITIZED else 100_000_000_000
        job = self.daemon.start_tally("run", "sum", "--range", f"0:{stop}",
                                      "--path", "process")
        wait_until(lambda: self.daemon.status()["queue"]["jobs_running"] == 1, "running")
        self.reload('[log]\nlevel = "debug"\n[pool]\nworkers = 1\n', "log.level\n")
        out, error = job.communicate(timeout=PATIENCE_S)
        self.assertEqual(job.returncode, 0, error)
        self.assertIn(str(stop * (stop - 1) // 2), out.replace(",", ""))

    @unittest.skipUnless(os.geteuid() == 0, "takes root to become another user")
    def test_access_is_given_and_taken(self):
        def ping():
            return tally("ping", env=self.daemon.env, user=1234, group=1234,
                         extra_groups=[77]).returncode

        self.daemon.folder.chmod(0o755)
        self.daemon.socket.chmod(0o666)
        self.assertEqual(ping(), REFUSED)
        for entry in ("users = [1234]", "groups = [1234]", "admin_groups = [77]"):
            self.reload(f"[access]\n{entry}\n[pool]\nworkers = 1\n",
                        f"configuration reloaded: access.{entry.split()[0]}\n")
            self.assertEqual(ping(), 0, entry)
            self.reload("[pool]\nworkers = 1\n", "configuration reloaded: access.")
            self.assertEqual(ping(), REFUSED, entry)


class WithoutAFileTest(unittest.TestCase):
    def test_a_hangup_drains(self):
        with tempfile.TemporaryDirectory(prefix="tally-hangup-") as folder:
            path = pathlib.Path(folder, "s")
            process = subprocess.Popen([program("TALLYD_BIN"), "--socket", str(path)],
                                       env=clean_environment(folder), text=True,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            env = clean_environment(folder, TALLY_SOCKET=path)
            wait_until(lambda: path.exists() and tally("ping", env=env).returncode == 0,
                       "it answers")
            process.send_signal(signal.SIGHUP)
            _, log = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(process.returncode, 0, log)
            self.assertIn("serving -> draining", log)


if __name__ == "__main__":
    unittest.main()
