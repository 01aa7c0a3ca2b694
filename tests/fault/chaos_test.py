#!/usr/bin/env python3
"""A seeded killer among the workers while many clients run jobs of every sort.

Nearly all jobs end with the bits of a quiet run, the others with a true error, none
hangs, and the daemon then holds what it held before. TALLY_CHAOS_SEED repeats a run as
far as the machine's timing lets it, TALLY_CHAOS_JOBS makes it longer.
"""

import math
import os
import pathlib
import random
import threading
import time
import unittest

import inputs
import wire
from census import census
from kernels import kernel
from processes import SANITIZED, Watched
from tally_daemon import TallyDaemon, wait_until

CLIENTS = 50
JOBS = int(os.environ.get("TALLY_CHAOS_JOBS", 200 if SANITIZED else 1000))
SEED = int(os.environ.get("TALLY_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
PATIENCE_S = 120 if SANITIZED else 40  # of a client, for one job
STRIKES_S = (0.001, 0.008)             # between two of the killer's
ZYGOTE = 50                            # so many strikes to one at the zygote
DONE, FAILED = 3, 5                    # states of an answer
WORKER_LOST = 6                        # the error's class
THREAD, PROCESS = 2, 3                 # paths
NPY, CSV, TEXT = 1, 3, 4               # formats
F64 = 10
RESIDENT_SLACK = 16 << 20              # the allocator's: what is freed need not go back

# Threads that were started stay, and so do finished jobs: few of both, so that the
# warm-up reaches all that there will ever be.
THREADS = 4
CONFIG = f"""
[kernels]
files = ["{kernel('csum')}"]
[threads]
max = {THREADS}
[limits]
finished_jobs = 64
"""


class Menu:
    """The jobs to choose from, as (request, descriptors)."""

    def __init__(self, folder, rng):
        self.items = []
        self._opened = []
        paths = THREAD, PROCESS
        for stop, path in ((1000, THREAD), (1000, PROCESS), (4 << 20, THREAD),
                           (4 << 20, PROCESS), (16 << 20, PROCESS)):
            self._add(f"range = (start = -7, stop = {stop}, step = 1)", path, 1 << 18,
                      reducers="count,sum,mean,min,max")
        values = inputs.packed(inputs.random_values(rng, 64, "f64"), "f64").hex(" ", 1)
        self._add(f'values = (type = {F64}, bytes = 0x"{values}")', 0)
        for count in 5_000, 400_000:
            floats = [rng.uniform(-1, 1) * 2.0 ** rng.randint(-40, 40)
                      for _ in range(count)]
            memory = self._keep(wire.memfd(inputs.packed(floats, "f64")))
            npy = self._file(folder / f"{count}.npy", inputs.npy(floats, "f64"))
            csv = self._file(folder / f"{count}.csv", inputs.csv(floats[:count // 8]))
            texts = [self._file(folder / f"{count}-{part}.txt",
                                inputs.csv(floats[part::32], name="")[1:])
                     for part in range(4)]
            for path in paths:
                self._add(f"memory = (type = {F64}, descriptor = 0, offsetBytes = 0, "
                          f"count = {count})", path, 65536, (memory,))
                self._add(self._files(NPY, 1), path, 65536, (npy,))
                self._add(self._files(CSV, 1), path, 0, (csv,))
                self._add(self._files(TEXT, len(texts)), path, 0, texts)
            self._add(self._files(NPY, 1), PROCESS, 65536, (npy,), reducers="csum")

    def close(self):
        for fd in self._opened:
            os.close(fd)

    def _keep(self, fd):
        self._opened.append(fd)
        return fd

    def _file(self, path, data):
        path.write_bytes(data)
        return self._keep(os.open(path, os.O_RDONLY))

    @staticmethod
    def _files(file_format, count):
        files = ", ".join(f'(name = "{n}", descriptor = {n})' for n in range(count))
        return (f"files = (format = {file_format}, csv = (delimiter = 44, header = true), "
                f"files = [{files}])")

    def _add(self, source, path, chunk=0, fds=(), reducers=inputs.ALL_REDUCERS):
        request = wire.submit(source, reducers, job=f", path = {path}, chunkSize = {chunk}")
        self.items.append((wire.body_of(request), tuple(fds)))


class Client(threading.Thread):
    """Runs its jobs one after the other; `replies` are frames, not looked into."""

    def __init__(self, daemon, menu, choices):
        super().__init__(daemon=True)
        self.choices, self.replies, self.error = choices, [], None
        self._path, self._menu = daemon.socket, menu

    def run(self):
        try:
            with wire.Session(self._path) as session:
                session.socket.settimeout(PATIENCE_S)
                for number, choice in enumerate(self.choices, 1):
                    body, fds = self._menu.items[choice]
                    session.send(wire.frame(body, number, fd_count=len(fds)), fds)
                    self.replies.append(session.receive_raw())
        except (OSError, EOFError, AssertionError) as error:
            self.error = f"job {len(self.replies) + 1} of {len(self.choices)}: {error!r}"

    def answers(self):
        """[(choice, answer)]; every job has one."""
        assert self.error is None, self.error
        decoded = wire.decoded(self.replies)
        assert [n for n, _, _ in decoded] == list(range(1, len(self.choices) + 1))
        for _, member, value in decoded:
            assert member == "answer", (member, value)
        return [(choice, value) for choice, (_, _, value) in zip(self.choices, decoded)]


class Killer(threading.Thread):
    """SIGKILLs workers of the daemon at random, now and then its zygote."""

    def __init__(self, daemon, rng):
        super().__init__(daemon=True)
        self.workers = self.zygotes = 0
        self._daemon, self._rng = daemon.process.pid, rng
        self._end = threading.Event()
        self._strikes = 0

    def run(self):
        while not self._end.wait(self._rng.uniform(*STRIKES_S)):
            self._strike()

    def stop(self):
        self._end.set()
        self.join()

    def _strike(self):
        self._strikes += 1
        # The daemon has one child, the zygote; the zygote's are the workers.
        for zygote in children(self._daemon):
            if self._strikes % ZYGOTE == ZYGOTE // 2:
                self.zygotes += self._kill(zygote, self._daemon)
            elif workers := children(zygote):
                self.workers += self._kill(self._rng.choice(workers), zygote)

    @staticmethod
    def _kill(pid, parent):
        try:
            watched = Watched(pid)
        except ProcessLookupError:
            return 0
        try:
            if pid not in children(parent):  # its number is another's by now
                return 0
            watched.kill()
            return 1
        except ProcessLookupError:
            return 0
        finally:
            watched.close()


def children(pid):
    """Its child processes at a glance, which may miss one: quick, for the killer."""
    found = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it is gone
    return found


class ChaosTest(unittest.TestCase):
    def run_jobs(self, daemon, menu, lists):
        clients = [Client(daemon, menu, choices) for choices in lists]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return [pair for client in clients for pair in client.answers()]

    def at_rest(self, daemon):
        daemon.whole_pool()
        wait_until(lambda: daemon.status()["sessions"] == 1, "all clients are gone")
        return census(daemon, THREADS)

    def test_nearly_all_jobs_end_right_and_nothing_leaks(self):
        print(f"TALLY_CHAOS_SEED={SEED} TALLY_CHAOS_JOBS={JOBS}", flush=True)
        rng = random.Random(SEED)
        with TallyDaemon(workers=4, config=CONFIG, pool="attempts = 20") as daemon:
            menu = Menu(daemon.folder, rng)
            self.addCleanup(menu.close)
            daemon.whole_pool()
            every = list(range(len(menu.items)))
            quiet = self.right_answers(self.run_jobs(daemon, menu, [every] * 8))
            # All clients once, so that the daemon has held as much as it will hold.
            self.run_jobs(daemon, menu, [rng.choices(every, k=3) for _ in range(CLIENTS)])
            before = self.at_rest(daemon)

            share = math.ceil(JOBS / CLIENTS)
            lists = [rng.choices(every, k=share) for _ in range(CLIENTS)]
            killer = Killer(daemon, random.Random(SEED + 1))
            begin = time.monotonic()
            killer.start()
            try:
                answers = self.run_jobs(daemon, menu, lists)
            finally:
                killer.stop()
            took = time.monotonic() - begin
            self.judge(answers, quiet, killer, took)
            self.nothing_leaked(before, self.at_rest(daemon))
            # And it is as good as new.
            again = self.right_answers(self.run_jobs(daemon, menu, [every]))
            self.assertEqual(again, quiet)

    def right_answers(self, answers):
        """The results by choice, of a run without faults: each choice has but one."""
        right = {}
        for choice, answer in answers:
            self.assertEqual((answer["state"], answer["retries"]), (DONE, "0"), answer)
            found = (answer["results"], answer["elements"])
            self.assertEqual(right.setdefault(choice, found), found)
        return right

    def judge(self, answers, quiet, killer, took):
        done = retries = 0
        for choice, answer in answers:
            retries += int(answer["retries"])
            if answer["state"] == DONE:
                done += 1
                self.assertEqual((answer["results"], answer["elements"]), quiet[choice])
                continue
            self.assertEqual(answer["state"], FAILED, answer)
            error = answer["error"]
            self.assertEqual(error["errc"], WORKER_LOST, error)
            self.assertIn(error["code"], ("worker_killed", "kernel_crashed"), error)
            self.assertIn("SIGKILL", error["message"])
        print(f"{done} of {len(answers)} done in {took:.1f} s, {retries} retries; killed "
              f"{killer.workers} workers, {killer.zygotes} zygotes", flush=True)
        self.assertGreaterEqual(done, 0.99 * len(answers))
        # It was no quiet run.
        self.assertGreater(killer.workers, 20)
        self.assertGreater(killer.zygotes, 0)
        self.assertGreater(retries, 0)

    def nothing_leaked(self, before, after):
        print(f"before {before}\nafter  {after}", flush=True)
        resident = after.pop("resident") - before.pop("resident")
        # Those that are new have not loaded the kernel yet.
        self.assertLessEqual(max(after.pop("worker_descriptors")),
                             max(before.pop("worker_descriptors")))
        self.assertEqual(after, before)
        if not SANITIZED:
            self.assertLess(resident, RESIDENT_SLACK)


if __name__ == "__main__":
    unittest.main()
