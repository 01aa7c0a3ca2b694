#!/usr/bin/env python3
"""Files as they come: odd names, nothing in them, thousands of columns, endless lines."""

import json
import os
import re
import unittest

from daemon_case import DaemonCase
from processes import SANITIZED, resident_bytes

PATHS = "thread", "process"
NAMES = [b"new\nline", b"cr\rlf\r\n", b"not\xffutf8\xfe", b"half \xe2\x82", b"esc\x1b[31mred",
         b"c1 \xc2\x9b31m", b"tab\there", b'quote"s', b"back\\slash", b"sp ace ", b"%s%n",
         "größe €".encode(), b"-dash", b"x" * 240]
MIB = 1 << 20


class StrangeFilesTest(DaemonCase):
    # Bytes in and out, whatever they are.
    def run_tally(self, *words):
        done = self.daemon.tally("run", *words, errors="surrogateescape")
        for text in done.stdout, done.stderr:
            text.encode()  # no surrogates: it was valid UTF-8
            for line in text.split("\n"):
                self.assertTrue(line.isprintable(), done)
        return done

    def shown(self, name):
        """A name as it stands in a message or a table."""
        text = "".join(c if not 0xDC80 <= ord(c) <= 0xDCFF else f"\\x{ord(c) - 0xDC00:02x}"
                       for c in name.decode(errors="surrogateescape"))
        return "".join(c if c.isprintable() else
                       "".join(f"\\x{byte:02x}" for byte in c.encode()) for c in text)

    def told(self, *words, code, shown):
        """The error's object; its message is one line that shows the name."""
        done = self.run_tally(*words)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        self.assertIn(shown, done.stderr)
        done = self.run_tally(*words, "--json")
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)["error"]

    def test_names_in_errors_tables_and_json(self):
        for name in NAMES:
            with self.subTest(name=name):
                shown = self.shown(name)
                in_json = name.decode(errors="surrogateescape")
                in_json = re.sub("[\udc80-\udcff]", "\ufffd", in_json)
                path = self.file(name + b".csv", "a,b\n1,2\n3,x\n")
                for way in PATHS:
                    error = self.told("sum:b", path, "--path", way, code=1, shown=shown)
                    self.assertEqual(error["line"], 3)
                    if "half" not in in_json:  # Python and tally count replacements apart
                        self.assertTrue(error["file"].endswith(in_json + ".csv"), error)
                self.told("sum:c", path, code=2, shown=shown)
                self.told("sum", path, "--dtype", "f65", code=2, shown="f65")
                text = self.file(name, "1\nx\n")
                self.told("sum", text, "--format", "text", code=1, shown=shown)
                self.told("sum", text, "--format", "raw", code=2, shown=shown)
                self.told("sum", str(text) + "x.csv", code=2, shown=shown)  # not there
                table = self.run_tally("argmax:a,count", path, path)
                self.assertEqual(table.returncode, 0, table)
                self.assertIn(f"1 ({self.daemon.folder}/{shown}.csv)", table.stdout)
                self.assertEqual(table.stdout.count("\n"), 3)
                answer = json.loads(self.run_tally("argmax:a", path, path, "--json").stdout)
                self.assertEqual(answer["results"][0]["value"]["index"], 1)
        for line in self.daemon.log_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

    def test_labels_and_columns_of_any_bytes(self):
        path = self.file("a.csv", b"a\xff,\"x\ny\",c\x1b[1m\n1,2,3\n")
        done = self.run_tally("sum:1=l\ni\x1bne,count", path)
        self.assertEqual(done.stdout.count("\n"), 3, done)
        self.assertIn("l\\x0ai\\x1bne", done.stdout)
        label = os.fsdecode(b"sum:a\xff=\xfe")
        done = self.run_tally(label, path, "--json")
        self.assertEqual(json.loads(done.stdout)["results"][0]["label"], "\ufffd")
        self.told("sum", path, code=2, shown='a\\xff, x\\x0ay, c\\x1b[1m')
        job = self.daemon.tally("submit", "sum:1=l\ni\x1bne", path).stdout.strip()
        self.assertEqual(self.daemon.tally("wait", job).returncode, 0)
        rows = self.daemon.tally("jobs").stdout.splitlines()
        self.assertTrue(rows[-1].endswith("l\\x0ai\\x1bne"), rows)

    def test_files_of_no_bytes(self):
        for way in PATHS:
            for name, *options in (("a.csv",), ("a.csv", "--header", "no"), ("a.f64",),
                                   ("a.txt",), ("a.raw", "--dtype", "i32")):
                done = self.run_tally("count,sum", self.file(name, b""), *options, "-q",
                                      "--path", way)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done)
                self.assertIn(done.stdout, ("0\n0\n", "0\n0.0\n"))
            done = self.run_tally("sum,mean", self.file("a.csv", b""), "--path", way, "-q")
            self.assertEqual((done.returncode, done.stdout), (1, "0.0\n\n"), done)
            error = self.told("sum", self.file("a.npy", b""), "--path", way, code=1,
                              shown="is empty")
            self.assertEqual(error["class"], "invalid_data")
            self.told("sum:x", self.file("a.csv", b""), "--path", way, code=2,
                      shown="the file is empty")

    def test_files_of_no_bytes_among_others(self):
        empty, full = self.file("a.csv", b""), self.file("b.csv", "x\n1\n2\n")
        for files in ([empty, full], [full, empty], [empty, full, empty]):
            done = self.run_tally("sum", *files, "-q")
            self.assertEqual((done.returncode, done.stdout), (0, "3.0\n"), done)

    # --- wide and long ----------------------------------------------------------------

    def test_ten_thousand_columns(self):
        names = ",".join(f"col{n}" for n in range(10_000))
        row = ",".join(str(n) for n in range(10_000))
        path = self.file("wide.csv", names + "\n" + f"{row}\n" * 20)
        for way in PATHS:
            done = self.run_tally("sum:col0,sum:col9999,max:5000", path, "-q", "--path", way)
            self.assertEqual(done.stdout, "0.0\n199980.0\n4999.0\n", done)
        for reducers in "sum", "sum:nope", "sum:10001":
            error = self.told(reducers, path, code=2, shown="col19 and 9980 more")
            self.assertLess(len(error["message"]), 400)
        self.assertIn("col1234", self.told("sum:col1234x", path, code=2,
                                           shown="did you mean")["message"])

    def test_a_thousand_columns_in_one_job(self):
        path = self.file("wide.csv", ",".join(f"c{n}" for n in range(1000)) + "\n" +
                         ",".join(str(n) for n in range(1000)) + "\n")
        done = self.run_tally(",".join(f"sum:c{n}" for n in range(1000)), path, "-q")
        if done.returncode == 0:
            self.assertEqual(done.stdout, "".join(f"{n}.0\n" for n in range(1000)))
        else:  # refused by a limit that is named
            self.assertRegex(done.stderr, r"\b\d+\b")
            self.assertEqual(done.returncode, 2, done)

    def test_a_line_of_a_gibibyte_is_an_error_that_names_the_limit(self):
        pid = self.daemon.process.pid
        for text, line in ("x\n", 2), ('x\n1\n"', 3), ("", 1), ('"', 1):
            path = self.file("line.csv", text)
            os.truncate(path, 1 << 30)  # a hole: no byte of it is a line's end
            for way in PATHS:
                for reducer in "sum", "count":
                    error = self.told(reducer, path, "--path", way, code=1, shown="16 MiB")
                    self.assertEqual((error["code"], error["line"], error["limit"]),
                                     ("record_too_long", line, 16 * MIB))
        path = self.file("line.txt", "1 ")
        os.truncate(path, 1 << 30)
        for way in PATHS:
            self.told("sum", path, "--path", way, code=1, shown="65536 bytes")
        if not SANITIZED:  # freed memory stays with it for a while
            self.assertLess(resident_bytes(pid), 256 * MIB)
            for worker in self.daemon.status()["workers"]:
                self.assertLess(resident_bytes(worker["pid"]), 128 * MIB)


if __name__ == "__main__":
    unittest.main()
