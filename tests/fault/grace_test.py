#!/usr/bin/env python3
"""Connections that are lost: a job with a client id waits a while for its client."""

import multiprocessing
import os
import signal
import time
import unittest

import wire
from held import SUM, HeldCase, held, held_file
from processes import descriptors_of
from tally_daemon import wait_until

LIBRARY_ID = "lib:0123456789abcdef"
MOST_WATCHED = 256  # daemon/lost_jobs.h: processes of a user
STRANGER = 65533


class GraceTest(HeldCase):
    """The grace is longer than any test."""
    config = """
[limits]
attached_grace = "10min"
jobs = 2
"""

    def lose(self, session):
        sessions = self.daemon.status()["sessions"]
        session.socket.close()
        wait_until(lambda: self.daemon.status()["sessions"] == sessions - 1, "it is lost")

    def test_the_hello_tells_the_grace(self):
        session = self.enterContext(wire.Session(self.daemon.socket, greet=False))
        member, hello = session.ask(wire.HELLO)
        self.assertEqual((member, hello["features"], hello["graceMs"]),
                         ("hello", "1", 600_000))

    def test_a_client_that_comes_back_has_its_job(self):
        first = self.submit(held("one"))
        job, = first.ask("(list = void)", 2)[1]
        self.lose(first)
        self.assertIn("1 of its jobs go on for 10min", self.daemon.log_text())
        again = self.submit(held("one"))
        self.let_go()
        self.assertEqual(self.done(self.answer(again)), job["id"])
        self.assertEqual(self.totals(), (1, 0))

    def test_it_may_come_back_any_number_of_times(self):
        for _ in range(10):
            self.lose(self.submit(held("one")))
        again = self.submit(held("one"))
        self.let_go()
        self.done(self.answer(again))
        self.assertEqual(self.totals(), (1, 0))

    def test_a_job_that_ended_meanwhile_has_its_answer_kept(self):
        self.lose(self.submit(held("one")))
        self.let_go()
        wait_until(lambda: self.totals() == (1, 0), "it has ended")
        session = self.session()
        job = self.done(session.result(held("one")))
        self.assertEqual(self.done(session.result(held("one"))), job)
        self.assertEqual(self.totals(), (1, 0))
        self.assertEqual(session.ask("(list = void)"), ("jobs", []))

    def test_an_answer_that_was_sent_may_be_asked_for_again(self):
        first = self.submit(held("one"))
        self.let_go()
        job = self.done(self.answer(first))
        self.assertEqual(self.done(self.session().result(held("one"))), job)
        self.assertEqual(self.totals(), (1, 0))

    def test_without_an_id_it_is_cancelled_at_once(self):
        self.lose(self.submit(held("")))
        wait_until(lambda: self.totals() == (0, 1), "it is cancelled", 5)
        self.assertNotIn("go on", self.daemon.log_text())

    def test_a_client_that_says_it_leaves_is_not_waited_for(self):
        first, other = self.submit(held("one")), self.submit(held("two"))
        shared = self.submit(held("two"))
        for session in first, other:
            session.send(wire.frame("(leave = void)", 7))
            self.assertTrue(session.at_end())
        wait_until(lambda: self.totals() == (0, 1), "its own job is cancelled", 5)
        self.let_go()
        self.done(self.answer(shared))
        self.assertEqual(self.totals(), (1, 1))

    def test_an_id_of_libtally_is_good_while_its_process_lives(self):
        self.lose(self.submit(held(LIBRARY_ID)))
        again = self.submit(held(LIBRARY_ID))
        self.let_go()
        self.done(self.answer(again))
        self.assertEqual(self.totals(), (1, 0))

    def test_a_process_that_is_killed_does_not_come_back(self):
        child = multiprocessing.Process(target=self.submit_and_sleep)
        child.start()
        self.daemon.spare(child.pid)
        wait_until(lambda: len(self.busy()) == 2, "both jobs run")
        child.kill()
        child.join()
        wait_until(lambda: self.totals() == (0, 1), "the library's is cancelled", 5)
        self.assertEqual(len(self.session().ask("(list = void)")[1]), 1)
        again = self.submit(held("one"))  # the user's is not
        self.let_go()
        self.done(self.answer(again))

    def submit_and_sleep(self):
        with wire.Session(self.daemon.socket) as session:
            self.send(session, held(LIBRARY_ID), 1)
            self.send(session, held("one"), 2)
            time.sleep(60)

    def test_it_counts_as_a_job_meanwhile(self):
        self.lose(self.submit(held("one")))
        self.lose(self.submit(held("two")))
        session = self.session()
        member, error = session.ask(held("three"))
        self.assertEqual((member, error["code"]), ("error", "too_many_jobs"), error)
        again = self.submit(held("one"))  # what is there may be taken up
        self.let_go(jobs=2)
        self.done(self.answer(again))

    def test_a_drain_does_not_wait_for_anybody(self):
        self.lose(self.submit(held("one")))
        begin = time.monotonic()
        self.daemon.stop()
        self.assertLess(time.monotonic() - begin, 20)  # drain_timeout is 30 s


@unittest.skipUnless(os.geteuid() == 0, "takes root to become another user")
class ManyLostProcessesTest(HeldCase):
    """As many lost processes of one user as are watched; each is a process of its own."""
    config = f"""
[daemon]
socket_mode = "0666"
[access]
users = [{STRANGER}]
[limits]
attached_grace = "10min"
"""

    def test_one_users_do_not_end_the_grace_of_others(self):
        hello, ping = wire.frame(wire.HELLO), wire.frame(wire.PING, 2)
        for number in range(MOST_WATCHED):
            self.lost_process(hello + wire.frame(held(f"lib:{number:016x}")) + ping)
        wait_until(lambda: self.daemon.status()["sessions"] == 1, "they are lost")
        self.submit(held(LIBRARY_ID)).socket.close()  # root's
        wait_until(lambda: self.daemon.status()["sessions"] == 1, "it is lost")
        self.assertEqual(self.totals(), (0, 0))
        self.lost_process(hello + wire.frame(held(f"lib:{MOST_WATCHED:016x}")) + ping)
        wait_until(lambda: self.totals() == (0, 1), "one more of theirs is cancelled", 5)

    def lost_process(self, requests):
        """A stranger that lost its session after these, and lives on."""
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(STRANGER)
                os.setuid(STRANGER)
                with wire.Session(self.daemon.socket, greet=False) as session:
                    session.send(requests)
                    session.receive_raw()
                    session.receive_raw()  # the ping's: the submit was handled
                os.write(tell, b"1")
                time.sleep(600)
            finally:
                os._exit(1)
        self.daemon.spare(pid)
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        os.close(tell)
        with os.fdopen(told, "rb") as child:
            self.assertEqual(child.read(1), b"1")


class GraceIsOverTest(HeldCase):
    config = """
[limits]
attached_grace = "500ms"
"""

    def test_who_does_not_come_back_has_nothing_left(self):
        before = descriptors_of(self.daemon.process.pid)
        path = self.daemon.folder / "numbers.raw"
        path.write_bytes(bytes(8000))
        fd = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        begin = time.monotonic()
        self.submit(held_file("one"), [fd]).socket.close()
        wait_until(lambda: self.totals() == (0, 1), "it is cancelled", 5)
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)
        self.daemon.whole_pool()
        wait_until(lambda: descriptors_of(self.daemon.process.pid) <= before,
                   "its descriptors are closed")
        self.assertEqual(self.daemon.status()["queue"]["jobs_running"], 0)
        member, error = self.session().ask('(wait = (clientId = "one"))')
        self.assertEqual((member, error["code"]), ("error", "no_such_job"), error)

    def test_an_answer_that_nobody_asks_for_is_forgotten(self):
        session = self.submit(held("one"))
        self.let_go()
        self.done(self.answer(session))
        time.sleep(0.6)
        member, error = session.ask('(wait = (clientId = "one"))')
        self.assertEqual((member, error["code"]), ("error", "no_such_job"), error)

    def test_each_loss_has_a_grace_of_its_own(self):
        session = self.submit(held("one"))
        for _ in range(4):
            session.socket.close()
            time.sleep(0.3)
            session = self.submit(held("one"))
        time.sleep(0.6)
        self.let_go()
        self.done(self.answer(session), SUM)
        self.assertEqual(self.totals(), (1, 0))


class NoGraceTest(HeldCase):
    config = """
[limits]
attached_grace = "0s"
"""

    def test_a_lost_job_is_cancelled_at_once(self):
        session = self.enterContext(wire.Session(self.daemon.socket, greet=False))
        self.assertEqual(session.ask(wire.HELLO)[1].get("features", "0"), "0")
        self.submit(held("one")).socket.close()
        wait_until(lambda: self.totals() == (0, 1), "it is cancelled", 5)
        self.assertNotIn("go on", self.daemon.log_text())


if __name__ == "__main__":
    unittest.main()
