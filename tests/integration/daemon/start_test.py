#!/usr/bin/env python3
"""How tallyd starts, and when it does not: sockets, locks, configuration files."""

import os
import pathlib
import socket
import stat
import subprocess
import tempfile
import unittest

from tally_daemon import (PATIENCE_S, TallyDaemon, clean_environment, program, tally,
                          wait_until)


class StartTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(prefix="tally-start-")))

    def tallyd(self, *words, **env):
        """Runs a tallyd that must end by itself."""
        return subprocess.run([program("TALLYD_BIN"), *map(str, words)], text=True,
                              env=clean_environment(self.folder, **env),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE_S)

    def refused(self, *words, code, says):
        done = self.tallyd(*words)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done)
        self.assertTrue(done.stderr.startswith("tallyd: "), done.stderr)
        for line in done.stderr.splitlines():
            self.assertTrue(line.isprintable(), done)
        for word in says:
            self.assertIn(str(word), done.stderr)

    # --- the socket ---------------------------------------------------------------

    def test_a_second_daemon_leaves_the_first_ones_socket_alone(self):
        with TallyDaemon() as daemon:
            before = os.stat(daemon.socket).st_ino
            self.refused("--socket", daemon.socket, code=3,
                         says=[daemon.socket, "another tallyd"])
            self.assertEqual(os.stat(daemon.socket).st_ino, before)
            self.assertEqual(daemon.tally("ping").returncode, 0)

    def test_a_stale_socket_is_replaced(self):
        daemon = TallyDaemon()
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(daemon.socket))
        stale.close()  # the file stays, nobody listens
        with daemon:
            self.assertEqual(daemon.tally("ping").returncode, 0)

    def test_the_socket_of_a_killed_daemon_is_taken_over(self):
        with TallyDaemon() as first:
            first.kill()
            self.assertTrue(first.socket.exists())
            self.assertEqual(first.tally("ping").returncode, 3)
            with first:  # again, on the same socket
                self.assertEqual(first.tally("ping").returncode, 0)

    def test_a_file_that_is_no_socket_is_left_alone(self):
        path = self.folder / "precious"
        path.write_text("data")
        self.refused("--socket", path, code=2, says=[path, "no socket"])
        self.assertEqual(path.read_text(), "data")

    def test_a_path_of_108_bytes_is_refused_and_one_of_107_is_not(self):
        def path_of(length):
            return str(self.folder) + "/" + "x" * (length - len(str(self.folder)) - 1)
        self.refused("--socket", path_of(108), code=2, says=["107", "108"])
        daemon = TallyDaemon()
        daemon.socket = pathlib.Path(path_of(107))
        daemon.env["TALLY_SOCKET"] = path_of(107)
        with daemon:
            self.assertEqual(daemon.tally("ping").returncode, 0)

    def test_a_directory_that_is_not_there_and_cannot_be_made(self):
        path = self.folder / "a" / "b" / "c.sock"
        self.refused("--socket", path, code=1, says=[self.folder / "a" / "b"])

    def test_the_socket_has_the_configured_mode(self):
        with TallyDaemon() as daemon:
            mode = os.stat(daemon.socket).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        with TallyDaemon(config='[daemon]\nsocket_mode = "0660"\n') as daemon:
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o660)

    # --- options and the configuration file ---------------------------------------

    def config(self, text):
        path = self.folder / "tallyd.toml"
        path.write_text(text)
        return path

    def test_a_good_configuration_file(self):
        default = pathlib.Path(__file__).resolve().parents[3] / "config" / "tallyd.toml"
        for path in default, self.config('[pool]\nworkers = 3\n'), self.config(""):
            done = self.tallyd("--check-config", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            self.assertIn("good", done.stdout)

    def test_every_problem_of_a_bad_one_is_told_with_its_place(self):
        path = self.config('[pool]\nworkers = 5000\nattempts = "three"\n'
                           '[daemon]\nsockte = "/x"\ndrain_timeout = "2 fortnights"\n')
        done = self.tallyd("--check-config", path)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 4, lines)
        for line, place, name, accepted in zip(
                sorted(lines), (2, 3, 5, 6),
                ("workers", "attempts", "sockte", "drain_timeout"),
                ("1024", "100", "socket", "1h")):
            self.assertRegex(line, rf"^tallyd: .*tallyd\.toml:{place}:\d+: ")
            self.assertIn(name, line)
            self.assertIn(accepted, line)

    def test_a_daemon_does_not_start_with_a_bad_file_or_none(self):
        self.refused("--config", self.config("[pool]\nworkers = -1\n"), "--socket",
                     self.folder / "s", code=2, says=["workers"])
        self.refused("--config", self.config("[pool\n"), "--socket", self.folder / "s",
                     code=2, says=["tallyd.toml:1:"])
        self.refused("--config", self.folder / "none.toml", code=2, says=["none.toml"])
        self.refused("--check-config", self.folder / "none.toml", code=2,
                     says=["none.toml"])
        self.assertFalse((self.folder / "s").exists())

    def test_options_that_do_not_exist(self):
        self.refused("--sokcet", "/x", code=2, says=["--sokcet"])
        self.refused("--socket", code=2, says=["--socket"])
        self.refused("extra", code=2, says=["extra"])
        for option in "--help", "--version":
            done = self.tallyd(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("tallyd", done.stdout)

    def test_options_with_a_wrong_value_or_given_twice(self):
        good = self.config("")
        for words, says in [
                (["--socket", ""], "--socket"), (["--socket="], "--socket"),
                (["--config", ""], "--config"), (["--config"], "--config"),
                (["--check-config"], "--check-config"), (["--help=yes"], "no value"),
                (["--version=1"], "no value"),
                (["--socket", "a", "--socket", "b"], "twice"),
                (["--config", good, "--check-config", good], "--check-config"),
                (["--config", good, "--config", good], "once")]:
            self.refused(*words, code=2, says=[says])

    def test_a_configuration_that_is_no_file_with_text(self):
        for path, says in ((self.folder, "is a directory"), ("/dev/zero", "1 MiB"),
                           ("/dev/full", "1 MiB"), (self.folder / "a\nb", "a\\x0ab"),
                           (self.config("[pool]\nworkers = \"\u009b\\n\"\n"), "\\xc2\\x9b")):
            for option in "--config", "--check-config":
                self.refused(option, path, code=2, says=[says])
        self.assertEqual(self.tallyd("--check-config", "/dev/null").returncode, 0)

    def test_of_daemons_started_at_once_one_serves_and_the_others_say_why(self):
        path = self.folder / "s"
        daemons = [subprocess.Popen([program("TALLYD_BIN"), "--socket", str(path)],
                                    env=clean_environment(self.folder), text=True,
                                    stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
                   for _ in range(4)]
        try:
            env = clean_environment(self.folder, TALLY_SOCKET=path)
            wait_until(lambda: tally("ping", env=env).returncode == 0, "one serves")
            wait_until(lambda: sum(d.poll() is None for d in daemons) == 1, "one is left")
            serving, = (daemon for daemon in daemons if daemon.returncode is None)
            self.assertEqual(tally("ping", env=env).returncode, 0)
            serving.terminate()
            for daemon in daemons:
                _, said = daemon.communicate(timeout=PATIENCE_S)
                self.assertEqual(daemon.returncode, 0 if daemon is serving else 3, said)
                self.assertIn("serves" if daemon is serving else "another tallyd", said)
        finally:
            for daemon in daemons:
                daemon.kill()

    def test_a_worker_program_that_is_not_there(self):
        path = self.config(f'[pool]\nworker_program = "{self.folder}/none"\n')
        self.refused("--config", path, "--socket", self.folder / "s", code=2,
                     says=[self.folder / "none"])
        self.assertFalse((self.folder / "s").exists())


if __name__ == "__main__":
    unittest.main()
