#!/usr/bin/env python3
"""Files that are not what they say: failed jobs that name file, line, what was found."""

import json
import os
import random
import socket
import unittest

import inputs
from daemon_case import DaemonCase

GOOD_CSV = "a,b\n" + "1,2\n" * 10
PATHS = "thread", "process"


class BadFilesTest(DaemonCase):
    def fails(self, *words, code=1):
        """The error of a run that must fail, the same on both paths."""
        errors = []
        for path in PATHS:
            done = self.daemon.tally("run", *words, "--path", path, "--json")
            self.assertEqual(done.returncode, code, done)
            answer = json.loads(done.stdout)
            self.assertFalse(answer.get("results"), answer)
            self.assertTrue(done.stderr.startswith("tally: "), done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            errors.append(answer["error"])
        self.assertEqual(errors[0], errors[1])
        return errors[0]

    # --- binary -------------------------------------------------------------------

    def test_npy_files(self):
        good = inputs.npy([1.0, 2.0, 3.0], "f64")
        for name, data, *says in (
                ("truncated.npy", good[:-1], "152", "151"),
                ("longer.npy", good + b"\0" * 8, "152", "160"),
                ("lying.npy", inputs.npy([1.0], "f64", shape="(1000,)"), "1000 elements", "8128", "136"),
                ("huge.npy", inputs.npy([1.0], "f64", shape="(4294967296, 4294967296)")),
                ("object.npy", inputs.npy([1.0], "f64", descr="|O"), "O"),
                ("complex.npy", inputs.npy([1.0], "f64", descr="<c16"), "c16"),
                ("magic.npy", b"\x93NUMPX" + good[6:]),
                ("header.npy", good[:40]),
                ("nothing.npy", b"")):
            with self.subTest(name=name):
                path = self.file(name, data)
                error = self.fails("sum", path)
                self.assertEqual((error["class"], error["file"]),
                                 ("invalid_data", str(path)))
                for word in (str(path), *says):
                    self.assertIn(word, error["message"])

    def test_explain_tells_the_same(self):
        truncated = self.file("short.npy", inputs.npy([1.0, 2.0], "f64")[:-1])
        csv = self.file("two.csv", GOOD_CSV)
        for words, code, says in (
                (("sum", str(truncated)), 1, "expected"),
                (("sum:nope", str(csv)), 2, "nope"),
                (("sum", str(csv)), 2, "name one")):
            for verb in ("explain", "run"):
                done = self.daemon.tally(verb, *words)
                self.assertEqual(done.returncode, code, (verb, done))
                self.assertIn(says, done.stderr)

    def test_raw_of_a_size_that_is_no_multiple(self):
        path = self.file("a.raw", b"\0" * 17)
        error = self.fails("sum", path, "--dtype", "f64")
        self.assertEqual((error["class"], error["file"]), ("invalid_data", str(path)))
        for word in str(path), "17", "8":
            self.assertIn(word, error["message"])

    # --- CSV ----------------------------------------------------------------------

    def test_csv_files(self):
        for name, text, line, column, cell in (
                ("bad_cell", "a,b\n1,2\n3,four\n", 3, 2, "four"),
                ("after_quoted_newline", 'a,b\n"1",2\n1,"\n3"\n1,x y\n', 3, 2, None),
                ("crlf", "a,b\r\n1,2\r\n3,2z\r\n", 3, 2, "2z"),
                ("empty", "a,b\n1,2\n3,\n", 3, 2, None),
                ("overflow", "a,b\n1,1e999\n", 2, 2, "1e999"),
                ("short_row", "a,b\n1,2\n3\n1,2\n", 3, None, None),
                ("long_row", "a,b\n1,2\n3,4,5\n", 3, None, None),
                ("open_quote", 'a,b\n1,2\n3,"4\n5,6\n', 3, None, None)):
            with self.subTest(name=name):
                path = self.file(f"{name}.csv", text)
                error = self.fails("sum:b", path)
                self.assertEqual((error["class"], error["file"], error["line"]),
                                 ("invalid_data", str(path), line), error)
                self.assertIn(f"{path}, line {line}", error["message"])
                if column:
                    self.assertEqual(error["column"], column)
                if cell:
                    self.assertEqual(error["text"], cell)
                    self.assertIn(cell, error["message"])

    def test_an_integer_that_the_type_cannot_hold(self):
        path = self.file("big.csv", "a,b\n1,9007199254740993\n")
        error = self.fails("sum:b", path)
        self.assertIn("i64", error["message"])
        for dtype, text in ("i8", "128"), ("u8", "-1"), ("u8", "1.5"), ("i64", "2e3x"):
            path = self.file("small.csv", f"a,b\n1,{text}\n")
            error = self.fails("sum:b", path, "--dtype", dtype)
            self.assertEqual((error["line"], error["text"]), (2, text))

    def test_the_first_in_file_order_is_told_whatever_ran_first(self):
        rng = random.Random(2)
        for bad in ({0, 1}, {1, 2}, set(rng.sample(range(64), 10)), {63}, {5, 63}):
            paths = []
            for number in range(64):
                # Later files are small: they fail long before the first large ones end.
                rows = "1,2\n" * (64 - number) * 400
                text = "a,b\n" + rows + ("1,bad\n" if number in bad else "")
                paths.append(self.file(f"{number}.csv", text))
            first = min(bad)
            for _ in range(3):
                error = self.fails("sum:b", *paths)
                self.assertEqual(error["file"], str(paths[first]))
                self.assertEqual(error["line"], 2 + (64 - first) * 400)
            self.doCleanups()

    def test_the_first_bad_row_of_a_file_is_told(self):
        rows = ["1,2"] * 5000
        rows[1000], rows[4000] = "1,x", "1"
        self.assertEqual(self.fails("sum:b", self.file(
            "a.csv", "a,b\n" + "\n".join(rows)))["line"], 1002)

    # --- files that are not there -------------------------------------------------

    def refused(self, *words, says):
        done = self.daemon.tally("run", "sum", *words)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in says:
            self.assertIn(str(word), done.stderr)

    def test_what_cannot_be_opened_is_refused_before_anything_runs(self):
        finished = self.daemon.status()["queue"]["jobs_finished"]
        good = self.file("good.npy", inputs.npy([1.0], "f64"))
        self.refused(good, self.daemon.folder / "none.npy", says=["none.npy"])
        self.refused(good, self.daemon.folder, says=[self.daemon.folder, "directory"])
        listening = self.daemon.folder / "s.npy"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(listening))
            self.refused(listening, says=[listening])
        fifo = self.daemon.folder / "fifo.npy"
        os.mkfifo(fifo)
        self.refused(fifo, says=[fifo])  # and does not wait for a writer
        csv = self.file("good.csv", GOOD_CSV)
        self.refused(csv, "--column", "c", says=["c", "a", "b"])
        self.refused(csv, "--column", "3", says=["3"])
        self.refused(csv, says=["a", "b"])  # which column?
        self.assertEqual(self.daemon.status()["queue"]["jobs_finished"], finished)

    @unittest.skipIf(os.geteuid() == 0, "root may read every file")
    def test_a_file_that_may_not_be_read(self):
        path = self.file("secret.npy", inputs.npy([1.0], "f64"))
        path.chmod(0)
        self.refused(path, says=[path])


if __name__ == "__main__":
    unittest.main()
