"""A tallyd on a private socket, for tests; and the tally program beside it.

    with TallyDaemon(workers=2) as daemon:
        daemon.tally("run", "sum", "--range", "0:10").stdout

The programs are named by TALLY_BIN and TALLYD_BIN. Leaving the block stops the daemon
with SIGTERM and asserts that it exited with 0 and that no process of it stays behind:
this process is made the reaper of orphans, so what the daemon leaves comes to us.
"""

import ctypes
import json
import os
import pathlib
import resource
import select
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 30  # for what takes milliseconds, on a machine that is busy

_libc = ctypes.CDLL(None, use_errno=True)


def program(variable):
    path = os.environ.get(variable)
    if not path:
        raise RuntimeError(f"{variable} must name the built program")
    return path


def clean_environment(folder, **extra):
    """The environment without what would lead tally to another daemon."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TALLY_")}
    env.pop("JOURNAL_STREAM", None)
    env.update(XDG_RUNTIME_DIR=str(folder), NO_COLOR="1", LC_ALL="C.UTF-8")
    env.update({k: str(v) for k, v in extra.items()})
    return env


def tally(*words, env, timeout=PATIENCE_S, **options):
    """Runs the tally program to its end; text in and out."""
    return subprocess.run([program("TALLY_BIN"), *map(str, words)], env=env, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, **options)


def children_of(parent):
    """Its child processes, and those of them that it has not waited for."""
    children = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue  # gone meanwhile
        if int(stat.rpartition(")")[2].split()[1]) == parent:
            children.append(int(entry))
    return children


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Asks until it is so. For what has no event to wait for."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(0.01)


class TallyDaemon:
    """Use as a context; `folder` is private to it. `config` is TOML without [pool],
    `pool` what else is in [pool].

    With `fault` its workers are tally-worker-test's and read $TALLY_FAULT as it says
    (runtime/exec/fault_points.h), for as long as `fault_file` exists: a zygote that is
    started after it was removed has sound workers. `fault` "" is no fault at all. The
    fault is for the test's jobs: canaries are off unless `config` says how often.
    """

    def __init__(self, workers=2, config="", env=None, fault=None, pool=""):
        self._temporary = tempfile.TemporaryDirectory(prefix="tally-test-")
        self.folder = pathlib.Path(self._temporary.name)
        self.socket = self.folder / "tally.sock"
        self.log = self.folder / "tallyd.log"
        self._config = self.folder / "tallyd.toml"
        pool = f"[pool]\nworkers = {workers}\n{pool}\n"
        self._daemon_env = clean_environment(self.folder, **(env or {}))
        self.fault_file = self.folder / "fault"
        if fault is not None:
            pool += f'worker_program = "{self._faulty_worker_program()}"\n'
            self._daemon_env["TALLY_FAULT"] = fault
            self.fault_file.touch()
            if "canary" not in config:
                head, _, rest = (config if "[daemon]\n" in config
                                 else f"[daemon]\n{config}").partition("[daemon]\n")
                config = f'{head}[daemon]\ncanary = "0s"\n{rest}'
        self._config.write_text(f"{config}\n{pool}")
        self.env = clean_environment(self.folder, TALLY_SOCKET=self.socket,
                                     TALLY_EMBED="never")
        self.process = None

    def _faulty_worker_program(self):
        script = self.folder / "faulty-worker"
        script.write_text(f'#!/bin/sh\n[ -e "{self.fault_file}" ] || unset TALLY_FAULT\n'
                          f'exec "{program("TALLY_WORKER_TEST")}" "$@"\n')
        script.chmod(0o755)
        return script

    def __enter__(self):
        if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        # Our other children are none of the daemon's.
        self._others = set(children_of(os.getpid()))
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [program("TALLYD_BIN"), "--config", str(self._config), "--socket",
                 str(self.socket)],
                env=self._daemon_env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self._before_exec)
        try:
            wait_until(self._answers, "tallyd answers a ping")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if self.process.returncode is not None:
                pass  # a test has seen its end: stop() or kill()
            elif kind is not None:  # the test has failed; its error is the one to show
                self.kill()
                self._left_behind()
            elif self.process.poll() is None:
                self.stop()
            else:
                raise AssertionError(f"tallyd ended by itself: {self.process.returncode}"
                                     f"\n{self.log_text()}")
        finally:
            self._temporary.cleanup()

    def _before_exec(self):
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some tests crash workers

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"tallyd exited with {self.process.returncode}:\n"
                                 f"{self.log_text()}")
        return self.socket.exists() and self.tally("ping").returncode == 0

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tally(self, *words, **options):
        return tally(*words, env=self.env, **options)

    def json(self, *words):
        """What a command that must succeed prints with --json."""
        done = self.tally(*words, "--json")
        assert done.returncode == 0, f"{words}: {done}\n{self.log_text()}"
        return json.loads(done.stdout)

    def status(self):
        return self.json("status")

    def start_tally(self, *words):
        """The tally program in the background; the caller waits for it."""
        job = subprocess.Popen([program("TALLY_BIN"), *map(str, words)], env=self.env,
                               text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._others.add(job.pid)
        return job

    def spare(self, pid):
        """Another child of the test, which is none of the daemon's."""
        self._others.add(pid)

    def whole_pool(self):
        """Waits until every worker is idle; their status by slot."""
        def idle():
            workers = self.status()["workers"]
            return workers if all(w["state"] == "idle" and w["pid"] for w in workers) \
                else None
        return wait_until(idle, "all workers idle")

    def kill(self):
        """SIGKILL; waits for the end."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the daemon must drain, exit with 0 and leave nothing."""
        self.process.send_signal(signal.SIGTERM)
        self.wait_stopped()

    def wait_stopped(self, patience_s=PATIENCE_S):
        """The end that a SIGTERM brings: exit 0, nothing left behind."""
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"tallyd did not stop:\n{self.log_text()}") from None
        left = self._left_behind()
        assert code == 0, f"tallyd exited with {code}:\n{self.log_text()}"
        assert not left, f"tallyd left processes behind: {left}"
        assert not self.socket.exists(), "tallyd left its socket behind"

    def _left_behind(self):
        """The orphans that still live a while after the daemon's end; ends them."""
        left = []
        for pid in children_of(os.getpid()):
            if pid in self._others:
                continue
            pidfd = os.pidfd_open(pid)  # ours to reap, so it cannot be another's
            try:
                # An orphan dies of its parent's death, which takes a moment.
                gone, _, _ = select.select([pidfd], [], [], 5)
                if not gone:
                    left.append(pathlib.Path("/proc", str(pid), "comm").read_text())
                    os.kill(pid, signal.SIGKILL)
            finally:
                os.close(pidfd)
            os.waitpid(pid, 0)
        # Ending one may have handed us its children.
        return left + (self._left_behind() if left else [])
