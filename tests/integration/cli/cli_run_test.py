#!/usr/bin/env python3
"""The tally program against a real daemon, and embedded."""

import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import unittest

from daemon_case import DaemonCase
from tally_daemon import clean_environment, program, tally, wait_until
from terminals import open_terminal, read_terminal, take_terminal

# A job that would take hours (weeks under a sanitizer): only a cancellation ends it in
# time. Not so long that the time left is past telling.
ENDLESS = ["--range", "0:1e15", "--path", "process"]


class CliRunTest(DaemonCase):
    # --- results ------------------------------------------------------------------

    def test_one_result_is_a_line_and_a_summary(self):
        lines = self.done("run", "sum", "--range", "0:500000000").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["sum", "124999999750000000"])
        self.assertRegex(lines[1], r"^500,000,000 elements in .* path \(.*\), \d workers?$")
        self.assertEqual(len(lines), 2)

    def test_quiet_prints_values_alone(self):
        done = self.done("run", "count,sum,mean,min,max,argmin,argmax", "--range",
                         "-5:6", "--quiet")
        self.assertEqual(done.stdout.split("\n"),
                         ["11", "0", "0.0", "-5", "5", "0", "10", ""])
        self.assertEqual(done.stderr, "")

    def test_options_stand_anywhere_and_numbers_have_every_form(self):
        for words in (["--quiet", "run", "sum", "--range", "0:1_000"],
                      ["run", "-q", "--range=0:1e3", "sum"],
                      ["run", "-q", "--range", "0:01000", "--", "sum"]):
            self.assertEqual(self.done(*words).stdout, "499500\n", words)

    def test_values_are_exact(self):
        self.assertEqual(self.done("run", "sum", "--values", "0.1,0.2,-0.3", "-q").stdout,
                         "2.7755575615628914e-17\n")
        self.assertEqual(self.done("run", "sum,min", "--values", "-1,2", "-q").stdout,
                         "1.0\n-1.0\n")
        self.assertEqual(
            self.done("run", "sum", "--values", "18446744073709551615,1", "--dtype",
                      "u64", "-q").stdout, "18446744073709551616\n")

    def test_files_of_every_format(self):
        raw = struct.pack("<4d", 1, 2, 4, 8)
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }"
        header = header.ljust(117) + "\n"
        npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + raw
        for path, *options in (
                [self.file("a.npy", npy)],
                [self.file("a.raw", raw), "--dtype", "f64"],
                [self.file("a.f64", raw)],
                [self.file("a.csv", "n,x\n1,1\n2,2\n3,4\n4,8\n"), "--column", "x"],
                [self.file("b.csv", "1;1\n2;2\n3;4\n4;8\n"), "--column", "2",
                 "--header", "no", "--delimiter", ";"],
                [self.file("a.tsv", "n\tx\n1\t1\n2\t2\n3\t4\n4\t8\n"), "--column=x"],
                [self.file("data", "x\n1\n2\n4\n8\n"), "--format", "csv"]):
            self.assertEqual(self.done("run", "sum", path, *options, "-q").stdout,
                             "15.0\n", path)

    def test_the_path_the_hint_and_the_workers_are_obeyed(self):
        for path in "thread", "process":
            answer = self.daemon.json("run", "sum", "--range", "0:1e7", "--path", path,
                                      "--workers", "1")
            self.assertEqual((answer["path"], answer["workers"]), (path, 1))
        answer = self.daemon.json("run", "sum", "--range", "0:1e7", "--hint", "io")
        self.assertEqual(answer["path"], "thread")
        answer = self.daemon.json("run", "sum", "--range", "0:10", "--require", "isolated")
        self.assertEqual(answer["path"], "process")
        done = self.done("run", "sum", "--range", "0:10", "--workers", "99", code=2)
        self.assertRegex(done.stderr, r"^tally: .*\b2\b")  # names the pool's size

    def test_the_times_of_a_run_add_up(self):
        time = self.daemon.json("run", "sum", "--range", "0:1e8")["time"]
        parts = ["queue_ns", "plan_ns", "run_ns", "merge_ns", "reply_ns", "other_ns"]
        self.assertEqual(sum(time[part] for part in parts), time["total_ns"])
        self.assertGreater(time["transport_ns"], 0)

    # --- failures -----------------------------------------------------------------

    def test_a_bad_cell_fails_the_job_and_is_named(self):
        path = self.file("bad.csv", "a,b\n1,2\n3,oops\n")
        done = self.done("run", "sum:b", path, code=1)
        self.assertEqual(done.stdout, "")
        for part in (str(path), "line 3", "oops"):
            self.assertIn(part, done.stderr)
        done = self.done("run", "sum:b", path, "--json", code=1)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["state"], answer["error"]["line"]), ("failed", 3))
        self.assertTrue(done.stderr.startswith("tally: "))

    def test_a_column_that_is_not_there_exits_2_and_lists_those_that_are(self):
        path = self.file("a.csv", "alpha,beta\n1,2\n")
        done = self.done("run", "sum:gamma", path, code=2)
        for part in ("gamma", "alpha", "beta"):
            self.assertIn(part, done.stderr)

    def test_an_unknown_reducer_exits_2_with_the_nearest(self):
        done = self.done("run", "maen", "--range", "0:5", code=2)
        self.assertIn("mean", done.stderr)

    def test_a_reducer_without_a_value_exits_1_beside_those_that_have_one(self):
        done = self.done("run", "count,sum,mean", "--range", "0:0", code=1)
        self.assertRegex(done.stdout, r"(?m)^count +0\nsum +0\nmean +error: ")
        self.assertTrue(done.stderr.startswith("tally: mean: "), done)

    def test_a_timeout_exits_5(self):
        done = self.done("run", "sum", *ENDLESS, "--timeout", "100ms", code=5)
        self.assertTrue(done.stderr.startswith("tally: "))

    # --- Ctrl-C and the progress bar ------------------------------------------------

    def start_endless(self, **options):
        process = subprocess.Popen(
            [program("TALLY_BIN"), "run", "sum", *ENDLESS], env=self.daemon.env,
            stdin=subprocess.DEVNULL, **options)
        self.addCleanup(process.kill)
        return process

    def queue(self):
        return self.daemon.status()["queue"]

    def test_ctrl_c_cancels_the_job_and_exits_130(self):
        process = self.start_endless(stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True)
        wait_until(lambda: self.queue()["jobs_running"] == 1, "the job runs")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out), (130, ""))
        self.assertIn("interrupted", err)
        self.assertEqual(self.queue()["jobs_running"], 0)

    def test_a_killed_client_has_its_job_cancelled_and_the_workers_are_idle(self):
        process = self.start_endless(stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        wait_until(lambda: self.queue()["jobs_running"] == 1, "the job runs")
        process.kill()
        process.wait()
        wait_until(lambda: self.queue()["jobs_running"] == 0, "the job is cancelled")
        wait_until(lambda: {w["state"] for w in self.daemon.status()["workers"]} ==
                   {"idle"}, "the workers are idle")

    def test_a_terminal_shows_progress_and_is_left_clean(self):
        ours, theirs = open_terminal()
        self.addCleanup(os.close, ours)
        process = self.start_endless(stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = read_terminal(ours, b" left")
        self.assertRegex(shown.decode(), r"\[.*\] +\d+ %  .* elements/s  .* left")
        process.send_signal(signal.SIGINT)
        rest = read_terminal(ours, b"cancelled")
        self.assertEqual(process.wait(30), 130)
        last_drawn = rest.rfind(b"elements/s")
        self.assertGreater(rest.rfind(b"\r\x1b[K"), last_drawn)  # erased at the end

    def test_what_is_no_terminal_gets_no_progress_and_no_colour(self):
        done = self.done("run", "sum", "--range", "0:1e8")
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    # --- the other commands -------------------------------------------------------

    def test_compare_has_a_row_a_way_and_the_same_bits(self):
        done = self.done("compare", "sum", "--range", "0:1e7")
        for row in (r"^path +workers +time +speed-up +CPU +memory +sum$",
                    r"^thread +1 .* 1\.00x .* daemon's RSS +49999995000000$",
                    r"^thread +2 .* 49999995000000$",
                    r"^process +2 .* workers' PSS +49999995000000$",
                    r"^all results have the same bits: yes$",
                    r"^parallel helped: (yes|no), ",
                    r"^processes over threads: "):
            self.assertRegex(done.stdout, "(?m)" + row)

    def test_compare_as_json_has_the_ways_as_run_objects(self):
        answer = self.daemon.json("compare", "sum,mean", "--range", "0:1e7")
        self.assertEqual([(w["path"], w["workers"]) for w in answer["ways"]],
                         [("thread", 1), ("thread", 2), ("process", 2)])
        self.assertTrue(answer["same_bits"])
        self.assertGreater(answer["ways"][2]["memory"]["workers_pss_bytes"], 0)
        self.assertIsInstance(answer["parallel_helped"], bool)

    def test_explain_shows_the_plan_and_runs_nothing(self):
        before = self.queue()["jobs_finished"]
        out = self.done("explain", "sum", "--range", "0:500000000").stdout
        for row in ("path +process", "why +.", "workers +2", "chunks +", "leaves +7,630",
                    "elements +500,000,000", "note +.*closed form"):
            self.assertRegex(out, "(?m)^" + row)
        self.assertEqual(self.queue()["jobs_finished"], before)

    def test_status_shows_the_pool(self):
        out = self.done("status").stdout
        self.assertRegex(out, r"(?m)^cores +\d+ usable: ")
        self.assertRegex(out, r"(?m)^worker +pid +state +job +chunks +restarts +memory "
                              r"+doing$")
        self.assertEqual(len(re.findall(r"(?m)^\d +\d+ +idle ", out)), 2)
        status = self.daemon.status()
        self.assertEqual(status["pid"], self.daemon.process.pid)
        self.assertEqual(len(status["workers"]), 2)

    def test_ping_answers_with_the_daemons_pid(self):
        self.assertRegex(self.done("ping").stdout,
                         rf"^pong from tallyd .* \(pid {self.daemon.process.pid}\) in ")


class CliEmbeddedTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="tally-embedded-")
        self.addCleanup(temporary.cleanup)
        self.env = clean_environment(temporary.name)

    def test_embedded_gives_the_same_answer_and_leaves_nothing(self):
        done = tally("run", "sum", "--range", "0:1e7", "--embedded", "--json",
                     env=self.env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["results"][0]["value"], "49999995000000")
        self.assertEqual(answer["daemon"]["kind"], "embedded")
        pids = {usage["pid"] for usage in answer["worker_usage"]}
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids),
                   "the workers of the embedded core are gone")

    @unittest.skipIf(os.path.exists("/run/tally/tally.sock"), "a daemon runs here")
    def test_where_no_daemon_is_found_it_says_that_it_runs_embedded(self):
        done = tally("run", "sum", "--range", "0:1e7", env=self.env)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stderr, "tally: no daemon found; running embedded\n")
        done = tally("run", "sum", "--range", "0:1e7", "-q", env=self.env)
        self.assertEqual((done.stdout, done.stderr), ("49999995000000\n", ""))

    def test_ctrl_c_on_the_terminal_ends_an_embedded_job_in_order(self):
        # The terminal's Ctrl-C goes to the whole foreground group; workers are not in it.
        ours, theirs = open_terminal()
        self.addCleanup(os.close, ours)

        process = subprocess.Popen(
            [program("TALLY_BIN"), "run", "sum", *ENDLESS, "--embedded"], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
            preexec_fn=take_terminal)
        self.addCleanup(process.kill)
        os.close(theirs)
        read_terminal(ours, b"%")  # it runs
        os.write(ours, b"\x03")
        self.assertIn(b"interrupted; the job was cancelled",
                      read_terminal(ours, b"cancelled"))
        self.assertEqual(process.wait(30), 130)


if __name__ == "__main__":
    unittest.main()
