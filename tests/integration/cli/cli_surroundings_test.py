#!/usr/bin/env python3
"""What happens around a tally that runs: terminals, readers that go, signals, locales."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from daemon_case import DaemonCase
from tally_daemon import PATIENCE_S, TallyDaemon, program, tally, wait_until
from terminals import open_terminal, read_terminal, take_terminal

# A job that would take hours: only a cancellation ends it in time.
ENDLESS = ["sum", "--range", "0:9223372036854775807", "--path", "process"]


class SurroundingsTest(DaemonCase):
    def queue(self):
        return self.daemon.status()["queue"]

    def start(self, *words, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen([program("TALLY_BIN"), *words], env=self.daemon.env,
                                   stdin=subprocess.DEVNULL, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    # --- a terminal that is closed --------------------------------------------------

    def on_a_terminal(self, *words, before=take_terminal, **options):
        """The process, and our end of its terminal, on which progress was seen."""
        ours, theirs = open_terminal()
        process = self.start(*words, stderr=theirs, preexec_fn=before, **options)
        os.close(theirs)
        return process, ours

    def test_a_terminal_that_is_closed_ends_the_command_and_its_job(self):
        process, ours = self.on_a_terminal("run", *ENDLESS)
        read_terminal(ours, b"%")  # it runs
        os.close(ours)
        self.assertEqual(process.wait(PATIENCE_S), -signal.SIGHUP)
        wait_until(lambda: self.queue()["jobs_running"] == 0, "the job is cancelled")
        self.daemon.whole_pool()

    def test_a_terminal_that_is_closed_leaves_a_submitted_job(self):
        job = self.done("submit", *ENDLESS).stdout.strip()
        self.addCleanup(self.daemon.tally, "cancel", job)
        sessions = self.daemon.status()["sessions"]
        process, ours = self.on_a_terminal("wait", job)
        wait_until(lambda: self.daemon.status()["sessions"] > sessions, "it waits")
        os.close(ours)
        self.assertEqual(process.wait(PATIENCE_S), -signal.SIGHUP)
        self.assertEqual(self.daemon.json("show", job)["state"], "running")

    def test_nohup_keeps_the_command_when_the_terminal_is_closed(self):
        def nohup():
            take_terminal()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

        process, ours = self.on_a_terminal("run", *ENDLESS, "--timeout", "2s", "--json",
                                           before=nohup, stdout=subprocess.PIPE)
        read_terminal(ours, b"%")
        os.close(ours)
        out, _ = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 5)
        self.assertEqual(json.loads(out)["state"], "expired")

    # --- readers that go away ---------------------------------------------------------

    def test_a_reader_that_goes_away_ends_the_command_without_a_word(self):
        for words in (["run", "sum", "--range", "0:5"], ["status"], ["jobs"], ["help"],
                      ["run", "sum", "--range", "0:5", "--json"], ["ping"], ["version"],
                      ["explain", "sum", "--range", "0:5"], ["run", "--help"],
                      ["compare", "sum", "--range", "0:5"], ["run", "nonsense", "--json"]):
            with self.subTest(words=words):
                reading, writing = os.pipe()
                os.close(reading)
                process = self.start(*words, stdout=writing, stderr=subprocess.PIPE,
                                     text=True)
                os.close(writing)
                _, err = process.communicate(timeout=PATIENCE_S)
                self.assertEqual((process.returncode, err if words[1:2] != ["nonsense"]
                                  else ""), (2 if "nonsense" in words else 1, ""))

    def test_nobody_reads_the_errors_and_the_exit_code_stays(self):
        reading, writing = os.pipe()
        os.close(reading)
        process = self.start("run", "maen", "--range", "0:5", stderr=writing)
        os.close(writing)
        self.assertEqual(process.wait(PATIENCE_S), 2)

    # --- Ctrl-C twice -----------------------------------------------------------------

    def test_a_second_ctrl_c_does_not_wait_for_a_daemon_that_hangs(self):
        for as_json in ([], ["--json"]):
            with TallyDaemon(workers=1) as hanging:
                process = subprocess.Popen(
                    [program("TALLY_BIN"), "run", *ENDLESS, *as_json], env=hanging.env,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, text=True)
                self.addCleanup(process.kill)
                wait_until(lambda: hanging.status()["queue"]["jobs_running"], "it runs")
                hanging.process.send_signal(signal.SIGSTOP)
                try:
                    process.send_signal(signal.SIGINT)
                    wait_until(lambda: not self.pending(process.pid), "it is heard")
                    process.send_signal(signal.SIGINT)
                    out, err = process.communicate(timeout=PATIENCE_S)
                finally:
                    hanging.process.send_signal(signal.SIGCONT)
            self.assertEqual(process.returncode, 130)
            self.assertEqual(err, "tally: interrupted; the job was cancelled\n")
            self.assertEqual(out if not as_json else json.loads(out)["error"]["code"],
                             "" if not as_json else "interrupted")

    def pending(self, pid):
        """Whether a SIGINT waits to be read."""
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            bits = re.search(r"^ShdPnd:\s*(\w+)$", status.read(), re.MULTILINE)[1]
        return int(bits, 16) >> (signal.SIGINT - 1) & 1


@unittest.skipUnless(shutil.which("localedef") and
                     os.path.exists("/usr/share/i18n/locales/de_DE"),
                     "the locale de_DE cannot be made here")
class LocaleTest(unittest.TestCase):
    """de_DE writes 1.5 as 1,5; tally reads and writes numbers the one way."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tally-locale-"))
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder + "/de_DE.UTF-8"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.german = {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LOCPATH": folder}
        spoken = subprocess.run(["locale", "decimal_point"], text=True, check=True,
                                env={**os.environ, **self.german}, stdout=subprocess.PIPE)
        self.assertEqual(spoken.stdout, ",\n")  # else this would test nothing

    def test_numbers_and_messages_are_the_same(self):
        with TallyDaemon(env=self.german) as daemon:
            data = daemon.folder / "größe.csv"
            data.write_text("x;y\n1.5;1,5\n2.25;2,5\n")
            csv = [data, "--delimiter", ";"]
            for words in (["sum,mean", "--values", "0.1,1e-5,5e-324,1234567.25"],
                          ["sum:x,max:x,argmin:x", *csv, "--path", "process"],
                          ["sum:x,max:x,argmin:x", *csv, "--path", "thread"],
                          ["sum:y", *csv], ["sum", "--values", "1,5"],
                          ["sum", "--range", "0:1.5"], ["sum:z", *csv]):
                german = {**daemon.env, **self.german}
                for env in german, {**german, "TALLY_SOCKET": ""}:
                    embedded = ["--embedded"] if not env["TALLY_SOCKET"] else []
                    done = tally("run", *words, "-q", *embedded, env=env)
                    plain = tally("run", *words, "-q", *embedded,
                                  env={**env, "LC_ALL": "C"})
                    self.assertEqual((done.stdout, done.stderr, done.returncode),
                                     (plain.stdout, plain.stderr, plain.returncode))
            done = daemon.tally("run", "sum:x", *csv, "-q")
            self.assertEqual(done.stdout, "3.75\n")


class SimdTest(unittest.TestCase):
    """TALLY_SIMD bounds the kernels of tallyd and its workers, of no host's."""

    def test_one_that_names_no_level(self):
        env = {**os.environ, "TALLY_SIMD": "foo"}
        with tempfile.TemporaryDirectory(prefix="tally-simd-") as folder:
            refused = subprocess.run(
                [program("TALLYD_BIN"), "--socket", f"{folder}/socket"], env=env, text=True,
                stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("TALLY_SIMD is 'foo'; it may be avx512", refused.stderr)
        for path in "process", "thread":
            done = subprocess.run(
                [program("TALLY_BIN"), "run", "sum", "--values", "1,2", "--embedded",
                 "--path", path, "-q"], env=env, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, "3.0\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
