#!/usr/bin/env python3
"""The commands of README.md's "Four things to try", run in one shell, do what it says."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tally_daemon import clean_environment

SOURCE = pathlib.Path(os.environ["TALLY_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["TALLY_BUILD_DIR"])
NUMBERS = 300_000_000_000


def section():
    text = (SOURCE / "README.md").read_text()
    return re.search(r"^## Four things to try$(.*?)^## ", text, re.M | re.S)[1]


class ReadmeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        blocks = re.findall(r"^```sh\n(.*?)^```$", section(), re.M | re.S)
        # The reader's build is in build/release; ours may be elsewhere.
        script = ("set -eux\ntrap '{ kill ${daemon-}; wait; } 2>/dev/null' EXIT\n"
                  + re.sub(r"(\$PWD/)?build/release", lambda _: str(BUILD),
                           "".join(blocks)))
        with tempfile.TemporaryDirectory(prefix="tally-readme-") as folder:
            env = clean_environment(folder, TMPDIR=folder)
            cls.done = subprocess.run(["bash", "-c", script], cwd=SOURCE, env=env,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, timeout=240)
        cls.text = cls.done.stdout

    def test_every_command_ends_well(self):
        self.assertEqual(self.done.returncode, 0, self.text)

    def test_ten_thousand_files_of_which_one_kills_the_worker(self):
        self.assertRegex(self.text, r"kernel 'fragile' \(libfragile.so\) crashed in update, "
                                    r"with rows 0 to 20 of \S+/4711.txt: .* SIGSEGV")
        self.assertIn("exit code 1", self.text)
        self.assertRegex(self.text, r"(?m)^fragile +20000100000$")
        self.assertRegex(self.text, r"(?m)^count +200000$")

    def test_a_killed_worker_costs_an_attempt_and_not_a_digit(self):
        total = str(NUMBERS * (NUMBERS - 1) // 2)
        self.assertEqual(len(re.findall(rf"^sum  {total}$", self.text, re.M)), 2, self.text)
        self.assertRegex(self.text, r"process path .*, 1 retry")

    def test_ten_programs_are_all_answered(self):
        total = 5_000_000_000 * 4_999_999_999 // 2
        for i in range(1, 11):
            self.assertRegex(self.text, rf"(?m)^program{i} +{total}$")
        self.assertRegex(self.text, r"queue +\d+ running, \d+ queued")

    def test_an_event_loop_goes_on_meanwhile(self):
        self.assertRegex(self.text, r"(?m)^sum 16\.69531136585985\d*$")
        self.assertRegex(self.text, r"(?m)^max 1(\.0)?$")
        self.assertRegex(self.text, r"(?m)^\d+ ticks meanwhile$")


if __name__ == "__main__":
    unittest.main()
