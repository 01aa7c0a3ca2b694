#!/usr/bin/env python3
"""Detached jobs: submit, wait, show, jobs and cancel against a real daemon."""

import json
import os
import pathlib
import re
import signal
import tempfile
import unittest

from daemon_case import DaemonCase
from tally_daemon import TallyDaemon, clean_environment, tally, wait_until

# A job that would take hours: only a cancellation ends it in time.
ENDLESS = ["--range", "0:9223372036854775807", "--path", "process"]
FULL_ID = r"^[0-9a-f]{16}-[0-9]+$"


def short(job):
    tag, number = job.split("-")
    return f"{tag[:4]}-{number}"


def other_tag(job):
    """The id of the same number under a tag that differs in its first digit."""
    return ("0" if job[0] != "0" else "1") + job[1:]


class CliDetachedTest(DaemonCase):
    def submit(self, *words):
        job = self.done("submit", *words).stdout.strip()
        self.assertRegex(job, FULL_ID)
        return job

    def endless(self):
        job = self.submit("sum", *ENDLESS)
        self.addCleanup(self.daemon.tally, "cancel", job)
        wait_until(lambda: self.state(job) == "running", "the job runs")
        return job

    def state(self, job):
        return self.daemon.json("show", job)["state"]

    def refused(self, *words):
        """The code of the error that ends a command with exit code 2."""
        done = self.done(*words, "--json", code=2)
        self.assertTrue(done.stderr.startswith("tally: "), done)
        return json.loads(done.stdout)["error"]["code"]

    def test_a_result_is_kept_after_its_submitter_is_gone(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "a.csv")
            data.write_text("x\n1\n2\n4\n", encoding="ascii")
            job = self.submit("sum:x,max:x", data)
        for name in (job, short(job), short(job)):  # any number of times, in any form
            lines = self.done("wait", name).stdout.splitlines()
            self.assertEqual([line.split() for line in lines[:2]],
                             [["sum:x", "7.0"], ["max:x", "4.0"]])
            self.assertRegex(lines[2], r"^3 elements in ")
        self.assertEqual(self.done("wait", job, "--quiet").stdout, "7.0\n4.0\n")
        self.assertEqual(self.state(job), "done")
        self.assertIn("sum:x  7.0", self.done("show", job).stdout)

    def test_json_names_the_job_in_full_and_in_short(self):
        submitted = self.daemon.json("submit", "sum", "--range", "0:10")
        self.assertRegex(submitted["job"], FULL_ID)
        self.assertEqual(submitted["short"], short(submitted["job"]))
        waited = self.daemon.json("wait", submitted["job"])
        self.assertEqual((waited["job"], waited["state"], waited["results"][0]["value"]),
                         (submitted["short"], "done", "45"))

    def test_wait_has_the_exit_codes_of_run(self):
        empty = self.submit("mean", "--range", "0:0")
        self.assertIn("tally: mean: ", self.done("wait", empty, code=1).stderr)
        late = self.submit("sum", *ENDLESS, "--timeout", "50ms")
        self.done("wait", late, code=5)
        self.assertEqual(self.state(late), "expired")
        self.assertIn("expired", self.done("show", late).stdout)

    def test_a_running_job_that_is_cancelled_ends_its_wait_with_6(self):
        job = self.endless()
        waits = [self.daemon.start_tally("wait", name, "--json")
                 for name in (job, short(job))]
        self.assertEqual(json.loads(self.done("cancel", short(job), "--json").stdout),
                         {"job": short(job), "cancelled": True})
        for wait in waits:
            out, err = wait.communicate(timeout=30)
            self.assertEqual(wait.returncode, 6, (out, err))
            self.assertEqual(json.loads(out)["state"], "cancelled")
        self.done("wait", job, code=6)
        self.assertEqual(self.refused("cancel", job), "no_such_job")

    def test_two_clients_wait_for_one_job(self):
        job = self.submit("sum", "--range", "0:3_000_000_000", "--path", "process")
        waits = [self.daemon.start_tally("wait", job, "--quiet") for _ in range(2)]
        for wait in waits:
            out, err = wait.communicate(timeout=60)
            self.assertEqual((out, err, wait.returncode),
                             ("4499999998500000000\n", "", 0))

    def test_ctrl_c_and_timeout_leave_the_job(self):
        job = self.endless()
        late = self.done("wait", job, "--timeout", "20ms", "--json", code=5)
        self.assertEqual(json.loads(late.stdout)["error"]["code"], "wait_timeout")
        before = self.daemon.status()["sessions"]
        wait = self.daemon.start_tally("wait", job)
        wait_until(lambda: self.daemon.status()["sessions"] > before,
                   "the daemon hears the wait")
        wait.send_signal(signal.SIGINT)
        out, err = wait.communicate(timeout=30)
        self.assertEqual((wait.returncode, out), (130, ""))
        self.assertEqual(err, "tally: interrupted; the job goes on\n")
        self.assertEqual(self.state(job), "running")

    def test_jobs_lists_what_runs_and_what_is_kept(self):
        kept = self.submit("sum,count", "--range", "0:10")
        self.done("wait", kept)
        running = self.endless()
        listed = {job["job"]: job for job in self.daemon.json("jobs")["jobs"]}
        self.assertEqual(listed[short(kept)]["state"], "done")
        self.assertEqual(listed[short(kept)]["reducers"], "sum,count")
        self.assertEqual(listed[short(running)]["state"], "running")
        self.assertEqual(listed[short(running)]["uid"], os.getuid())
        rows = [row.split() for row in self.done("jobs").stdout.splitlines()]
        self.assertEqual(rows[0], ["job", "state", "path", "chunks", "age", "reducers"])
        self.assertIn([short(kept), "done"], [row[:2] for row in rows])
        # An attached job leaves nothing to be kept.
        attached = self.daemon.json("run", "sum", "--range", "0:10")["job"]
        self.assertNotIn(attached, self.done("jobs").stdout)

    def test_an_id_that_is_not_this_daemons_is_daemon_restarted(self):
        job = self.submit("sum", "--range", "0:10")
        for verb in ("wait", "show", "cancel"):
            for stale in (other_tag(job), short(other_tag(job))):
                self.assertEqual(self.refused(verb, stale), "daemon_restarted")
            tag = job.split("-")[0]
            for unknown in (f"{tag}-999999", f"{tag[:4]}-999999"):
                self.assertEqual(self.refused(verb, unknown), "no_such_job")

    def test_an_id_from_before_a_restart_is_told_apart(self):
        with TallyDaemon(workers=1) as before:
            job = before.tally("submit", "sum", "--range", "0:10").stdout.strip()
            before.tally("wait", job)
        self.assertRegex(job, FULL_ID)
        self.assertEqual(self.refused("wait", job), "daemon_restarted")

    def test_words_that_are_no_id_are_refused(self):
        for words, code in [(["wait"], "no_job_id"), (["show", "17"], "bad_job_id"),
                            (["cancel", "xyz-17"], "bad_job_id"),
                            (["wait", "7f3a-17", "7f3a-18"], "unexpected_argument"),
                            (["wait", "7f3a-17", "--timeout", "0"], "bad_option"),
                            (["jobs", "7f3a-17"], "unexpected_argument"),
                            (["submit", "sum"], "no_source"),
                            (["submit", "sum", "--values", "1", "--embedded"],
                             "option_does_not_apply")]:
            self.assertEqual(self.refused(*words), code, words)

    def test_without_a_daemon_there_is_nothing_to_submit_to(self):
        env = clean_environment("/nonexistent")
        for words in (["submit", "sum", "--values", "1"], ["wait", "7f3a-17"],
                      ["show", "7f3a-17"], ["jobs"], ["cancel", "7f3a-17"]):
            done = tally(*words, env=env)
            self.assertEqual(done.returncode, 3, (words, done))
            self.assertTrue(re.match("tally: no daemon", done.stderr), done)

    def test_finished_jobs_are_kept_in_the_number_that_is_configured(self):
        with TallyDaemon(workers=1, config="[limits]\nfinished_jobs = 1") as daemon:
            first, second = (daemon.tally("submit", "sum", "--range", "0:10").stdout.strip()
                             for _ in range(2))
            self.assertEqual(daemon.tally("wait", second).returncode, 0)
            self.assertEqual(daemon.tally("wait", first).returncode, 2)
            self.assertEqual([job["job"] for job in daemon.json("jobs")["jobs"]],
                             [short(second)])


if __name__ == "__main__":
    unittest.main()
