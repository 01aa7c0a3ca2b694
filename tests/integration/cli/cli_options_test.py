#!/usr/bin/env python3
"""Every option of every verb with what it does not take, and with what it excludes.

The verbs and their options are those of the program's own help, so that a new one
without a row here fails. No daemon is there: what is wrong must be told before one is
looked for, which would exit with 3.
"""

import itertools
import json
import os
import pathlib
import tempfile
import unittest

import inputs
from tally_daemon import clean_environment, tally
from verbs import OPTIONS, VERBS

# What an option does not take, and a word of what is said of it.
CHOICE = ["", "x", "a\nb", b"\xff"]
WRONG = {
    "--range": ["", "5", "0:", ":5", "0:5:0", "0:5:1:1", "0-5", "0:1.5", "a:b", "0: 5",
                "0:9223372036854775808", "0x0:5", b"\xff:5", "0:5\n"],
    "--values": ["x", "1,,2", "1;2", "1,", "0x10", "9007199254740993", "1e999", b"\xff",
                 "infinite"],
    "--column": [""],
    "--format": [*CHOICE, "json", "CSV"],
    "--dtype": [*CHOICE, "f16", "double", "F64"],
    "--delimiter": ["", ";;", '"', "\n", "\r", "ä", b"\xff"],
    "--header": [*CHOICE, "true", "Yes"],
    "--missing": [*CHOICE, "zero"],
    "--nan": [*CHOICE, "ignore"],
    "--on-failure": [*CHOICE, "skip"],
    "--hint": [*CHOICE, "gpu"],
    "--path": [*CHOICE, "inline", "/tmp"],
    "--require": [*CHOICE, "gpu"],
    "--workers": ["", "0", "-1", "x", "1.5", "1025", "1e30", "0x2", "2 ", b"\xff"],
    "--chunk": ["", "0", "-1", "x", "1.5", "9223372036854775808", "1e30", "64KiB"],
    "--timeout": ["", "0", "0s", "5", "5d", "-5s", "s", "1e99s", "99999999999999h",
                  "5 s", b"\xff"],
    "--priority": ["", "x", "1.5", "1001", "-1001", "high", "1e30"],
    "--limit": ["", "nas", "=4", "nas=", "nas=0", "nas=x", "nas=-1", "nas=1,", "a b=1",
                "nas=1,nas=2", "x" * 65 + "=1", "nas=4294967296", b"\xff=1",
                ",".join(f"n{i}=1" for i in range(9))],
    "--kernel": ["", ".", "/no/such.so", "FILE", ",", b"\xff", "a\nb"],
    "--socket": ["", "x" * 108],
    "--trace": ["", ".", "/no/such/folder/file", b"\xff/x"],
    "--watch": ["0", "0.09", "3601", "2h", "1e99", "1x"],
    "--count": ["", "0", "-1", "x", "1.5", "1e30"],
}
# Flags take nothing, and may stand twice.
FLAGS = ["--json", "--quiet", "--verbose", "--prometheus", "--health", "--embedded",
         "--help", "--version", "-q", "-v", "-h"]
# The value may be left away.
OPTIONAL = ["--watch"]
# May be given twice.
REPEATABLE = ["--limit", "--kernel"]
ID = "7f3a-17"
KERNEL = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"], "geomean.so")
OPERANDS = {"wait": [ID], "show": [ID], "cancel": [ID],
            "kernel": ["check", KERNEL, "FILE"]}
JOBS = "run", "compare", "explain", "submit"

# Of each line, no two may stand together: words, then words.
EXCLUDE = [
    (["--range", "0:5"], ["--values", "1"], "one of"),
    (["--range", "0:5"], ["FILE"], "one of"),
    (["--values", "1"], ["FILE"], "one of"),
    (["--range", "0:5"], ["--format", "csv"], "--format"),
    (["--range", "0:5"], ["--delimiter", ","], "--delimiter"),
    (["--range", "0:5"], ["--header", "no"], "--header"),
    (["--range", "0:5"], ["--missing", "skip"], "--missing"),
    (["--range", "0:5"], ["--dtype", "f64"], "--dtype"),
    (["--values", "1"], ["--format", "csv"], "--format"),
    (["--values", "1"], ["--delimiter", ","], "--delimiter"),
    (["--values", "1"], ["--header", "no"], "--header"),
    (["--values", "1"], ["--missing", "skip"], "--missing"),
    (["NPY"], ["--dtype", "f64"], "--dtype"),
    (["NPY"], ["--delimiter", ","], "--delimiter"),
    (["NPY"], ["--header", "no"], "--header"),
    (["NPY"], ["--missing", "skip"], "--missing"),
    (["NPY"], ["FILE"], "one format"),
    (["FILE", "--path", "thread"], ["--require", "isolated"], "exclude each other"),
    (["FILE", "--embedded"], ["--socket", "x"], "exclude each other"),
]


class OptionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-options-")))
        cls.env = clean_environment(cls.folder, TALLY_EMBED="never")
        cls.files = {"FILE": cls.folder / "a.csv", "NPY": cls.folder / "a.npy"}
        cls.files["FILE"].write_text("a\n1\n")
        cls.files["NPY"].write_bytes(inputs.npy([1.0], "f64"))

    def refused(self, *words, says):
        line = [self.files.get(word, word) for word in words]
        line = [os.fsdecode(word) for word in line]
        done = tally(*line, "--json", env=self.env, errors="surrogateescape")
        self.assertEqual(done.returncode, 2, done)
        self.assertTrue(done.stderr.startswith("tally: "), done)
        self.assertEqual(done.stderr.count("\n"), 1, done)
        self.assertIn(says, done.stderr)
        done.stderr.encode()  # there are no surrogates, so it was UTF-8
        self.assertTrue(done.stderr[:-1].isprintable(), done)
        self.assertLess(len(done.stderr), 300, done)
        self.assertIn(says, json.loads(done.stdout)["error"]["message"])

    def operands(self, verb, option=None):
        if verb not in JOBS:
            return OPERANDS.get(verb, [])
        return ["sum"] if option in ("--range", "--values") else ["sum", "FILE"]

    def each(self):
        """Each verb with each option that it has."""
        for verb, options in OPTIONS.items():
            for option, takes in options.items():
                with self.subTest(verb=verb, option=option):
                    yield verb, option, takes

    def test_every_option_has_a_row(self):
        for _, option, takes in self.each():
            self.assertIn(option, WRONG if takes else FLAGS)
        known = set().union(*OPTIONS.values())
        self.assertEqual(known, {*WRONG, *FLAGS})

    def test_a_wrong_value_exits_2_and_names_the_option(self):
        for verb, option, takes in self.each():
            values = WRONG[option] if takes else []
            # The others read their jobs as run does.
            for value in values if verb in ("run", "wait", "status") else values[-1:]:
                says = "socket" if option == "--socket" else option
                self.refused(verb, *self.operands(verb, option), option, value, says=says)

    def test_a_value_that_is_missing_or_too_many_or_given_twice(self):
        for verb, option, takes in self.each():
            operands = self.operands(verb, option)
            if takes and option not in OPTIONAL:
                self.refused(verb, *operands, option, says="needs a value")
                self.refused(verb, *operands, option, "--json", says="needs a value")
            if takes and option not in REPEATABLE:
                self.refused(verb, *operands, option, "1", option, "1", says="twice")
            elif not takes and option.startswith("--"):
                self.refused(verb, *operands, option + "=yes", says="takes no value")

    def test_an_option_of_other_verbs_does_not_apply(self):
        everywhere = set().union(*OPTIONS.values())
        for verb in VERBS:
            for option in everywhere - set(OPTIONS[verb]) - {"-q", "-v"}:
                with self.subTest(verb=verb, option=option):
                    value = ["1"] if option in WRONG else []
                    self.refused(verb, *self.operands(verb), option, *value,
                                 says=f"{option} does not apply to 'tally {verb}'")

    def test_what_excludes_each_other_exits_2_in_either_order(self):
        for first, second, says in EXCLUDE:
            for verb, words in itertools.product(JOBS, (first + second, second + first)):
                if any(w.startswith("--") and w not in OPTIONS[verb] for w in words):
                    continue
                with self.subTest(verb=verb, words=words):
                    self.refused(verb, "sum", *words, says=says)

    def test_json_goes_before_quiet(self):
        env = clean_environment(self.folder)
        done = tally("run", "sum", "--values", "1,2", "--json", "--quiet", "--embedded",
                     env=env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(json.loads(done.stdout)["results"][0]["value"], 3.0)


if __name__ == "__main__":
    unittest.main()
