#!/usr/bin/env python3
"""tally status: the configuration in force, the live view, the metrics."""

import errno
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import unittest

from tally_daemon import TallyDaemon, clean_environment, program, tally, wait_until

# A sample: name, labels in braces, value.
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info")


def parse_metrics(text):
    """The text format, strictly: HELP, TYPE, then the samples of one metric, and no
    metric or sample twice. Gives {name: (type, {labels: value})}."""
    assert text.endswith("\n") and "\r" not in text
    metrics, seen, name = {}, set(), None
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("#"):
            found = re.fullmatch(r"# HELP (\S+) (\S.*)", line)
            assert found, line
            name = found[1]
            assert name not in metrics, f"{name} comes twice"
            kind = re.fullmatch(rf"# TYPE {name} (counter|gauge)", next(lines))
            assert kind, f"no TYPE of {name}"
            metrics[name] = (kind[1], {})
            continue
        found = SAMPLE.fullmatch(line)
        assert found and found[1] == name, f"{line!r} under {name}"
        labels = found[2] or ""
        pairs = LABEL.findall(labels)
        assert ",".join(f'{key}="{value}"' for key, value in pairs) == labels, line
        assert len({key for key, _ in pairs}) == len(pairs), line
        assert (name, labels) not in seen, f"{line!r} comes twice"
        seen.add((name, labels))
        metrics[name][1][labels] = float(found[3])
    return metrics


class Terminal:
    """A program on a terminal of its own, so that its modes and size are ours."""

    def __init__(self, test, words, env, size=(24, 80)):
        self.ours, theirs = pty.openpty()
        test.addCleanup(os.close, self.ours)
        self.resize(*size)
        self.process = subprocess.Popen(
            [program("TALLY_BIN"), *words], env={**env, "TERM": "xterm"}, stdin=theirs,
            stdout=theirs, stderr=theirs, preexec_fn=self._take)
        test.addCleanup(self.process.kill)
        self.modes = termios.tcgetattr(theirs)
        self.theirs = theirs
        test.addCleanup(os.close, theirs)
        self.seen = b""

    @staticmethod
    def _take():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def read_until(self, what, patience_s=30):
        """What was shown up to and with `what`."""
        while what not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], patience_s)
            assert ready, (what, self.seen)
            try:
                self.seen += os.read(self.ours, 65536)
            except OSError as error:
                assert error.errno != errno.EIO, (what, self.seen)
                raise
        shown, _, self.seen = self.seen.partition(what)
        return shown + what


class StatusTest(unittest.TestCase):
    maxDiff = None

    def test_configuration_shows_what_is_in_force_and_what_waits_for_a_restart(self):
        config = ("[daemon]\ndrain_timeout = \"5s\"\n[limits]\nsessions = 9\n"
                  "[access]\nusers = [0, 4711]\n")
        with TallyDaemon(workers=2, config=config, pool="cores = 1\n") as daemon:
            status = daemon.status()
            shown = status["configuration"]
            self.assertEqual(shown["daemon"]["socket"]["value"], str(daemon.socket))
            self.assertFalse(shown["daemon"]["socket"]["is_default"])
            self.assertEqual(shown["daemon"]["drain_timeout"],
                             {"value": "5s", "is_default": False, "reloadable": True,
                              "restart_pending": False})
            self.assertEqual(shown["access"]["users"]["value"], [0, 4711])
            self.assertEqual(shown["pool"]["workers"],
                             {"value": 2, "is_default": False, "reloadable": False,
                              "restart_pending": False})
            self.assertTrue(os.access(shown["pool"]["worker_program"]["value"], os.X_OK))
            self.assertTrue(shown["limits"]["jobs"]["is_default"])
            # The configured bound is one of those that are told, and holds.
            self.assertEqual(status["cores"]["usable"], 1)
            bounds = {b["source"]: b["cores"] for b in status["cores"]["bounds"]}
            self.assertEqual(bounds["configuration"], 1)
            self.assertGreaterEqual(bounds["affinity"], 1)
            out = daemon.tally("status").stdout
            self.assertRegex(out, r"(?m)^cores +1 usable: affinity \d+, .*configuration 1")
            self.assertRegex(out, r"(?m)^pool\.workers +2 +set +restart$")
            self.assertRegex(out, r'(?m)^daemon\.drain_timeout +"5s" +set +reload$')
            self.assertRegex(out, r"(?m)^threads\.max +64 +default +restart$")

            file = daemon.folder / "tallyd.toml"
            file.write_text(file.read_text().replace("workers = 2", "workers = 1")
                            .replace("sessions = 9", "sessions = 8"))
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: daemon.status()["configuration"]["limits"]["sessions"]
                       ["value"] == 8, "the reload")
            workers = daemon.status()["configuration"]["pool"]["workers"]
            self.assertEqual((workers["value"], workers["restart_pending"]), (2, True))
            self.assertRegex(daemon.tally("status").stdout,
                             r"(?m)^pool\.workers +2 +set, .*restart to change it")

    def test_totals_count_what_happened(self):
        with TallyDaemon(workers=1) as daemon:
            daemon.json("run", "sum", "--range", "0:1e6", "--path", "process")
            daemon.tally("run", "sum", "--range", "0:9e18", "--timeout", "50ms")
            daemon.tally("run", "sum:gone", "--range", "0:5")
            totals = daemon.status()["totals"]
            self.assertEqual((totals["jobs_done"], totals["jobs_expired"],
                              totals["jobs_refused"], totals["jobs_failed"]), (1, 1, 1, 0))
            self.assertGreaterEqual(totals["elements"], 1_000_000)
            self.assertGreaterEqual(totals["chunks"], 1)
            self.assertGreater(totals["cpu_ns"], 0)

    # --- metrics --------------------------------------------------------------------

    def test_metrics_are_in_the_text_format(self):
        with TallyDaemon(workers=2) as daemon:
            daemon.json("run", "sum", "--range", "0:1e6")
            done = daemon.tally("status", "--prometheus")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            metrics = parse_metrics(done.stdout)
            self.assertEqual(metrics["tally_jobs_total"][1]['outcome="done"'], 1)
            self.assertEqual(metrics["tally_elements_total"], ("counter", {"": 1e6}))
            self.assertEqual(set(metrics["tally_worker_deaths_total"][1]),
                             {'worker="0"', 'worker="1"'})
            self.assertGreater(metrics["tally_uptime_seconds"][1][""], 0)
            self.assertLess(metrics["tally_system_memory_used_ratio"][1][""], 1)
            # OpenMetrics names the family of a counter without its _total.
            families = [name.removesuffix("_total") for name in metrics]
            self.assertEqual(len(set(families)), len(families), families)
            for name, (kind, samples) in metrics.items():
                self.assertTrue(name.startswith("tally_"), name)
                self.assertEqual(name.endswith("_total"), kind == "counter", name)
                self.assertNotRegex(name, r"_(ns|ms|us|percent|kib|mib)\b", name)
                self.assertTrue(samples, name)
                if any(word in name for word in ("uptime", "resident", "used")):
                    self.assertTrue(name.endswith(UNITS), name)

    def test_what_excludes_each_other_exits_2(self):
        env = clean_environment("/nonexistent")
        for words in (["--prometheus", "--json"], ["--prometheus", "--watch"],
                      ["--count", "3"], ["--watch", "--count", "0"], ["--watch", "0"],
                      ["--watch", "2h"], ["--watch=x"], ["--watch", "1e99"],
                      ["--watch", "-1"], ["--watch", "--count", "x"]):
            done = tally("status", *words, env=env)
            self.assertEqual((done.returncode, done.stderr[:7]), (2, "tally: "),
                             (words, done))

    # --- the live view ----------------------------------------------------------------

    def test_what_is_no_terminal_gets_a_block_each_time(self):
        with TallyDaemon(workers=2) as daemon:
            done = daemon.tally("status", "--watch", "0.1", "--count", "3")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertNotIn("\x1b", done.stdout)
            blocks = re.findall(r"(?m)^daemon +tallyd ", done.stdout)
            self.assertEqual(len(blocks), 3)
            rates = re.findall(r"(?m)^rates +(.*)$", done.stdout)
            self.assertEqual(rates[0], "-")
            self.assertRegex(rates[2], r"^\d+\.?\d* jobs/s, .* elements/s$")
            self.assertNotIn("pool.workers", done.stdout)

    def test_json_is_an_object_a_line(self):
        with TallyDaemon(workers=1) as daemon:
            done = daemon.tally("status", "--watch=100ms", "--count", "2", "--json")
            lines = done.stdout.splitlines()
            self.assertEqual(len(lines), 2)
            up = [json.loads(line)["uptime_ns"] for line in lines]
            self.assertLess(up[0], up[1])

    def test_ctrl_c_gives_the_terminal_back_and_exits_0(self):
        with TallyDaemon(workers=2) as daemon:
            terminal = Terminal(self, ["status", "--watch", "0.1"], daemon.env)
            terminal.read_until(b"\x1b[?1049h\x1b[?25l\x1b[H")
            terminal.read_until(b"jobs/s")
            os.write(terminal.ours, b"\x03")
            terminal.read_until(b"\x1b[?25h\x1b[?1049l")
            self.assertEqual(terminal.process.wait(30), 0)
            self.assertEqual(termios.tcgetattr(terminal.theirs), terminal.modes)

    def test_a_signal_that_ends_it_gives_the_terminal_back_too(self):
        with TallyDaemon(workers=1) as daemon:
            terminal = Terminal(self, ["status", "--watch", "60"], daemon.env)
            terminal.read_until(b"restarts")
            terminal.process.send_signal(signal.SIGTERM)
            terminal.read_until(b"\x1b[?1049l")
            self.assertEqual(terminal.process.wait(30), 128 + signal.SIGTERM)

    def test_the_view_fits_the_window_also_after_it_was_resized(self):
        with TallyDaemon(workers=2) as daemon:
            terminal = Terminal(self, ["status", "--watch", "60"], daemon.env, (24, 40))
            view = terminal.read_until(b"\x1b[J")
            self.assertLessEqual(self.widest(view), 40)
            terminal.resize(6, 25)  # long before the next status
            view = terminal.read_until(b"\x1b[J")
            self.assertLessEqual(self.widest(view), 25)
            self.assertEqual(view.count(b"\r\n"), 5)
            terminal.process.send_signal(signal.SIGINT)
            self.assertEqual(terminal.process.wait(30), 0)

    @staticmethod
    def widest(view):
        text = re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]", b"", view).decode()
        return max(len(line) for line in text.split("\r\n"))

    def test_a_daemon_that_goes_away_is_told_and_exits_3(self):
        with TallyDaemon(workers=1) as daemon:
            terminal = Terminal(self, ["status", "--watch", "60"], daemon.env)
            daemon.spare(terminal.process.pid)
            terminal.read_until(b"restarts")
            daemon.stop()
            terminal.read_until(b"\x1b[?1049l")
            terminal.read_until(b"tally: ")
            self.assertEqual(terminal.process.wait(30), 3)

    def test_a_reader_that_goes_away_ends_it(self):
        with TallyDaemon(workers=1) as daemon:
            watch = daemon.start_tally("status", "--watch", "0.1")
            watch.stdout.readline()
            watch.stdout.close()
            self.assertEqual(watch.wait(30), 1)
            self.assertEqual(watch.stderr.read(), "")
            watch.stderr.close()


if __name__ == "__main__":
    unittest.main()
