#!/usr/bin/env python3
"""Man pages and shell completions, held against the programs' own options and keys.

The truth is what the programs say: `tally help`, `tally VERB --help`, `tallyd --help`,
and config/tallyd.toml, which a unit test holds against the table of keys.
"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import verbs
from tally_daemon import clean_environment, program, tally

ROOT = pathlib.Path(__file__).resolve().parents[3]
MAN = ROOT / "client" / "man"
COMPLETION = ROOT / "client" / "completion"
ENV = clean_environment("/nonexistent")


def read(path):
    return path.read_text(encoding="utf-8")


def words_of(verb, name, value):
    """The very words that an option takes; None: any, or none."""
    if name == "--dtype":
        listed = re.search(r"--dtype TYPE +(.*)", tally(verb, "--help", env=ENV).stdout)
        return listed[1].split()
    # Words in small letters between bars.
    return value.split("|") if re.fullmatch(r"[a-z|]+", value) else None


OPTIONS = {verb: {name: words_of(verb, name, value) for name, value in options.items()}
           for verb, options in verbs.OPTIONS.items()}
VERBS = verbs.VERBS
ALL_OPTIONS = set().union(*OPTIONS.values())
REDUCERS = ["count", "sum", "mean", "min", "max", "argmin", "argmax", "sumsq", "var", "std",
            "norm2", "any", "all", "and", "or", "xor", "prod", "histogram",
            "median", "quantile", "dot"]


def named_in_man(text):
    """Every option that a page names, wherever it does: "Fl -json", "Fl q"."""
    return {"-" + name for name in re.findall(r"\bFl ([\w-]*\w)", text)}


def listed_in_man(text):
    """The options that have an entry of their own."""
    return set().union(*map(named_in_man, re.findall(r"^\.It (Fl .*)$", text, re.M)))


class ManPageTest(unittest.TestCase):
    def test_there_is_a_truth_to_compare_with(self):
        self.assertIn("submit", VERBS)
        self.assertEqual(OPTIONS["run"]["--hint"], ["cpu", "io", "auto"])
        self.assertEqual(len(OPTIONS["run"]["--dtype"]), 10)
        self.assertIn("-q", OPTIONS["run"])

    def test_tally_1_has_every_option_and_no_other(self):
        page = read(MAN / "tally.1")
        self.assertEqual(listed_in_man(page), ALL_OPTIONS)
        self.assertEqual(named_in_man(page), ALL_OPTIONS)

    def test_tally_1_has_every_verb_value_and_reducer(self):
        page = read(MAN / "tally.1")
        described = re.findall(r"^\.It Cm (\w+)", page, re.MULTILINE)
        self.assertEqual(described, VERBS + ["help"])
        for options in OPTIONS.values():
            for name, words in options.items():
                entry = page.partition(f".It Fl {name[1:]} ")[2].partition(".It ")[0]
                for word in words or []:
                    self.assertRegex(entry, rf"\b{word}\b", name)
        self.assertIn("Cm " + " ".join(REDUCERS), page)

    def test_tallyd_8_has_every_option_and_no_other(self):
        text = subprocess.run([program("TALLYD_BIN"), "--help"], env=ENV, text=True,
                              stdout=subprocess.PIPE, check=True).stdout
        options = set(re.findall(r"(?<![\w-])--[a-z-]+", text)) | {"-h"}
        page = read(MAN / "tallyd.8")
        self.assertEqual(listed_in_man(page), options)
        self.assertEqual(named_in_man(page), options)

    def test_tallyd_toml_5_has_every_key_and_default_and_no_other(self):
        keys, table = {}, None
        for line in read(ROOT / "config" / "tallyd.toml").splitlines():
            if found := re.fullmatch(r"\[(\w+)\]", line):
                table = found[1]
            elif found := re.fullmatch(r"#(\w+) = (.*)", line):
                keys[f"{table}.{found[1]}"] = found[2].replace('"', r"\(dq")
        described, table = {}, None
        for line in read(MAN / "tallyd.toml.5").splitlines():
            if found := re.fullmatch(r"\.Ss \[(\w+)\]", line):
                table = found[1]
            elif found := re.fullmatch(r"\.It Ic (\w+) Pq \w+, (.*)", line):
                described[f"{table}.{found[1]}"] = found[2]
        self.assertGreater(len(keys), 10)
        self.assertEqual(described, keys)

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_pages_are_formatted_without_a_warning(self):
        pages = sorted(MAN.glob("*.[158]"))
        self.assertEqual(len(pages), 4)
        for page in pages:
            done = subprocess.run(["man", "--warnings", "-l", str(page)], text=True,
                                  env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "80"},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
            self.assertIn("SEE ALSO", done.stdout)


def bash_completes(*words):
    """What bash offers for the last of the words that follow "tally"."""
    script = ('source "$1"; shift; COMP_WORDS=(tally "$@"); COMP_CWORD=$#; _tally; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(COMPLETION / "tally.bash"), *words],
        text=True, env={**ENV, "PATH": os.defpath}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class BashCompletionTest(unittest.TestCase):
    def test_verbs(self):
        self.assertEqual(bash_completes(""), VERBS + ["help"])
        self.assertEqual(bash_completes("s"), ["submit", "show", "status"])
        self.assertEqual(bash_completes("help", "ru"), ["run"])

    def test_options_of_each_verb(self):
        for verb in VERBS:
            self.assertEqual(set(bash_completes(verb, "-")), set(OPTIONS[verb]), verb)
        self.assertIn("--help", bash_completes("--"))

    def test_values_of_each_option(self):
        for verb in VERBS:
            for name, words in OPTIONS[verb].items():
                if words:
                    self.assertEqual(bash_completes(verb, name, ""), words, name)
        self.assertEqual(bash_completes("run", "--range", ""), [])
        # As readline cuts --hint=io.
        self.assertEqual(bash_completes("run", "--hint", "="), ["cpu", "io", "auto"])
        self.assertEqual(bash_completes("run", "--hint", "=", "a"), ["auto"])
        self.assertEqual(bash_completes("--hint", "=", "io", "ru"), ["run"])

    def test_operands(self):
        self.assertEqual(bash_completes("run", ""), REDUCERS)
        self.assertEqual(bash_completes("--hint", "io", "run", "--json", "arg"),
                         ["argmin", "argmax"])
        here = str(COMPLETION / "tally.f")
        self.assertEqual(bash_completes("run", "sum", here), [here + "ish"])
        self.assertEqual(bash_completes("run", "--socket", here), [here + "ish"])


class FishCompletionTest(unittest.TestCase):
    """Read as text: fish need not be there. Variables are those of `set -l`."""

    def setUp(self):
        self.text = read(COMPLETION / "tally.fish")
        self.sets = dict(re.findall(r"^set -l (\w+) (.*)$", self.text, re.MULTILINE))

    def test_verbs(self):
        self.assertEqual(self.sets["verbs"].split(), VERBS + ["help"])
        self.assertEqual(re.findall(r'"not \$on \$verbs" -a (\w+)', self.text),
                         VERBS + ["help"])

    def test_options_and_values_of_each_verb(self):
        offered = {verb: {"--help": None, "-h": None} for verb in VERBS}
        for line in self.text.splitlines():
            found = re.search(r'-n "(.*?)".* -l ([\w-]+)', line)
            if not found:
                continue
            verbs = found[1].rpartition("$on ")[2]
            verbs = re.sub(r"\$(\w+)", lambda name: self.sets[name[1]], verbs).split()
            values = re.search(r" -a '(.*?)'", line)
            letter = re.search(r" -s (\w)", line)
            for verb in verbs:
                offered[verb]["--" + found[2]] = values[1].split() if values else None
                if letter:
                    offered[verb]["-" + letter[1]] = None
        for verb in VERBS:
            expected = dict(OPTIONS[verb])
            if "--delimiter" in expected:
                expected["--delimiter"] = ["tab"]  # the one that is a word
            self.assertEqual(offered[verb], expected, verb)
        self.assertRegex(self.text, r"complete -c tally -s h -l help")

    def test_reducers(self):
        self.assertIn(f"'{' '.join(REDUCERS)}'", self.text)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_reads_it(self):
        subprocess.run(["fish", "--no-execute", str(COMPLETION / "tally.fish")],
                       check=True)


class ZshCompletionTest(unittest.TestCase):
    """Read as text: zsh need not be there. Groups of options are its arrays."""

    def setUp(self):
        self.text = read(COMPLETION / "_tally")

    def groups(self):
        groups = {}
        for name, body in re.findall(r"^  (\w+)=\((.*?(?:\n  )?)\)$", self.text,
                                     re.MULTILINE | re.DOTALL):
            if name == "verbs":
                continue
            options = {}
            for spec in re.findall(r"'?(--[\w-]+)\[[^']*'", body):
                values = re.search(rf"'{spec}\[[^']*\(([\w ]+)\)'", body)
                options[spec] = values[1].split() if values else None
            for letter, long in re.findall(r"\{(-\w),(--\w+)\}", body):
                options.update({letter: None, long: None})
            for other in re.findall(r"\$(\w+)", body):
                options.update(groups.get(other, {"$" + other: None}))
            groups[name] = options
        return groups

    def test_verbs(self):
        self.assertEqual(re.findall(r"^    '(\w+):", self.text, re.MULTILINE),
                         VERBS + ["help"])

    def test_options_and_values_of_each_verb(self):
        groups = self.groups()
        cases = self.text.partition("case $verb in")[2]
        for verb in VERBS:
            line = re.search(rf"^    (?:\w+\|)*{verb}(?:\|\w+)*\)(.*?);;", cases,
                             re.MULTILINE | re.DOTALL)
            self.assertIsNotNone(line, verb)
            offered = {}
            for group in re.findall(r"\$(\w+)", line[1]):
                offered.update(groups.get(group, {}))
            for option in re.findall(r"'(--[\w-]+)\[", line[1]):
                offered[option] = None
            expected = dict(OPTIONS[verb])
            if "--delimiter" in expected:
                expected["--delimiter"] = ["tab"]  # the one that is a word
            self.assertEqual(offered, expected, verb)

    def test_reducers(self):
        self.assertIn(f"({' '.join(REDUCERS)})", self.text)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_reads_it(self):
        subprocess.run(["zsh", "-n", str(COMPLETION / "_tally")], check=True)


if __name__ == "__main__":
    unittest.main()
