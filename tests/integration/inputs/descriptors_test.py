#!/usr/bin/env python3
"""Descriptors that clients pass: sealed arrays, and what is none."""

import fcntl
import os
import socket
import struct
import tempfile
import unittest

import wire
from daemon_case import DaemonCase
from processes import SANITIZED, resident_bytes
from tally_daemon import wait_until

I32, F64 = 3, 10
PATHS = {"thread": ", path = 2", "process": ", path = 3"}
INVALID_ARGUMENT = 1
GIB = 1 << 30


def memory(count, dtype=I32, descriptor=0, offset=0, job=""):
    return wire.submit(f"memory = (type = {dtype}, descriptor = {descriptor}, "
                       f"offsetBytes = {offset}, count = {count})", job=job)


def files(*names, format=2, dtype=F64, job=""):
    all_files = ", ".join(f'(name = "{name}", descriptor = {n})'
                          for n, name in enumerate(names))
    return wire.submit(f"files = (format = {format}, type = {dtype}, "
                       f"files = [{all_files}])", job=job)


class DescriptorsTest(DaemonCase):
    def setUp(self):
        self.session = self.enterContext(wire.Session(self.daemon.socket))
        self.before = self.descriptors()
        self.addCleanup(lambda: wait_until(lambda: self.descriptors() <= self.before,
                                           "every descriptor passed is closed"))

    def descriptors(self):
        """What the daemon holds for jobs: descriptors of files, memfds and pipes."""
        folder = f"/proc/{self.daemon.process.pid}/fd"
        held = []
        for name in os.listdir(folder):
            try:
                held.append(os.readlink(f"{folder}/{name}"))
            except FileNotFoundError:
                pass
        return sum("memfd:test" in to or "tally-passed" in to for to in held)

    def memfd(self, *args, **options):
        fd = wire.memfd(*args, **options)
        self.addCleanup(os.close, fd)
        return fd

    def sum_of(self, answer):
        value = answer["results"][0]["value"]
        if "f64Bits" in value:
            return struct.unpack("<d", int(value["f64Bits"]).to_bytes(8, "little"))[0]
        return wire.integer(value)

    def refused(self, request, code, *fds):
        member, error = self.session.ask(request, fds=fds)
        self.assertEqual((member, error.get("code"), error.get("errc")),
                         ("error", code, INVALID_ARGUMENT), error)
        self.assertEqual(self.session.ask(wire.PING)[0], "done")
        return error["message"]

    def test_a_sealed_array_is_reduced_where_it_lies(self):
        values = range(-300_000, 500_000)
        data = struct.pack(f"<{len(values)}i", *values)
        fd = self.memfd(data)
        for job in PATHS.values():
            answer = self.session.result(memory(len(values), job=job), fds=[fd])
            self.assertEqual(self.sum_of(answer), sum(values))
            answer = self.session.result(memory(1000, offset=400, job=job), fds=[fd])
            self.assertEqual(self.sum_of(answer), sum(values[100:1100]))
        self.assertEqual(os.lseek(fd, 0, os.SEEK_CUR), len(data))  # nobody moved it

    def test_an_array_may_be_one_of_several_descriptors(self):
        first, second = self.memfd(struct.pack("<i", 1)), self.memfd(struct.pack("<i", 2))
        answer = self.session.result(memory(1, descriptor=1), fds=[first, second])
        self.assertEqual(self.sum_of(answer), 2)

    def test_an_array_that_is_not_fully_sealed_is_refused_by_name(self):
        seals = {"F_SEAL_SHRINK": fcntl.F_SEAL_SHRINK, "F_SEAL_GROW": fcntl.F_SEAL_GROW,
                 "F_SEAL_WRITE": fcntl.F_SEAL_WRITE}
        for missing in seals:
            others = sum(bit for name, bit in seals.items() if name != missing)
            message = self.refused(memory(1), "not_sealed",
                                   self.memfd(b"\0" * 8, others))
            self.assertIn(missing, message)
        future = 0x10 | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
        self.refused(memory(1), "not_sealed", self.memfd(b"\0" * 8, future))
        message = self.refused(memory(1), "not_sealed", self.memfd(b"\0" * 8, 0))
        for name in seals:
            self.assertIn(name, message)
        with tempfile.TemporaryFile() as file:
            file.write(b"\0" * 8)
            file.flush()
            self.assertIn("memfd", self.refused(memory(1), "not_sealed", file.fileno()))

    def test_an_array_larger_than_its_memory_is_refused(self):
        fd = self.memfd(b"\0" * 400)
        for request in (memory(101), memory(1, offset=400), memory(100, offset=4),
                        memory(2**61), memory(1, offset=2**64 - 4), memory(2**62 + 1)):
            member, error = self.session.ask(request, fds=[fd])
            self.assertEqual(member, "error", error)
            self.assertIn("400", error["message"])
        self.assertEqual(self.sum_of(self.session.result(memory(100), fds=[fd])), 0)

    def test_descriptors_of_what_is_no_file_are_refused_by_name(self):
        folder = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY)
        pipe, writing = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        epoll = os.eventfd(0)
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        for fd, kind in ((folder, "a directory"), (sock.fileno(), "a socket"),
                         (null, "a character device"),
                         (epoll, "no file")):
            for request in memory(1), files("thing.raw"), files("thing.npy", format=1):
                self.assertIn(kind, self.refused(request, "not_a_file", fd))
            self.assertIn("thing.raw", self.refused(files("thing.raw"), "not_a_file", fd))
        self.assertIn("a pipe", self.refused(memory(1), "not_a_file", pipe))
        self.assertIn("from files", self.refused(files("thing.npy", format=1), "no_stream", pipe))
        self.refused(files("thing.raw"), "not_readable", writing)
        for fd in folder, pipe, writing, null, epoll:
            os.close(fd)

    def test_files_that_are_not_open_for_reading_are_refused(self):
        with tempfile.NamedTemporaryFile(prefix="tally-passed-") as file:
            file.write(b"\0" * 8)
            file.flush()
            for flags in os.O_WRONLY, os.O_PATH:
                fd = os.open(file.name, flags)
                message = self.refused(files("mine.raw"), "not_readable", fd)
                self.assertIn("mine.raw", message)
                os.close(fd)

    def test_a_descriptor_that_is_named_but_did_not_come(self):
        self.refused(memory(1, descriptor=1), "bad_descriptor", self.memfd(b"\0" * 8))
        self.refused(memory(1), "bad_descriptor")
        self.refused(files("a", "b"), "bad_descriptor", self.memfd(b"\0" * 8))
        self.refused(memory(1, descriptor=2**32 - 1), "bad_descriptor")

    def test_more_files_than_a_job_may_have(self):
        self.refused(files(*["f"] * 65), "too_many_files")

    def test_a_sparse_array_costs_the_daemon_no_memory(self):
        fd = self.memfd(size=GIB)
        pid = self.daemon.process.pid
        for job in PATHS.values():  # threads and buffers that stay are not the input's
            small = self.memfd(size=1 << 26)
            self.session.result(memory((1 << 26) // 8, F64, job=job), fds=[small])
        for path, job in PATHS.items():
            with self.subTest(path=path):
                before = resident_bytes(pid)
                answer = self.session.result(memory(GIB // 8, F64, job=job), fds=[fd])
                self.assertEqual(self.sum_of(answer), 0.0)
                self.assertEqual(int(answer["elements"]["seen"]), GIB // 8)
                if not SANITIZED:  # the quarantine of freed memory grows
                    self.assertLess(resident_bytes(pid) - before, 1 << 20)
        self.assertLess(os.fstat(fd).st_blocks * 512, 1 << 20)  # still holes


if __name__ == "__main__":
    unittest.main()
