#!/usr/bin/env python3
"""tally-json(5) against what the commands print: every key in both directions."""

import json
import os
import pathlib
import re
import tempfile
import unittest

from tally_daemon import TallyDaemon, clean_environment, tally, wait_until

KERNELS = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"])
PAGE = pathlib.Path(__file__).resolve().parents[3] / "client" / "man" / "tally-json.5"
NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer",
         float: "number", type(None): "null"}
# What no command prints; tests/integration/embed/array_test.cc has it from libtally.
LIBRARY = "The library"
FIXED = {"code", "class", "message"}  # of an error; its other fields are facts


def documented():
    """{command or "Errors": {path: types}}."""
    objects, names = {}, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(".Ss "):
            names = line[4:].split(", ")
            for name in names:
                objects[name] = {}
        elif found := re.fullmatch(r"\.It Va (\S+) Pq ([a-z, ]+)", line):
            for name in names:
                assert found[1] not in objects[name], line
                objects[name][found[1]] = set(found[2].split(", "))
    return objects


def paths_of(value, path=""):
    """Every path of the value with its type; (path, type) may come again."""
    if path:
        yield path, NAMES[type(value)]
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            # A thing that is no object is named by its array.
            inner = paths_of(item, path + "[]")
            yield from inner if not isinstance(item, dict) else list(inner)[1:]


def general(path):
    """What differs by the daemon's keys and by the error, as the page calls it."""
    path = re.sub(r"^configuration\.\w+", "configuration.TABLE", path)
    path = re.sub(r"^configuration\.TABLE\.\w+", "configuration.TABLE.KEY", path)
    fact = re.fullmatch(r"error\.(\w+)", path)
    return "error.FACT" if fact and fact[1] not in FIXED else path


class JsonTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.documented = documented()
        cls.seen = {name: {} for name in cls.documented}

    def take(self, command, value):
        """Checks one output, and remembers what was in it."""
        for path, kind in paths_of(value):
            name = command
            if command == "compare" and path.startswith("ways[]."):
                name, path = "run", path.removeprefix("ways[].")
            # An error is described once, wherever it is.
            where, error, rest = path.rpartition("error")
            if error and where in ("", "results[].", "missing[].") and \
                    (rest or where == "" and command not in ("run", "wait", "show")):
                name, path = "Errors", error + rest
            path = general(path)
            self.assertIn(path, self.documented[name], f"{command}: {path}")
            types = self.documented[name][path]
            fits = kind in types or (kind == "integer" and "number" in types)
            self.assertTrue(fits, f"{command}: {path} is {kind}, not one of {types}")
            self.seen[name].setdefault(path, set()).add(kind)

    def run_all(self, daemon):
        def take(*words):
            done = daemon.tally(*words, "--json")
            self.assertEqual(done.stdout.count("\n"), 1, (words, done))
            value = json.loads(done.stdout)
            self.take("Errors" if set(value) == {"error"} else words[0], value)
            return value

        pathlib.Path("a.csv").write_text("x,y\n1,nan\n,oops\n3,5\n", encoding="ascii")
        for words in (["sum,mean,min,argmax", "--range", "0:1e6", "--path", "process"],
                      ["sum", "--range", "0:1e6", "--path", "thread"],
                      ["histogram(edges=-inf,0,inf),any", "--range", "0:9"],
                      ["argmin:x,mean:x", "a.csv", "--missing", "skip"],
                      ["max", "--values", "inf,1"], ["mean", "--values", "1,2", "--dtype",
                                                     "f32"],
                      ["mean", "--range", "0:0"], ["sum:y", "a.csv"],
                      ["sum", "--range", "0:9e18", "--timeout", "50ms"]):
            take("run", *words)
        take("compare", "sum", "--range", "0:1e6")
        take("explain", "sum", "--range", "0:1e7")
        take("explain", "sum:x", "a.csv")
        for command in "ping", "version":
            take(command)
        take("run", "maen", "--range", "0:5")
        take("run", "sum:z", "a.csv")
        pathlib.Path("words.txt").write_text("to be or not to be\n", encoding="ascii")
        for image, words in [("words", ["words", "words.txt"]),
                             ("bbox", ["bbox(x,1)=box", "a.csv", "--missing", "skip"])]:
            take("run", *words, "--kernel", KERNELS / f"{image}.so")
        for number in "12", "13":
            pathlib.Path(f"{number}.txt").write_text(f"{number}\n", encoding="ascii")
        take("run", "crashes", "12.txt", "13.txt", "--on-failure", "partial",
             "--kernel", KERNELS / "faulty.so")
        take("kernels", KERNELS / "faulty.so")
        take("kernel", "check", KERNELS / "geomean.so")
        take("kernel", "check", KERNELS / "table_no_symbol.so")
        endless = take("submit", "sum", "--range", "0:9e18", "--path", "process",
                       "--limit", "nas=1")["job"]
        wait_until(lambda: daemon.status()["queue"]["jobs_running"] == 1, "it runs")
        take("show", endless)
        take("status")
        take("jobs")
        take("cancel", endless)
        take("wait", endless)
        take("show", endless)
        take("wait", take("submit", "count,argmax", "--range", "0:10")["job"])
        take("show", "abcd-1")
        for name in "wait", "show":  # their object is run's
            self.seen[name] = self.seen["run"]

    def test_every_key_is_documented_and_every_documented_key_is_there(self):
        config = "[access]\nusers = [0]\n"
        config += '[kernels]\nfrom_clients = "yes"\n'
        config += f'files = ["{KERNELS / "geomean.so"}"]\n'
        before = os.getcwd()
        with TallyDaemon(workers=2, config=config) as daemon, \
                tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            self.addCleanup(os.chdir, before)
            self.run_all(daemon)
        for name, paths in self.documented.items():
            if name != LIBRARY:
                self.assertEqual(set(paths) - set(self.seen[name]), set(), name)
        kinds = self.seen["status"]["configuration.TABLE.KEY.value"]
        self.assertEqual(kinds, {"string", "integer", "array"})
        self.assertEqual(self.seen["run"]["results[].value"],
                         {"string", "number", "object"})

    def test_there_is_an_object_for_every_command(self):
        listed = tally("help", env=clean_environment("/nonexistent")).stdout
        commands = re.findall(r"^  (\w+)  ", listed, re.MULTILINE)
        self.assertEqual(set(self.documented), {*commands, "Errors", LIBRARY})


if __name__ == "__main__":
    unittest.main()
