#!/usr/bin/env python3
"""--verbose and --trace: where the time and the memory of a job went."""

import json
import os
import pathlib
import re
import signal
import stat
import tempfile
import unittest

from tally_daemon import TallyDaemon, clean_environment, tally, wait_until

# Several chunks of several leaves each.
JOB = ["sum", "--range", "0:8_000_000", "--chunk", "524288", "--workers", "2"]


class Trace:
    """A trace file, checked against the answer that came with it."""

    def __init__(self, test, path, answer):
        self.whole = json.loads(pathlib.Path(path).read_text(encoding="ascii"))
        events = self.whole["traceEvents"]
        names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events
                 if e["ph"] == "M" and e["name"] == "thread_name"}
        for event in events:
            test.assertIn(event["ph"], "MXi")
            if event["ph"] == "X":
                test.assertIn((event["pid"], event["tid"]), names)
        spans = [e for e in events if e["ph"] == "X"]
        self.phases = [e for e in spans if e["cat"] == "phase"]
        self.chunks = [e for e in spans if e["cat"] == "chunk"]
        test.assertEqual(len(self.phases) + len(self.chunks), len(spans))
        self.done = [e for e in self.chunks if e["args"]["end"] == "done"]
        total_us = answer["time"]["total_ns"] / 1000
        # The phases follow each other and make up the whole.
        end = 0
        for phase in self.phases:
            test.assertAlmostEqual(phase["ts"], end, places=2)
            end = phase["ts"] + phase["dur"]
        test.assertAlmostEqual(end, total_us, places=2)
        for chunk in self.chunks:
            test.assertGreaterEqual(chunk["ts"], 0)
            test.assertGreaterEqual(chunk["dur"], 0)
            test.assertLessEqual(chunk["ts"] + chunk["dur"], total_us)
            test.assertEqual(chunk["tid"], chunk["args"]["worker"] + 1)
            test.assertEqual(chunk["name"], f"chunk {chunk['args']['chunk']}")
        self.check_lanes(test)

    def check_lanes(self, test):
        """A worker computes one chunk at a time."""
        lanes = {}
        for chunk in self.done:
            lanes.setdefault(chunk["tid"], []).append(chunk)
        for lane in lanes.values():
            lane.sort(key=lambda chunk: chunk["ts"])
            for one, next_one in zip(lane, lane[1:]):
                test.assertLessEqual(one["ts"] + one["dur"], next_one["ts"] + 0.001)

    def check_tiles(self, test, answer):
        test.assertEqual(sorted(e["args"]["chunk"] for e in self.done),
                         list(range(answer["chunks"])))
        run = next(e for e in self.phases if e["name"] == "run")
        for chunk in self.done:  # to the nanosecond; the sums of decimals are not exact
            test.assertGreaterEqual(chunk["ts"] + 0.001, run["ts"])
            test.assertLessEqual(chunk["ts"] + chunk["dur"],
                                 run["ts"] + run["dur"] + 0.001)


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon(workers=2)
        cls.daemon.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="tally-report-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.path = self.folder / "a.trace.json"

    def traced(self, *words):
        answer = self.daemon.json("run", *words, "--trace", self.path)
        return answer, Trace(self, self.path, answer)

    # --- --trace ----------------------------------------------------------------------

    def test_chunks_tile_the_job_and_lie_inside_its_time(self):
        data = self.folder / "a.csv"
        data.write_text("x\n" + "1.5\n" * 1_000_000, encoding="ascii")
        for words in ([*JOB, "--path", "process"], [*JOB, "--path", "thread"],
                      ["sum:x", data, "--chunk", "1048576", "--path", "process"],
                      ["sum", "--values", "1,2,3"],
                      ["sum", "--values", "1,2,3", "--path", "thread"],
                      ["count", "--range", "0:0"]):
            answer, trace = self.traced(*words)
            trace.check_tiles(self, answer)
            other = trace.whole["otherData"]
            self.assertEqual((other["state"], other["left_out"], other["chunks"],
                              other["records"], other["path"]),
                             ("done", 0, answer["chunks"], answer["chunks"],
                              answer["path"]))
            pids = {chunk["args"]["process"] for chunk in trace.chunks}
            self.assertEqual(pids, {usage["pid"] for usage in answer["worker_usage"]})

    def test_what_each_worker_had_is_what_the_report_says(self):
        answer, trace = self.traced(*JOB, "--path", "process")
        for usage in answer["worker_usage"]:
            mine = [c for c in trace.done if c["args"]["worker"] == usage["worker"]]
            self.assertEqual(len(mine), usage["chunks"])
            self.assertAlmostEqual(sum(c["dur"] for c in mine), usage["run_ns"] / 1000,
                                   places=1)

    def test_a_job_without_it_is_answered_as_before(self):
        answer = self.daemon.json("run", *JOB)
        traced, _ = self.traced(*JOB)
        self.assertEqual(answer.keys(), traced.keys())

    def test_embedded_too(self):
        env = clean_environment(self.folder)
        done = tally("run", *JOB, "--embedded", "--json", "--trace", self.path, env=env)
        answer = json.loads(done.stdout)
        Trace(self, self.path, answer).check_tiles(self, answer)

    def test_a_cancelled_job_has_its_trace(self):
        job = self.daemon.start_tally("run", "sum", "--range", "0:9e18", "--path",
                                      "process", "--json", "--trace", str(self.path))
        wait_until(lambda: self.daemon.status()["queue"]["jobs_running"] == 1, "it runs")
        job.send_signal(signal.SIGINT)
        out, _ = job.communicate(timeout=30)
        self.assertEqual(job.returncode, 130)
        trace = Trace(self, self.path, json.loads(out))
        self.assertEqual({c["args"]["end"] for c in trace.chunks}, {"called off"})
        self.assertEqual(trace.whole["otherData"]["state"], "cancelled")

    def test_a_failed_job_has_its_trace_and_its_exit_code(self):
        data = self.folder / "a.csv"
        data.write_text("x\n1\noops\n", encoding="ascii")
        done = self.daemon.tally("run", "sum:x", data, "--json", "--trace", self.path)
        self.assertEqual(done.returncode, 1)
        trace = Trace(self, self.path, json.loads(done.stdout))
        self.assertEqual([c["args"]["end"] for c in trace.chunks], ["failed"])

    def test_an_older_trace_is_replaced_whole(self):
        self.path.write_text("x" * 1_000_000, encoding="ascii")
        answer, trace = self.traced(*JOB)
        trace.check_tiles(self, answer)

    def test_a_file_that_cannot_be_opened_exits_2_and_runs_nothing(self):
        finished = self.daemon.status()["queue"]["jobs_finished"]
        read_only = self.folder / "read_only"
        read_only.touch(0o400)
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        paths = [self.folder, self.folder / "no" / "such", "", fifo]
        if os.geteuid() != 0:
            paths.append(read_only)
        for path in paths:
            done = self.daemon.tally("run", *JOB, "--trace", path)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (path, done))
            self.assertRegex(done.stderr, r"^tally: --trace .*cannot be written: ")
        self.assertEqual(self.daemon.status()["queue"]["jobs_finished"], finished)

    def test_an_input_is_never_written_over(self):
        data = self.folder / "a.csv"
        data.write_text("x\n1\n", encoding="ascii")
        done = self.daemon.tally("run", "sum:x", data, "--trace", data)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertIn("a file that the job reads", done.stderr)
        self.assertEqual(data.read_text(encoding="ascii"), "x\n1\n")

    def test_a_refused_job_leaves_no_empty_file_and_no_lost_one(self):
        words = ["run", "maen", "--range", "0:5", "--trace", self.path]
        self.assertEqual(self.daemon.tally(*words).returncode, 2)
        self.assertFalse(self.path.exists())
        self.path.write_text("older", encoding="ascii")
        self.assertEqual(self.daemon.tally(*words).returncode, 2)
        self.assertEqual(self.path.read_text(encoding="ascii"), "older")

    def test_a_full_disk_exits_1_and_the_result_is_printed(self):
        done = self.daemon.tally("run", *JOB, "-q", "--trace", "/dev/full")
        self.assertEqual((done.returncode, done.stdout), (1, "31999996000000\n"))
        self.assertEqual(done.stderr, "tally: the trace cannot be written to /dev/full: "
                                      "No space left on device\n")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))

    # --- --verbose --------------------------------------------------------------------

    def test_verbose_says_on_stderr_where_time_and_memory_went(self):
        done = self.daemon.tally("run", *JOB, "--path", "process", "-v")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        for line in (r"^time +\S+ \S+ = .*\brun \S+ \S+ \(\S+ %\)",
                     r"^time .*\btransport \S+ \S+ \(\S+ %\)",
                     r"^work +the workers computed \d.* % of the time they were held",
                     r"^CPU +\S+ \S+ \(user .*, system .*\)",
                     r"^parallel +.* of computing took .*: \d+\.\d\d at a time, saved ",
                     r"^memory +the pool's workers .* PSS .*daemon .* RSS",
                     r"^processes +a crash costs one attempt"):
            self.assertRegex(done.stderr, "(?m)" + line)

    def test_verbose_leaves_stdout_as_it_is(self):
        done = self.daemon.tally("run", *JOB, "-q", "--verbose")
        self.assertEqual(done.stdout, "31999996000000\n")
        self.assertIn("computed", done.stderr)
        verbose = self.daemon.tally("run", *JOB, "--path", "process", "--json", "-v")
        answer = json.loads(verbose.stdout)
        self.assertEqual(answer.keys(), self.daemon.json("run", *JOB).keys())
        self.assertIsNone(answer["memory"]["workers_pss_bytes"])
        self.assertIn("computed", verbose.stderr)

    def test_verbose_of_the_other_paths_and_ends(self):
        for words, says in ((["--values", "1,2"], "in the daemon itself"),
                            (["--range", "0:1e6", "--path", "thread"], "the thread"),
                            (["--range", "0:9e18", "--timeout", "50ms"], "time ")):
            done = self.daemon.tally("run", "sum", *words, "-v")
            self.assertIn(says, done.stderr)
            self.assertNotRegex(done.stderr, r"nan|inf\b")

    def test_verbose_of_a_job_that_was_submitted(self):
        job = self.daemon.json("submit", *JOB)["job"]
        done = self.daemon.tally("wait", job, "-v")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"(?m)^time ")
        self.assertNotIn("transport", done.stderr)

    def test_compare_says_what_parallelism_and_processes_bought(self):
        out = self.daemon.tally("compare", *JOB[:-2]).stdout
        self.assertEqual(len(re.findall(
            r"(?m)^  2 (?:threads|processes): .* (?:saved of|lost over) .* with 1 thread, "
            r"for \S+ % (?:more|less) CPU$", out)), 2, out)
        self.assertRegex(out, r"(?m)^computing while held: 1 thread \d+.* %, 2 threads "
                              r".* %, 2 processes .* %; the rest they waited for chunks$")


if __name__ == "__main__":
    unittest.main()
