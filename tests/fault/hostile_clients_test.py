#!/usr/bin/env python3
"""Clients that mean harm: the daemon lives, leaks nothing, and others are served right.

Every attack runs beside a well-behaved client whose one-element jobs are checked; after
each the daemon holds what it held before it.
"""

import fcntl
import itertools
import os
import socket
import threading
import unittest

import wire
from processes import descriptors_of
from tally_daemon import TallyDaemon, children_of, wait_until

ONE = wire.submit("range = (start = 41, stop = 42, step = 1)")
LONG = "range = (start = 0, stop = 1000000000000, step = 1)"
SMALL = wire.submit("range = (start = 0, stop = 1000, step = 1)")
OTHER = 1  # a user who is admitted; the overflow ids never are
F64 = 10
CONNECTS = 10_000
JOBS = 1000
DONE = 3
NOT_FOUND = 2


def memory(count, descriptor=0, job=""):
    return wire.submit(f"memory = (type = {F64}, descriptor = {descriptor}, "
                       f"offsetBytes = 0, count = {count})", job=job)


def raw_file(job=""):
    return wire.submit(f'files = (format = 2, type = {F64}, '
                       'files = [(name = "thing.raw", descriptor = 0)])', job=job)


class WellBehaved(threading.Thread):
    """Runs one-element jobs until it is told to stop; all are answered right."""

    def __init__(self, path):
        super().__init__()
        self._path = path
        self._enough = threading.Event()
        self.frames, self.error = [], None

    def run(self):
        try:
            with wire.Session(self._path) as session:
                while not self._enough.wait(0.001):
                    session.send(wire.frame(ONE, 7))
                    self.frames.append(session.receive_raw())
        except BaseException as error:  # the test that asks for the answers raises it
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self.join()


class HostileClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wire.body_of(ONE)
        cls.daemon = TallyDaemon(config=f"[access]\nusers = [{OTHER}]\n")
        cls.daemon.__enter__()
        with wire.Session(cls.daemon.socket) as session:  # what is opened once is there
            for path in 2, 3:
                session.result(wire.submit("range = (start = 0, stop = 50000000, step = 1)",
                                           job=f", path = {path}"))
        cls.daemon.whole_pool()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def setUp(self):
        self.pid = self.daemon.process.pid
        self.workers = [worker["pid"] for worker in self.daemon.whole_pool()]
        self.descriptors = descriptors_of(self.pid)
        self.children = sorted(children_of(self.pid))
        beside = self.beside = WellBehaved(self.daemon.socket)
        beside.__enter__()
        self.answered_again()
        self.addCleanup(self.nobody_noticed)

    def answered_again(self):
        """The well-behaved client has one more answer than it had."""
        had = len(self.beside.frames)
        wait_until(lambda: len(self.beside.frames) > had or self.beside.error,
                   "the well-behaved client is answered")

    def nobody_noticed(self):
        if self.beside.is_alive():
            self.answered_again()
        self.beside.__exit__()
        if self.beside.error:
            raise self.beside.error
        self.assertGreater(len(self.beside.frames), 0)
        for _, member, value in wire.decoded(self.beside.frames):
            self.assertEqual((member, value.get("state")), ("answer", DONE), value)
            self.assertEqual(wire.integer(value["results"][0]["value"]), 41)

        def settled():
            status = self.daemon.status()
            return (status["sessions"] == 1 and status["queue"]["jobs_running"] == 0 and
                    status["queue"]["jobs_queued"] == 0 and
                    descriptors_of(self.pid) <= self.descriptors)
        wait_until(settled, "jobs, sessions and descriptors of the hostile are gone")
        self.assertEqual([w["pid"] for w in self.daemon.whole_pool()], self.workers)
        self.assertEqual(sorted(children_of(self.pid)), self.children)

    def session(self, greet=True):
        session = wire.Session(self.daemon.socket, greet)
        self.addCleanup(session.socket.close)
        return session

    def test_half_frames(self):
        whole = wire.frame(SMALL, sequence=9)
        for cut in range(1, len(whole)):
            session = wire.Session(self.daemon.socket)
            session.send(whole[:cut])
            session.socket.close()

    def test_a_byte_at_a_time(self):
        session = self.session(greet=False)
        for byte in wire.frame(wire.HELLO) + wire.frame(SMALL, sequence=9):
            session.send(bytes([byte]))
        self.assertEqual(session.receive()[1], "hello")
        sequence, member, value = session.receive()
        self.assertEqual((sequence, member), (9, "answer"))
        self.assertEqual(wire.integer(value["results"][0]["value"]), 499500)
        session.socket.close()

    def test_who_never_reads_a_reply(self):
        session = self.session()
        session.socket.setblocking(False)
        sent = 0
        try:
            for sequence in range(2, 50_000):
                session.send(wire.frame(SMALL, sequence))
                sent += 1
        except (BlockingIOError, ConnectionError):
            pass  # it is not read any more, or thrown out
        self.assertGreater(sent, 100)
        session.socket.close()

    def test_ten_thousand_connects(self):
        for _ in range(CONNECTS):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(str(self.daemon.socket))

    def test_a_thousand_jobs_and_gone(self):
        session = self.session()
        submit = wire.body_of(wire.submit(LONG, wait=False))
        try:
            for sequence in range(2, JOBS + 2):
                session.send(wire.frame(submit, sequence))
        except (TimeoutError, ConnectionError):
            pass  # refused in the middle: as good an end
        session.socket.close()

    def test_descriptor_counts_that_lie(self):
        fd = wire.memfd(bytes(8))
        self.addCleanup(os.close, fd)
        for said, sent in (1, 0), (2, 1), (64, 3), (65, 1), (65535, 2), (0, 5), (1, 20):
            with self.subTest(said=said, sent=sent):
                session = self.session()
                session.send(wire.frame(memory(1), 3, fd_count=said), [fd] * sent)
                _, member, value = session.receive()
                if said > sent or said > 64:
                    self.assertEqual((member, value["errc"]), ("error", 7), value)
                    self.assertTrue(session.at_end())
                else:
                    self.assertEqual((member, value.get("code"), value.get("state")),
                                     ("answer", None, DONE) if said else
                                     ("error", "bad_descriptor", None), value)
                session.socket.close()

    def test_descriptors_of_what_is_no_file(self):
        reading, writing = os.pipe()
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        opened = [os.open("/", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY),
                  os.open("/dev/null", os.O_RDONLY), os.eventfd(0), writing]
        for fd in opened + [reading]:
            self.addCleanup(os.close, fd)
        session = self.session()
        for fd, request, path in itertools.product(
                [*opened, sock.fileno()], (memory, raw_file), (0, 2, 3)):
            job = f", path = {path}"
            words = memory(1, job=job) if request is memory else raw_file(job)
            member, error = session.ask(words, fds=[fd])
            self.assertEqual((member, error.get("errc")), ("error", 1), error)
        member, error = session.ask(memory(1), fds=[reading])
        self.assertEqual((member, error["errc"]), ("error", 1))
        # Files of /proc say that they are empty: there is nothing in them to sum.
        for name in "/proc/self/mem", "/proc/kmsg", "/proc/self/maps":
            try:
                fd = os.open(name, os.O_RDONLY)
            except PermissionError:
                continue
            try:
                member, value = session.ask(raw_file(), fds=[fd])
                self.assertEqual((member, value.get("state")), ("answer", DONE), value)
                self.assertEqual(value["elements"]["seen"], "0")
                member, error = session.ask(memory(1), fds=[fd])
                self.assertEqual((member, error["errc"]), ("error", 1), error)
            finally:
                os.close(fd)
        session.socket.close()

    def test_every_wrong_set_of_seals(self):
        needed = fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE
        session = self.session()
        for chosen in itertools.product((0, 1), repeat=4):
            every = (*needed, fcntl.F_SEAL_SEAL)
            seals = sum(seal for seal, on in zip(every, chosen) if on)
            fd = wire.memfd(bytes(8), seals)
            try:
                member, value = session.ask(memory(1), fds=[fd])
            finally:
                os.close(fd)
            if all(chosen[:3]):
                self.assertEqual((member, value.get("state")), ("answer", DONE), value)
            else:
                self.assertEqual((member, value.get("code")), ("error", "not_sealed"), value)
        session.socket.close()

    def test_files_that_are_sparse_or_shrink(self):
        name = self.daemon.folder / "shrinks.raw"
        for path in 2, 3:
            session = self.session()
            with open(name, "wb+") as file:
                os.truncate(file.fileno(), 1 << 30)
                words = raw_file(f", path = {path}, chunkSize = 65536")
                session.socket.settimeout(60)
                session.send(wire.frame(words, 5, fd_count=1), [file.fileno()])
                os.truncate(file.fileno(), 4096)
                _, member, value = session.receive()
                if member == "answer" and value["state"] == DONE:  # it was read before
                    self.assertEqual(value["results"][0]["value"]["f64Bits"], "0")
                else:
                    error = value if member == "error" else value["error"]
                    self.assertIn(error["errc"], (8, 12), error)  # io, invalid_data
            session.socket.close()
            name.unlink()

    def test_cancels_that_race_with_the_end(self):
        session = self.session()
        middle = wire.submit("range = (start = 0, stop = 300000, step = 1)")
        for number in range(200):
            session.send(wire.frame(middle, 10) +
                         wire.frame("(cancel = (sequence = 10))", 11) * (1 + number % 3))
            frames = [session.receive_raw() for _ in range(2 + number % 3)]
            for sequence, member, value in wire.decoded(frames):
                if sequence == 10:
                    self.assertIn((member, value.get("state")), (("answer", DONE), ("answer", 6)))
                else:
                    self.assertTrue(member == "done" or value["errc"] in (1, 2), value)
        session.socket.close()

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_users_job_cannot_be_touched(self):
        owner = self.session()
        member, job = owner.ask(wire.submit(LONG, wait=False), sequence=3)
        self.assertEqual(member, "accepted", job)
        named = f'(id = (tag = {job["tag"]}, number = {job["number"]}))'
        requests = [f"(cancel = {named})", f"(status = {named})", f"(wait = {named})"]
        for request in requests:
            wire.body_of(request)
        os.chmod(self.daemon.folder, 0o755)  # so that it is the daemon who refuses
        os.chmod(self.daemon.socket, 0o666)
        child = os.fork()
        if child == 0:
            os._exit(self.pry(requests))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertEqual(code, 0)
        self.assertEqual(owner.ask("(cancel = (sequence = 3))", sequence=4)[0], "done")
        owner.socket.close()

    def pry(self, requests):
        """As another user who may use the daemon: 0 if there is no such job for him."""
        try:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            session = self.session(greet=False)
            member, value = session.ask(wire.HELLO)
            if member != "hello":
                return 3
            for number, request in enumerate(requests):
                member, error = session.ask(request, number + 2)
                if (member, error.get("errc")) != ("error", NOT_FOUND):
                    print(request, member, error, flush=True)
                    return 1
            return 0
        except BaseException:  # the child must not return into the test
            return 2


if __name__ == "__main__":
    unittest.main()
