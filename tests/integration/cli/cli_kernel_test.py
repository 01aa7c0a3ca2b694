#!/usr/bin/env python3
"""tally kernel: `new` writes a project, `check` finds who breaks a law and passes who
keeps them all."""

import json
import os
import pathlib
import tempfile
import unittest

from tally_daemon import clean_environment, tally

KERNELS = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"])
ENV = clean_environment("/nonexistent")
LAWS = ["runs", "state", "input", "empty", "identity", "split", "source", "round trip",
        "garbage", "finish", "deterministic", "silent", "time"]


def check(image, *words, limit="20s"):
    done = tally("kernel", "check", str(KERNELS / f"{image}.so"), *words, "--json",
                 "--timeout", limit, env=ENV)
    return done.returncode, json.loads(done.stdout)


def command_line(pid):
    try:
        return pathlib.Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""  # gone meanwhile


def broken(kernel):
    return [row["law"] for row in kernel["laws"] if row["result"] == "fail"]


class CheckTest(unittest.TestCase):
    def test_honest_kernels_pass_every_law(self):
        for image in ["geomean", "bbox", "words", "csum"]:
            code, checked = check(image)
            self.assertEqual(code, 0, checked)
            self.assertTrue(checked["passed"])
            for kernel in checked["kernels"]:
                laws = [row["law"] for row in kernel["laws"]]
                self.assertEqual([law for law in laws if law in LAWS], LAWS)
                self.assertEqual({row["result"] for row in kernel["laws"]}, {"pass"})

    def test_kernels_that_claim_to_be_exact_are_held_to_it(self):
        for image, exact in [("bbox", True), ("geomean", False)]:
            _, checked = check(image)
            laws = [row["law"] for row in checked["kernels"][0]["laws"]]
            self.assertEqual("permutation" in laws, exact)
            self.assertEqual("association" in laws, exact)

    def test_each_law_finds_who_breaks_it(self):
        code, checked = check("breakers", limit="3s")
        self.assertEqual(code, 1)
        self.assertFalse(checked["passed"])
        found = {kernel["kernel"]: broken(kernel) for kernel in checked["kernels"]}
        self.assertEqual(found.pop("honest"), [])
        self.assertGreaterEqual(len(found), 17)
        for name, laws in found.items():
            law = next(law for law in checked_laws() if
                       name.startswith(law.replace(" ", "_") + "_"))
            self.assertIn(law, laws, name)

    def test_a_crash_and_an_endless_loop_are_rows_of_the_table(self):
        code, checked = check("fragile")
        self.assertEqual(code, 1)
        runs = checked["kernels"][0]["laws"][0]
        self.assertEqual((runs["law"], runs["result"]), ("runs", "fail"))
        self.assertIn("SIGSEGV in update, with rows 0 to", runs["detail"])

    def test_one_that_closes_all_it_has_and_goes_on_is_ended(self):
        code, checked = check("vandal", "call=init", "act=desert", limit="1s")
        self.assertEqual(code, 1)
        runs = checked["kernels"][0]["laws"][0]
        self.assertIn("it did not come back within 1000 ms, in init", runs["detail"])

    def test_what_a_kernel_forks_neither_answers_nor_stays(self):
        code, checked = check("vandal", "call=init", "act=twin")
        self.assertEqual((code, broken(checked["kernels"][0])), (0, []), checked)
        # Its children sleep for ever, holding all that it had open.
        code, checked = check("vandal", "call=finish", "act=fork")
        self.assertEqual((code, broken(checked["kernels"][0])), (0, []), checked)
        left = [entry for entry in os.listdir("/proc") if entry.isdigit() and
                str(KERNELS / "vandal.so").encode() in command_line(entry)]
        self.assertEqual(left, [])

    def test_data_of_ones_own_is_tried_instead(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log.txt")
            log.write_text("".join(f"GET /{i} bytes={i}\n" for i in range(1000)))
            code, checked = check("fragile", str(log))
            self.assertEqual(code, 0, checked)
            points = pathlib.Path(folder, "points.csv")
            points.write_text("t,x,y\n" + "".join(f"a,{i},{-i}\n" for i in range(99)))
            code, checked = check("bbox", str(points), "--column", "x,y")
            self.assertEqual(code, 0, checked)
            runs = checked["kernels"][0]["laws"][0]
            self.assertIn("max_x = 98, max_y = 0, points = 99", runs["detail"])

    def test_what_is_no_kernel_is_told(self):
        for image, words in [("table_other_abi", "version 99"),
                             ("table_no_symbol", "tally_kernels"),
                             ("table_no_update", "no update")]:
            code, checked = check(image)
            self.assertEqual(code, 1)
            self.assertEqual(checked["loads"]["result"], "fail")
            self.assertIn(words, checked["loads"]["detail"])
        done = tally("kernel", "check", "/nonexistent.so", env=ENV)
        self.assertEqual(done.returncode, 2)

    def test_parameters_are_given_by_name(self):
        _, checked = check("faulty", "needed=1")
        kernels = {kernel["kernel"]: kernel for kernel in checked["kernels"]}
        self.assertEqual(kernels["parameters"]["laws"][0]["result"], "pass")
        self.assertIn("2 1 NULL", kernels["parameters"]["laws"][0]["detail"])

    def test_the_table_has_a_line_a_law(self):
        done = tally("kernel", "check", str(KERNELS / "geomean.so"), env=ENV)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "geomean: the geometric mean of positive numbers")
        self.assertEqual(len(lines), 1 + len(LAWS))
        self.assertRegex(lines[-1], r"^  time +pass  [\d.]+ ns an element")


class RunTest(unittest.TestCase):
    def test_kernels_and_files_may_be_more_than_one_request_carries(self):
        with tempfile.TemporaryDirectory() as folder:
            for i in range(65):
                pathlib.Path(folder, f"{i}.txt").write_text(f"bytes={i}\n")
            for count in 63, 64, 65:
                done = tally("run", "fragile", *[f"{i}.txt" for i in range(count)],
                             "--kernel", KERNELS / "fragile.so", "--embedded", "--quiet",
                             env=ENV, cwd=folder)
                self.assertEqual(done.stdout, f"{sum(range(count))}\n", done)


def checked_laws():
    return LAWS + ["permutation", "association"]


class NewTest(unittest.TestCase):
    def test_writes_a_project_once_and_says_what_comes_next(self):
        with tempfile.TemporaryDirectory() as folder:
            done = tally("kernel", "new", "geo_mean", env=ENV, cwd=folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            for words in ["cmake -S geo_mean", "tally kernel check", "tally run geo_mean"]:
                self.assertIn(words, done.stdout)
            made = pathlib.Path(folder, "geo_mean")
            self.assertEqual(sorted(path.name for path in made.iterdir()),
                             ["CMakeLists.txt", "geo_mean.cc"])
            source = (made / "geo_mean.cc").read_text()
            self.assertIn("struct GeoMean", source)
            self.assertNotIn("@", source)
            done = tally("kernel", "new", "geo_mean", env=ENV, cwd=folder)
            self.assertEqual(done.returncode, 2)
            self.assertIn("nothing was written", done.stderr)
            self.assertEqual((made / "geo_mean.cc").read_text(), source)

    def test_names_that_no_kernel_can_have_are_refused(self):
        for name in ["Geo", "../x", "a-b", "a" * 65, "", "sum"]:
            with tempfile.TemporaryDirectory() as folder:
                done = tally("kernel", "new", name, env=ENV, cwd=folder)
                self.assertEqual(done.returncode, 2, name)
                self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
