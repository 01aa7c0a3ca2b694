#!/usr/bin/env python3
"""Sessions that are well-formed, if odd: slow, many at once, out of order."""

import os
import re
import socket
import statistics
import time
import unittest

import wire
from processes import SANITIZED, cpu_seconds, descriptors_of, resident_bytes
from tally_daemon import TallyDaemon, wait_until

LONG = "range = (start = 0, stop = 9223372036854775807, step = 1)"
FREED_BYTES = 256 << 20
PROCESS = ", path = 3"
CANCELLED = 6  # a job's state


def small(stop=10, job=""):
    return wire.submit(f"range = (start = 0, stop = {stop}, step = 1)", job=job)


class SessionsTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon())

    def session(self):
        return self.enterContext(wire.Session(self.daemon.socket))

    def sum_of(self, answer):
        return wire.integer(answer["results"][0]["value"])

    def test_frames_that_come_byte_by_byte(self):
        session = self.session()
        for byte in wire.frame(small(), sequence=7) + wire.frame(wire.PING, sequence=8):
            session.send(bytes([byte]))
        got = dict((sequence, member) for sequence, member, _ in
                   (session.receive(), session.receive()))
        self.assertEqual(got, {7: "answer", 8: "done"})

    def test_many_frames_in_one_write_are_each_answered(self):
        session = self.session()
        jobs = {n: n * 3 for n in range(1, 257)}
        session.send(b"".join(self.patched(n, stop) for n, stop in jobs.items()))
        for sequence, member, answer in wire.decoded([session.receive_raw()
                                                      for _ in range(len(jobs))]):
            self.assertEqual(member, "answer")
            stop = jobs.pop(sequence)
            self.assertEqual(self.sum_of(answer), stop * (stop - 1) // 2)

    def patched(self, sequence, stop):
        """The submit of a range, its stop set in the bytes: one word that is unique."""
        mark = 0x1234567812345678
        body = wire.body_of(small(mark)).replace(mark.to_bytes(8, "little"),
                                                 stop.to_bytes(8, "little"))
        return wire.frame(body, sequence)

    def test_a_wait_does_not_hold_up_what_comes_after_it(self):
        session = self.session()
        member, job = session.ask(wire.submit(LONG, wait=False, job=PROCESS), 1)
        self.assertEqual(member, "accepted")
        named = f'(id = (tag = {job["tag"]}, number = {job["number"]}))'
        session.send(wire.frame(f"(wait = {named})", 2))
        self.assertEqual(session.ask(wire.PING, 3)[0], "done")
        self.assertEqual(self.sum_of(session.result(small(), 4)), 45)
        session.send(wire.frame(f"(cancel = {named})", 5))
        got = {}
        for _ in range(2):
            sequence, member, value = session.receive()
            got[sequence] = (member, value)
        self.assertEqual(got[5][0], "done")
        self.assertEqual((got[2][0], got[2][1]["state"]), ("answer", CANCELLED))

    def test_a_wait_of_another_session_is_answered_too(self):
        first, second = self.session(), self.session()
        _, job = first.ask(wire.submit(LONG, wait=False, job=PROCESS))
        named = f'(id = (tag = {job["tag"]}, number = {job["number"]}))'
        second.send(wire.frame(f"(wait = {named})", 9))
        self.assertEqual(second.ask(wire.PING, 10)[0], "done")
        first.socket.close()  # the job goes with its session
        sequence, member, answer = second.receive()
        self.assertEqual((sequence, member, answer["state"]), (9, "answer", CANCELLED))

    def test_a_job_can_be_cancelled_by_the_sequence_of_its_submit(self):
        session = self.session()
        session.send(wire.frame(wire.submit(LONG, job=PROCESS), 11) +
                     wire.frame("(cancel = (sequence = 11))", 12))
        got = {}
        for _ in range(2):
            sequence, member, value = session.receive()
            got[sequence] = (member, value)
        self.assertEqual(got[12][0], "done")
        self.assertEqual((got[11][0], got[11][1]["state"]), ("answer", CANCELLED))

    def test_a_detached_job_outlives_its_session(self):
        session = self.session()
        _, job = session.ask(small(10**9, ", detached = true, path = 3").replace(
            "replyWhen = 0", "replyWhen = 1"))
        session.socket.close()
        named = f'(id = (tag = {job["tag"]}, number = {job["number"]}))'
        member, answer = self.session().ask(f"(wait = {named})")
        self.assertEqual(member, "answer")
        self.assertEqual(self.sum_of(answer), 10**9 * (10**9 - 1) // 2)

    def test_a_timeout_that_no_clock_reaches_is_none(self):
        session = self.session()
        for timeout in 2**64 - 1, 2**63 + 1, 2**63 - 1:
            forever = f", timeoutNs = {timeout}"
            self.assertEqual(self.sum_of(session.result(small(job=forever))), 45)
            session.send(wire.frame(wire.submit(LONG, job=PROCESS + forever), 2))
            spent = cpu_seconds(self.daemon.process.pid)
            time.sleep(0.5)  # no timer goes round and round meanwhile
            self.assertLess(cpu_seconds(self.daemon.process.pid) - spent, 0.2)
            session.send(wire.frame("(cancel = (sequence = 2))", 3))
            got = {sequence: value for sequence, _, value in
                   (session.receive(), session.receive())}
            self.assertEqual(got[2]["state"], CANCELLED)

    def test_jobs_that_fail_at_once_do_not_fill_the_log(self):
        session = self.session()
        expired = wire.body_of(wire.submit(LONG, job=", timeoutNs = 1"))
        session.send(b"".join(wire.frame(expired, n) for n in range(1, 1001)))
        for _ in range(1000):
            session.receive_raw()
        def lines():
            return [line for line in self.daemon.log_text().splitlines()
                    if " of uid " in line]
        def told():
            return sum(int(held) for held in
                       re.findall(r"and (\d+) more lines like: job ",
                                  self.daemon.log_text()))
        def ended():  # each was told, or is in the count
            return sum("more lines like" not in line for line in lines()) + told() == 1000
        wait_until(ended, "the log counts what it held back")
        self.assertGreater(told(), 0)

    def test_the_id_of_another_daemon_is_told_apart(self):
        member, error = self.session().ask("(wait = (id = (tag = 1, number = 1)))")
        self.assertEqual((member, error["code"]), ("error", "daemon_restarted"))

    def test_many_sessions_at_once(self):
        sessions = [self.enterContext(wire.Session(self.daemon.socket, greet=False))
                    for _ in range(200)]
        for number, session in enumerate(sessions):
            session.send(wire.frame(wire.HELLO) + self.patched(1, number))
        for session in sessions:
            session.receive_raw()  # the hello
        replies = wire.decoded([session.receive_raw() for session in sessions])
        for number, (_, member, answer) in enumerate(replies):
            self.assertEqual((member, self.sum_of(answer)),
                             ("answer", number * (number - 1) // 2))
        self.assertEqual(self.daemon.status()["sessions"], 201)

    def test_sessions_leave_nothing_behind(self):
        def round_of_sessions():
            for _ in range(100):
                with wire.Session(self.daemon.socket, greet=False) as session:
                    session.send(wire.frame(wire.HELLO) + wire.frame(small(), 2))
                    session.receive_raw()
                    self.assertEqual(session.receive_raw()[0], 2)
            wait_until(lambda: self.daemon.status()["sessions"] == 1, "all have left")
        round_of_sessions()
        before = descriptors_of(self.daemon.process.pid)
        memory = resident_bytes(self.daemon.process.pid)
        for _ in range(3):
            round_of_sessions()
        # The client that asked for the status is leaving as well.
        wait_until(lambda: descriptors_of(self.daemon.process.pid) <= before,
                   "no descriptor is left behind")
        if not SANITIZED:  # the quarantine of freed memory grows
            self.assertLess(resident_bytes(self.daemon.process.pid) - memory, 2 << 20)

    def test_a_client_that_does_not_read_is_not_read_from(self):
        session = self.session()
        session.socket.setblocking(False)
        pings = wire.frame('(serverStatus = void)') * 500
        sent = 0
        # The daemon must stop taking requests long before this many.
        with self.assertRaises(BlockingIOError):
            while sent < 64 << 20:
                before = sent
                sent += self.sent_within(session.socket, pings)
                if sent == before:
                    raise BlockingIOError
        self.assertEqual(self.session().ask(wire.PING)[0], "done")

    def test_memory_that_is_freed_while_very_many_descriptors_wait_holds_up_nobody(self):
        null = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, null)
        session, other = self.session(), self.session()
        ping = wire.frame(wire.PING)
        def attack():
            """The other's longest wait, over the time that freeing as much takes here."""
            first, last, ours = [wire.memfd(bytes(FREED_BYTES)) for _ in range(3)]
            for fds in [first], *7 * [[null] * 64], [null] * 63, [last]:
                session.send(wire.frame(wire.PING, fd_count=len(fds)), fds)
                if fds[0] != null:
                    os.close(fds[0])  # the daemon has the last one
            longest, end = 0, time.monotonic() + 0.5
            while time.monotonic() < end:
                began = time.monotonic()
                other.send(ping)
                other.receive_raw()
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.001)
            for _ in range(10):
                session.receive_raw()
            began = time.monotonic()
            os.close(ours)
            return longest / (time.monotonic() - began)
        attack()  # what is started once is there before anything is measured
        usual = statistics.median(attack() for _ in range(5))
        if not SANITIZED:
            self.assertLess(usual, 0.6)

    def sent_within(self, sock, data, patience_s=1):
        """How much of `data` the socket takes before it takes nothing for a while."""
        sock.settimeout(patience_s)
        try:
            return sock.send(data)
        except (socket.timeout, BlockingIOError):
            return 0

    def test_sessions_over_the_limit_are_told_so(self):
        with TallyDaemon(config="[limits]\nsessions = 3\n") as daemon:
            kept = [wire.Session(daemon.socket) for _ in range(3)]
            with wire.Session(daemon.socket, greet=False) as refused:
                member, error = refused.ask(wire.HELLO)
                self.assertEqual((member, error["code"]), ("error", "too_many_sessions"))
                self.assertTrue(refused.at_end())
            self.assertEqual(kept[0].ask(wire.PING)[0], "done")
            for session in kept:
                session.socket.close()


if __name__ == "__main__":
    unittest.main()
