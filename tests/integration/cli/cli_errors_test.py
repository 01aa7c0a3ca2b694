#!/usr/bin/env python3
"""What the tally program says and how it exits where no daemon is needed to know."""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from tally_daemon import clean_environment, tally


class CliErrorsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="tally-cli-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        # No daemon may be found, and none embedded: these lines must fail before.
        self.env = clean_environment(self.folder, TALLY_EMBED="never",
                                     TALLY_SOCKET=self.folder / "none.sock")

    def refused(self, *words, code=2, says=(), **options):
        done = tally(*words, env=self.env, **options)
        self.assertEqual(done.returncode, code, (words, done))
        self.assertTrue(done.stderr.startswith("tally: "), (words, done))
        self.assertEqual(done.stderr.count("\n"), 1, (words, done))
        for part in says:
            self.assertIn(part, done.stderr, words)
        return done

    def test_a_malformed_line_exits_2_and_names_the_thing(self):
        for words, says in [
            (["rnu"], ["rnu", "did you mean run?"]),
            (["run", "sum", "--rnage", "0:5"], ["--rnage", "--range"]),
            (["run", "sum", "--frobnicate"], ["--frobnicate", "--help"]),
            (["run", "sum", "--range", "0:5:0"], ["STEP"]),
            (["run", "sum", "--range", "0-5"], ["0-5", "START:STOP"]),
            (["run", "sum", "--range", "0:1x"], ["1x", "5e8"]),
            (["run", "sum", "--range", "0:99999999999999999999"],
             ["9223372036854775807"]),
            (["run", "sum", "--values", "1,x"], ["x"]),
            (["run", "sum", "--values", "9007199254740993"], ["--dtype i64"]),
            (["run", "sum", "--range", "0:5", "--workers", "0"], ["--workers \"0\"", "from 1 to 1024"]),
            (["run", "sum", "--range", "0:5", "--path", "proces"], ["process"]),
            (["run", "sum("], ["sum("]),
            (["run", "sum"], ["--range", "--values", "files"]),
            (["run"], ["tally run sum --range"]),
            (["run", "sum", "--range", "0:5", "--values", "1"], ["one of"]),
            (["run", "sum", "1", "2.5"], ["--values 1,2.5"]),
            (["run", "sum", "1,2,3"], ["--values 1,2,3"]),
            (["run", "sum", "age", __file__], ["sum:age"]),
            (["run", "sum", __file__ + ":age"], ["sum:age"]),
            (["run", __file__, "sum"], ["reducers come first", "sum " + __file__]),
            (["run", "sum", ""], ['"": there is no such file']),
            (["mean", "a.csv"], ["tally run REDUCERS SOURCE"]),
            (["help", "run", "it"], ["one command", "it"]),
            (["run", "sum", "-", "-"], ["read once"]),
            (["compare", "sum", "-"], ["several times"]),
            (["submit", "sum", "-"], ["does not stay"]),
            (["status", "--path", "thread"], ["--path"]),
            (["ping", "pong"], ["pong"]),
            (["run", "sum", "--range", "0:1", "--socket", "x", "--embedded"],
             ["--embedded"]),
        ]:
            with self.subTest(words=words):
                self.refused(*words, says=says)

    def test_a_file_that_cannot_be_read_exits_2_with_its_name_and_the_reason(self):
        none = self.folder / "none.csv"
        self.refused("run", "sum", none, says=[str(none), "no such file"])
        self.refused("run", "sum", self.folder, says=[str(self.folder), "directory"])
        if os.geteuid() != 0:  # root may read everything
            secret = self.folder / "secret.csv"
            secret.write_text("x\n1\n")
            secret.chmod(0)
            self.refused("run", "sum", secret, says=[str(secret), "cannot be read"])

    def test_more_files_than_a_job_takes_exit_2(self):
        data = self.folder / "a.csv"
        data.write_text("x\n1\n")
        self.refused("run", "sum", *[data.name] * 65_537, says=["65537", "65536"],
                     cwd=self.folder)

    def test_nobody_listening_exits_3_and_says_how_to_start_one(self):
        path = str(self.folder / "none.sock")
        for words in (["run", "sum", "--range", "0:5"], ["status"], ["ping"],
                      ["explain", "sum", "--range", "0:5"],
                      ["compare", "sum", "--range", "0:5"]):
            self.refused(*words, "--socket", path, code=3,
                         says=[path, "tallyd --socket"])
            self.refused(*words, code=3, says=[path])  # named by $TALLY_SOCKET

    def test_a_socket_left_behind_exits_3(self):
        path = self.folder / "dead.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        self.refused("ping", "--socket", path, code=3, says=[str(path)])

    def test_a_socket_that_refuses_us_exits_4(self):
        path = self.folder / "locked.sock"
        self.folder.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as locked:
            locked.bind(str(path))
            locked.listen()
            path.chmod(0)
            # Root may use every socket, so it asks as nobody.
            nobody = {"user": 65534} if os.geteuid() == 0 else {}
            try:
                done = tally("ping", "--socket", path, env=self.env, **nobody)
            except PermissionError:
                self.skipTest("the program is not where nobody may run it")
        self.assertEqual(done.returncode, 4, done)
        self.assertIn(str(path), done.stderr)

    @unittest.skipIf(os.path.exists("/run/tally/tally.sock"), "a daemon runs here")
    def test_no_daemon_and_embedding_forbidden_exits_3(self):
        del self.env["TALLY_SOCKET"]
        self.refused("run", "sum", "--range", "0:5", code=3, says=["tallyd"])
        del self.env["TALLY_EMBED"]
        self.refused("ping", code=3, says=["tallyd"])  # never a reason to embed

    def test_with_json_an_error_without_a_job_is_an_object_on_stdout_too(self):
        done = self.refused("run", "sum", "--range", "0:5:0", "--json")
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["code"], "bad_number")
        self.assertIn("STEP", error["message"])
        done = self.refused("ping", "--json", code=3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "no_daemon")
        done = self.refused("--json", "run", "--nonsense")
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "unknown_option")

    def test_help_and_version_need_no_daemon(self):
        for words, code in ([], 2), (["help"], 0), (["--help"], 0), (["-h"], 0):
            done = tally(*words, env=self.env)
            self.assertEqual((done.returncode, done.stderr), (code, ""), words)
            self.assertIn("usage: tally COMMAND", done.stdout)
        self.assertRegex(tally("version", env=self.env).stdout, r"^tally \d+\.\d+\.\d+\n$")
        self.assertEqual(tally("--version", env=self.env).stdout,
                         tally("version", env=self.env).stdout)
        self.assertIn("version", json.loads(tally("version", "--json",
                                                  env=self.env).stdout))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([os.environ["TALLY_BIN"], "help"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, env=self.env,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
