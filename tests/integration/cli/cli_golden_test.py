#!/usr/bin/env python3
"""Help texts and JSON, compared with tests/golden/cli/.

What differs from run to run (times, pids, sizes, tags) is replaced by a word for its
kind. `cli_golden_test.py --update` writes the files anew; look at the difference then.
"""

import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

from tally_daemon import TallyDaemon, clean_environment, tally

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "cli"
UPDATE = "--update" in sys.argv
COMMANDS = ["run", "compare", "explain", "submit", "wait", "show", "jobs", "cancel",
            "kernel", "kernels", "status", "ping", "version"]
KERNELS = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"])

# By a field's name; the first that fits. Null stays null, but for what is measured only
# where it is worth it.
VOLATILE = [(r"^(peak_rss|workers_anon)_bytes$", "SIZE OR NULL"),
            (r"_ns$", "TIME"), (r"^input_bytes$", None),
            (r"_bytes$", "SIZE"), (r"pid$", "PID"), (r"_percent$", "PERCENT"),
            (r"^(job|short)$", "JOB"), (r"^uid$", "UID"),
            (r"^socket$", "PATH"), (r"^version$", "VERSION"), (r"^sha256$", "HASH"),
            (r"^(bounds|usable)$", "CORES"), (r"^system_used", "PERCENT"),
            (r"^process_state$", "STATE"), (r"^parallel_helped$", "BOOLEAN"), (r"^kind$", "KIND"),
            (r"^sandbox$", "SANDBOX"),
            (r"^(running|busy|max|sessions|chunks_done|jobs_finished)$", "COUNT")]


def steady(value, name=""):
    if name == "totals":
        return {key: "COUNT" for key in value}
    if isinstance(value, dict) and "restart_pending" in value:  # a setting
        kind = {"socket": "PATH", "worker_program": "PATH", "cores": "CORES"}.get(name)
        return {**value, "value": kind or value["value"]}
    if isinstance(value, dict) and value.get("resource") == "pinned":  # all there is
        return {**value, "limit": "SIZE"}
    for pattern, word in VOLATILE:
        if re.search(pattern, name) and not isinstance(value, dict):
            keep = word is None or (value is None and "NULL" not in word)
            return value if keep else word
    if isinstance(value, dict):
        return {key: steady(item, key) for key, item in value.items()}
    if isinstance(value, list):
        if name == "worker_usage":  # who did how much is the schedule's choice
            value = [{key: "COUNT" if isinstance(item, int) and "_" not in key else item
                      for key, item in usage.items()} for usage in value[:1]]
        return [steady(item) for item in value]
    return value


class CliGoldenTest(unittest.TestCase):
    maxDiff = None

    def compare(self, name, text):
        path = GOLDEN / name
        if UPDATE:
            path.write_text(text, encoding="utf-8")
        self.assertEqual(text, path.read_text(encoding="utf-8"), name)

    def compare_json(self, name, text):
        self.assertEqual(text.count("\n"), 1, "one object on one line")
        self.compare(name, json.dumps(steady(json.loads(text)), indent=1) + "\n")

    def test_help_texts(self):
        env = clean_environment("/nonexistent")
        self.compare("help.txt", tally("help", env=env).stdout)
        for command in COMMANDS:
            text = tally(command, "--help", env=env).stdout
            self.compare(f"help_{command}.txt", text)
            self.assertEqual(tally("help", command, env=env).stdout, text)

    def test_json_of_errors(self):
        env = clean_environment("/nonexistent", TALLY_EMBED="never")
        done = tally("run", "sum", "--range", "0:5:0", "--json", env=env)
        self.compare_json("error.json.txt", done.stdout)

    def test_json_of_jobs(self):
        with TallyDaemon(workers=2) as daemon, tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "weather.csv")
            data.write_text("day,temp\n1,1.5\n2,-2\n3,\n4,nan\n", encoding="ascii")
            os.chdir(folder)  # file names are part of the answer
            for name, words in [
                ("run_range", ["run", "count,sum,mean,min,argmax=where", "--range",
                               "0:1_000_000", "--path", "process", "--workers", "2",
                               "--chunk", "524288"]),
                ("run_csv", ["run", "count:temp,mean:temp,argmin:temp", "weather.csv",
                             "--missing", "skip", "--nan", "skip", "--hint", "io"]),
                ("run_histogram", ["run", "histogram(edges=-inf,-2,0,1.5):temp=h,"
                                   "histogram(2,-1,1):temp,any:temp", "weather.csv",
                                   "--missing", "skip", "--hint", "io"]),
                ("run_inline", ["run", "sum,mean", "--values", "1,2,4"]),
                ("run_f32", ["run", "min,max", "--values", "0.1,inf", "--dtype", "f32"]),
                ("run_kernel", ["run", "bbox(day,2)=box", "weather.csv", "--missing",
                                "skip", "--nan", "skip", "--kernel",
                                KERNELS / "bbox.so"]),
                ("kernels", ["kernels", KERNELS / "words.so"]),
                ("explain", ["explain", "sum", "--range", "0:1e6", "--path", "process"]),
                ("compare", ["compare", "sum", "--range", "0:1e6", "--chunk", "524288"]),
                ("ping", ["ping"]),
                ("version", ["version"]),
                ("status", ["status"]),
            ]:
                done = daemon.tally(*words, "--json")
                self.assertEqual((done.returncode, done.stderr), (0, ""), words)
                self.compare_json(f"{name}.json.txt", done.stdout)

    def test_json_of_detached_jobs(self):
        with TallyDaemon(workers=1) as daemon:
            job = daemon.json("submit", "sum,count", "--range", "0:10")["job"]
            for name, words in [
                ("wait", ["wait", job]),
                ("show", ["show", job]),
                ("jobs", ["jobs"]),
                ("submit", ["submit", "sum", "--range", "0:10"]),
            ]:
                done = daemon.tally(*words, "--json")
                self.assertEqual((done.returncode, done.stderr), (0, ""), words)
                self.compare_json(f"{name}.json.txt", done.stdout)

    def test_json_of_failures(self):
        with TallyDaemon(workers=1) as daemon, tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "bad.csv").write_text("a,b\n1,2\n3,x\n", encoding="ascii")
            os.chdir(folder)
            for name, words, code in [
                ("failed_cell", ["run", "sum:b", "bad.csv"], 1),
                ("unknown_column", ["run", "sum:c", "bad.csv"], 2),
                ("unknown_reducer", ["run", "maen", "--range", "0:5"], 2),
                ("no_value", ["run", "count,sum,mean", "--range", "0:0"], 1),
            ]:
                done = daemon.tally(*words, "--json")
                self.assertEqual(done.returncode, code, (words, done))
                self.assertTrue(done.stderr.startswith("tally: "), (words, done))
                self.compare_json(f"{name}.json.txt", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=[word for word in sys.argv if word != "--update"])
