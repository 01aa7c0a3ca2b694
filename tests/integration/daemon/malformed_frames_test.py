#!/usr/bin/env python3
"""Frames that are none: an error where possible, that session closed, no other harmed."""

import os
import socket
import struct
import time
import unittest

import wire
from processes import descriptors_of
from tally_daemon import TallyDaemon, wait_until

PROTOCOL_VIOLATION = 7
INVALID_ARGUMENT = 1
SMALL = wire.submit("range = (start = 0, stop = 10, step = 1)")


class MalformedFramesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon()
        cls.daemon.__enter__()
        cls.beside = wire.Session(cls.daemon.socket)

    @classmethod
    def tearDownClass(cls):
        cls.beside.socket.close()
        cls.daemon.__exit__(None, None, None)

    def setUp(self):
        self.addCleanup(self.others_do_not_notice)  # last: after the test's sessions

    def others_do_not_notice(self):
        answer = self.beside.result(SMALL)
        self.assertEqual(wire.integer(answer["results"][0]["value"]), 45)
        wait_until(lambda: self.daemon.status()["sessions"] == 2, "the session is gone")

    def session(self, greet=True):
        session = wire.Session(self.daemon.socket, greet)
        self.addCleanup(session.socket.close)
        return session

    def ends(self, data, code, sequence=None, greet=True, fds=()):
        """`data` is answered with an error of that code; then the session closes."""
        session = self.session(greet)
        session.send(data, fds)
        answered, member, error = session.receive()
        self.assertEqual((member, error["code"], error["errc"]),
                         ("error", code, PROTOCOL_VIOLATION))
        if sequence is not None:
            self.assertEqual(answered, sequence)
        self.assertTrue(session.at_end())
        session.socket.close()
        return error

    def test_half_a_frame_is_waited_for_but_not_for_long(self):
        with open("/dev/null", "rb") as nothing:
            halves = [self.session() for _ in range(2)]
            halves[0].send(wire.frame(SMALL)[:40])
            halves[1].send(wire.frame(wire.PING, fd_count=1)[:8], [nothing.fileno()])
        for _ in range(3):  # a trickle is no reason to wait
            time.sleep(2)
            halves[0].send(b"\0")
        for session in halves:
            session.socket.settimeout(30)
            _, member, error = session.receive()
            self.assertEqual((member, error["code"], error["errc"]),
                             ("error", "frame_too_slow", PROTOCOL_VIOLATION))
            self.assertTrue(session.at_end())
            session.socket.close()

    def test_garbage(self):
        for greet in True, False:
            self.ends(os.urandom(4096).replace(b"TLY1", b"tly1"), "bad_magic", greet=greet)
            self.ends(b"GET / HTTP/1.1\r\nHost: tally\r\n\r\n", "bad_magic", greet=greet)
        self.ends(wire.frame(wire.PING, magic=b"TLY2"), "bad_magic")

    def test_kinds_that_a_client_does_not_send(self):
        for kind in 0, 2, 3, 4, 77, 65535:
            self.ends(wire.frame(wire.PING, kind=kind), "bad_kind")

    def test_bodies_of_a_size_that_is_not_allowed(self):
        for size in 0, 4, 12, (1 << 20) + 8, 1 << 31, (1 << 32) - 1, (1 << 32) - 8:
            self.ends(wire.header(size) + b"\0" * 64, "bad_body_size")

    def test_the_largest_body_is_read_and_judged(self):
        body = wire.body_of(wire.PING)
        filler = (1 << 20) - len(body)
        head, root = struct.unpack("<II", body[:8])
        self.assertEqual(head, 0)
        padded = struct.pack("<II", 0, root + filler // 8) + body[8:] + b"\0" * filler
        session = self.session()
        self.assertEqual(session.ask(padded)[0], "done")
        self.assertEqual(session.ask(wire.PING)[0], "done")

    def test_segments_that_are_too_many_or_do_not_add_up(self):
        def table(sizes):
            words = [len(sizes) - 1, *sizes]
            return struct.pack(f"<{len(words)}I", *words) + b"\0" * (4 * (len(words) % 2))
        for body in (struct.pack("<I", 200_000) + b"\0" * 60,   # 200,001 claimed
                     struct.pack("<I", 0xFFFFFFFF) + b"\0" * 60,
                     table([1] * 65) + b"\0" * (8 * 65),        # all there, one too many
                     table([3]) + b"\0" * 16,                   # one word short
                     table([1]) + b"\0" * 16,                   # one word over
                     table([0xFFFFFFFF]) + b"\0" * 16,
                     table([2, 0xFFFFFFFF]) + b"\0" * 16):
            with self.subTest(body=body[:16]):
                self.ends(wire.frame(body), "bad_segments")

    def test_pointers_that_lead_nowhere_are_refused_and_the_session_lives(self):
        session = self.session()
        submit = 1
        for pointer in (0x0001_0001_7FFF_FFFC, 0xFFFF_FFFF_0000_0000, 3, 2,
                        0x0000_0000_FFFF_FFFA, 0xFFFF_FFFF_FFFF_FFFD):
            body = struct.pack("<II4Q", 0, 4, 0x0001_0001_0000_0000, submit, pointer, 0)
            member, error = session.ask(body)
            self.assertEqual((member, error["errc"]), ("error", INVALID_ARGUMENT), pointer)
        self.assertEqual(session.ask(wire.PING)[0], "done")

    def test_a_message_nested_too_deep_or_shared_too_often_is_refused(self):
        session = self.session()
        # A submit whose spec points at itself: endless in depth and in traversal.
        body = struct.pack("<II6Q", 0, 6, 0x0001_0001_0000_0000, 1,
                           0x0001_0001_0000_0000, 0, 0x0003_0004_FFFF_FFFC, 0)
        member, error = session.ask(body)
        self.assertEqual((member, error["errc"]), ("error", INVALID_ARGUMENT), error)
        self.assertEqual(session.ask(wire.PING)[0], "done")

    def test_a_truncated_frame_ends_its_session_alone(self):
        whole = wire.frame(SMALL, sequence=9)
        for cut in 1, 15, 16, 17, len(whole) - 1:
            session = self.session()
            session.send(whole[:cut])
            session.socket.shutdown(socket.SHUT_WR)
            self.assertTrue(session.at_end(), cut)
            session.socket.close()

    def test_a_request_before_the_hello(self):
        self.ends(wire.frame(wire.PING, sequence=5), "no_hello", 5, greet=False)
        self.ends(wire.frame(SMALL, sequence=6), "no_hello", 6, greet=False)

    def test_another_version_of_the_protocol(self):
        for version in 0, 2, 4294967295:
            hello = f'(hello = (protocol = {version}, version = "other"))'
            error = self.ends(wire.frame(hello, sequence=3), "version_mismatch", 3,
                              greet=False)
            self.assertIn({"name": "daemon_protocol", "number": "1"}, error["fields"])

    def test_unknown_requests_and_numbers_are_refused_and_the_session_lives(self):
        session = self.session()
        unknown = bytearray(wire.body_of(wire.PING))
        unknown[16:18] = struct.pack("<H", 999)
        member, error = session.ask(bytes(unknown), sequence=8)
        self.assertEqual((member, error["code"]), ("error", "unknown_request"))
        for job in ", hint = 99", ", path = 99", ", missing = 99", ", nan = 99":
            member, error = session.ask(wire.submit("range = (stop = 9, step = 1)", job=job))
            self.assertEqual((member, error["code"]), ("error", "bad_enum"), job)
        member, error = session.ask('(wait = (sequence = 4444))')
        self.assertEqual((member, error["code"]), ("error", "no_such_job"))
        member, error = session.ask(wire.HELLO)
        self.assertEqual(member, "error")
        self.assertEqual(session.ask(wire.PING)[0], "done")

    def test_descriptors_that_do_not_come(self):
        self.ends(wire.frame(SMALL, fd_count=1), "descriptors_missing")
        with open("/dev/null", "rb") as file:
            self.ends(wire.frame(SMALL, fd_count=3), "descriptors_missing",
                      fds=[file.fileno()] * 2)

    def test_too_many_descriptors(self):
        self.ends(wire.frame(SMALL, fd_count=65), "too_many_descriptors")
        before = descriptors_of(self.daemon.process.pid)
        session = self.session()
        with open("/dev/null", "rb") as file:
            # Sent with bytes of one frame that never ends: they queue up.
            body = wire.body_of(SMALL)
            session.send(wire.header(len(body), fd_count=40), [file.fileno()] * 40)
            session.send(body[:8], [file.fileno()] * 40)
        _, member, error = session.receive()
        self.assertEqual((member, error["code"]), ("error", "too_many_descriptors"))
        self.assertTrue(session.at_end())
        session.socket.close()
        wait_until(lambda: descriptors_of(self.daemon.process.pid) <= before,
                   "its descriptors are closed")

    def test_descriptors_nobody_asked_for_are_closed(self):
        before = descriptors_of(self.daemon.process.pid)
        with open("/dev/null", "rb") as file:
            for _ in range(20):
                session = self.session()
                session.ask(wire.PING, fds=[file.fileno()] * 3)
                session.socket.close()
        wait_until(lambda: descriptors_of(self.daemon.process.pid) <= before,
                   "they are closed")


if __name__ == "__main__":
    unittest.main()
