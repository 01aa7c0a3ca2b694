#!/usr/bin/env python3
"""The units under a real systemd: what systemd/README.md promises an administrator."""

import os
import pathlib
import sys
import unittest

import testbed
from testbed import (journal, run, sh, tally, tally_json, unit, wait_logged,
                     wait_until)

LIB = os.environ["TALLY_PREFIX"] + "/lib/systemd"
SOCKET = "/run/tally/tally.sock"
USER_ENVIRONMENT = ("XDG_RUNTIME_DIR=/run/user/{uid}",
                    "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus")
REFUSED = 4


def mounts():
    return sorted(pathlib.Path("/proc/self/mounts").read_text().splitlines())


def setUpModule():
    setUpModule.mounts = mounts()
    unittest.addModuleCleanup(testbed.shut_down)
    testbed.boot()


def tearDownModule():
    testbed.shut_down()
    assert mounts() == setUpModule.mounts, "the testbed left mounts behind"


def exists(pid):
    return run("test", "-d", f"/proc/{pid}").returncode == 0


def connections():
    """Those to the socket, waiting ones included, and the listening socket itself."""
    return int(sh(f"grep -c ' {SOCKET}$' /proc/net/unix || true"))


def processes():
    """The pids of the service's processes."""
    return sh("systemctl show --property=ControlGroup --value tallyd.service | "
              "xargs -I{} sh -c 'cat /sys/fs/cgroup/systemd{}/cgroup.procs "
              "2>/dev/null || cat /sys/fs/cgroup{}/cgroup.procs'").split()


class Case(unittest.TestCase):
    """Starts with a stopped service, a listening socket, the installed configuration."""

    def setUp(self):
        sh("systemctl stop tallyd.service tallyd.socket; "
           "rm -rf /run/systemd/system/tallyd.socket.d; "
           f"cp {testbed.CONFIG}.installed {testbed.CONFIG}; "
           "systemctl daemon-reload; systemctl reset-failed; "
           "systemctl start tallyd.socket")
        self.assertEqual(unit("ActiveState"), "inactive")
        testbed.forget_journal()

    def open_to_everyone(self):
        """Lets anyone connect, so that [access] alone decides."""
        sh("mkdir -p /run/systemd/system/tallyd.socket.d; "
           "printf '[Socket]\\nSocketMode=0666\\n' "
           ">/run/systemd/system/tallyd.socket.d/open.conf; "
           "systemctl daemon-reload; systemctl stop tallyd.socket; "
           "systemctl start tallyd.socket")

    def assert_answered(self, done):
        self.assertEqual(done.returncode, 0, f"{done}\n{journal()}")


class UnitFiles(unittest.TestCase):
    def test_systemd_finds_nothing_to_say_about_them(self):
        done = run("systemd-analyze", "verify", "tallyd.service", "tallyd.socket")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_nor_about_those_of_users(self):
        sh("install -d -o ada -m 700 /run/verify")
        done = run("systemd-analyze", "verify", "--user", f"{LIB}/user/tallyd.service",
                   f"{LIB}/user/tallyd.socket", user="ada",
                   environment=["XDG_RUNTIME_DIR=/run/verify", "HOME=/home/ada"])
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_the_exposure_is_at_most_one(self):
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=10",
                   f"{LIB}/system/tallyd.service")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_installed_configuration_is_good(self):
        self.assertEqual(sh(f"tallyd --check-config {testbed.CONFIG}"),
                         f"{testbed.CONFIG}: good\n")


class Activation(Case):
    def test_a_started_service_is_ready_when_systemctl_returns(self):
        sh("systemctl start tallyd.service")
        self.assertEqual(unit("SubState"), "running")
        self.assert_answered(tally("ping", user="ada"))
        self.assertEqual(tally_json("status", user="ada")["kind"], "system")

    def test_a_ping_by_a_member_of_the_group_starts_it(self):
        self.assert_answered(tally("ping", user="ada"))
        self.assertEqual(unit("SubState"), "running")
        wait_logged(f"serves on {SOCKET} (passed by systemd)")

    def test_the_socket_outlives_the_service_and_has_no_lock(self):
        self.assert_answered(tally("ping", user="ada"))
        sh("systemctl stop tallyd.service")
        self.assertEqual(sh("ls /run/tally"), "tally.sock\n")
        self.assert_answered(tally("ping", user="ada"))


class Access(Case):
    def test_the_socket_keeps_out_who_is_not_in_the_group(self):
        done = tally("ping", user="bob")
        self.assertEqual(done.returncode, REFUSED, done)
        self.assertIn("does not admit", done.stderr)
        self.assertEqual(unit("ActiveState"), "inactive", "bob started the daemon")

    def test_the_daemon_keeps_them_out_where_the_socket_does_not(self):
        self.open_to_everyone()
        self.assert_answered(tally("ping", user="ada"))
        done = tally("ping", user="bob")
        self.assertEqual(done.returncode, REFUSED, done)
        self.assertIn("admits neither uid", done.stderr)

    def test_a_reload_admits_a_user(self):
        self.open_to_everyone()
        sh("systemctl start tallyd.service")
        before = unit("MainPID")
        testbed.configure('[access]\nusers = ["bob"]\n[pool]\nworkers = 1\n')
        sh("systemctl reload tallyd.service")
        wait_logged("configuration reloaded: access.users, access.groups")
        wait_logged("in need of a restart: pool.workers")
        self.assert_answered(tally("ping", user="bob"))
        self.assertEqual(tally("ping", user="ada").returncode, REFUSED)
        self.assertEqual(unit("MainPID"), before)

    def test_a_reload_of_a_bad_file_fails_and_changes_nothing(self):
        sh("systemctl start tallyd.service")
        before = unit("MainPID")
        testbed.configure('[access]\ngroups = []\nusers = ["nobody-of-that-name"]\n')
        done = run("systemctl", "reload", "tallyd.service")
        self.assertNotEqual(done.returncode, 0)
        wait_logged(f'{testbed.CONFIG}:3:10: access.users: there is no user '
                    '"nobody-of-that-name" here')
        # The same by the signal alone, without the check that comes before it.
        sh(f"kill -HUP {before}")
        wait_logged("configuration not reloaded: nothing has changed")
        self.assert_answered(tally("ping", user="ada"))
        self.assertEqual(unit("MainPID"), before)

    def test_a_start_with_a_bad_file_is_not_tried_again(self):
        testbed.configure("[acces]\n")
        self.assertNotEqual(run("systemctl", "start", "tallyd.service").returncode, 0)
        self.assertEqual(unit("ExecMainStatus"), "2")
        self.assertEqual(unit("NRestarts"), "0")


class Sandbox(Case):
    def test_workers_live_and_compute_in_it(self):
        answer = tally_json("run", "sum", "--range", "0:500000000", "--path", "process",
                            user="ada")
        self.assertEqual(answer["results"][0]["value"], "124999999750000000")
        self.assertEqual(answer["path"], "process")
        pids = {str(one["pid"]) for one in answer["worker_usage"]}
        self.assertTrue(pids)
        self.assertLessEqual(pids, set(processes()))
        for pid in pids:
            status = sh(f"cat /proc/{pid}/status")
            self.assertIn("\nNoNewPrivs:\t1\n", status)
            self.assertIn("\nSeccomp:\t2\n", status)
            self.assertIn("\nCapBnd:\t0000000000000000\n", status)
            self.assertNotEqual(sh(f"readlink /proc/{pid}/ns/net"),
                                sh("readlink /proc/1/ns/net"))

    def test_the_accounting_sees_through_it(self):
        answer = tally_json("run", "sum", "--range", "0:500000000", "--path", "process",
                            user="ada")
        self.assertGreater(answer["memory"]["peak_rss_bytes"], 0)
        self.assertGreater(answer["memory"]["daemon_rss_bytes"], 0)
        self.assertGreater(answer["memory"]["system_used_percent"], 0)
        workers = tally_json("status", user="ada")["workers"]
        self.assertTrue(workers)
        for worker in workers:
            self.assertGreater(worker["pss_bytes"], 0, worker)


class Restart(Case):
    def test_connections_made_while_it_drains_and_restarts_are_all_answered(self):
        count = 50
        # Holds the drain until we end its client: an attached job of some hours.
        job = testbed.start("sh", "-c", "echo $$; exec tally run sum --range 0:1e15 "
                            "--path process", user="ada")
        self.addCleanup(job.communicate)
        client = job.stdout.readline().strip()
        self.addCleanup(run, "kill", "-KILL", client)
        wait_until(lambda: tally_json("status", user="ada")["queue"]["jobs_running"] == 1,
                   "the job runs")
        before = unit("MainPID")
        sh("systemctl --no-block restart tallyd.service")
        wait_logged("serving -> draining")
        queued = connections()
        pings = testbed.start(
            "sh", "-c", f"for i in $(seq {count}); do "
            "{ tally ping >/dev/null; echo $?; } & done; wait", user="ada")
        wait_until(lambda: connections() >= queued + count, "all are queued")
        sh(f"kill -KILL {client}")
        codes, errors = pings.communicate(timeout=2 * testbed.PATIENCE_S)
        self.assertEqual(codes.split(), ["0"] * count, errors + journal())
        self.assertNotEqual(unit("MainPID"), before)

    def test_a_killed_daemon_is_restarted_and_leaves_no_orphan(self):
        self.assert_answered(tally("run", "sum", "--range", "0:500000000", user="ada"))
        before = unit("MainPID")
        old = processes()
        self.assertGreater(len(old), 2)  # the daemon, the zygote, a worker at least
        sh(f"kill -KILL {before}")
        wait_until(lambda: unit("MainPID") not in ("0", before) and
                   unit("SubState") == "running", "restarted")
        self.assertEqual(unit("NRestarts"), "1")
        wait_until(lambda: not any(map(exists, old)), "the old processes are gone")
        self.assert_answered(tally("run", "sum", "--range", "0:500000000", user="ada"))


class UserManager(unittest.TestCase):
    def test_a_user_without_root_has_a_daemon_of_their_own(self):
        uid = sh("id -u bob").strip()
        runtime = f"/run/user/{uid}"
        # The testbed has no logind, which makes the directory at log-in.
        sh(f"install -d -o bob -g bob -m 700 {runtime}; systemctl start user@{uid}")
        environment = [e.format(uid=uid) for e in USER_ENVIRONMENT] + ["HOME=/home/bob"]
        done = run("systemctl", "--user", "enable", "--now", "tallyd.socket", user="bob",
                   environment=environment)
        self.assertEqual(done.returncode, 0, done)
        socket = f"{runtime}/tally/tally.sock"
        status = tally_json("status", "--socket", socket, user="bob",
                            environment=environment)
        self.assertEqual(status["kind"], "user")
        answer = tally_json("run", "sum", "--range", "0:500000000", "--path", "process",
                            "--socket", socket, user="bob", environment=environment)
        self.assertEqual(answer["results"][0]["value"], "124999999750000000")
        self.assertEqual(
            tally("ping", "--socket", socket, user="ada").returncode, REFUSED)
        sh(f"systemctl stop user@{uid}")


class Kernels(Case):
    def test_installed_ones_run_in_the_sandbox_and_those_of_clients_are_refused(self):
        kernel = "/usr/local/lib/tally-test/geomean.so"
        testbed.push(pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"]) / "geomean.so",
                     kernel)
        testbed.configure('[access]\ngroups = ["tally"]\n'
                          f'[kernels]\nfiles = ["{kernel}"]\n')
        words = ("run", "geomean", "--range", "1:300000")
        done = tally(*words, "--quiet", user="ada")
        self.assert_answered(done)
        self.assertAlmostEqual(float(done.stdout), 110366.122324806, places=6)
        self.assertEqual(tally(*words, "--kernel", kernel, user="ada").returncode, REFUSED)


if __name__ == "__main__":
    reason = testbed.unable()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(testbed.SKIPPED)
    unittest.main()
