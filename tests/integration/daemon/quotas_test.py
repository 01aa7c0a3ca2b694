#!/usr/bin/env python3
"""What one user may hold: who is at a limit is refused and told when to come again, others
are not; and what was held is back whichever way a job ends."""

import os
import unittest

import wire
from processes import SANITIZED
from tally_daemon import TallyDaemon, wait_until

ADA, BOB = 1234, 1235
INVALID_ARGUMENT, OVERLOADED = 1, 3  # classes of errors
ACCEPTED, DONE = "accepted", 3
LONG = "range = (start = 0, stop = 9223372036854775807, step = 1)"
TINY = "range = (start = 0, stop = 10, step = 1)"
HOURS = 1 << 47  # elements
LEAF = 65536
PROCESS = ", path = 3"
CONFIG = f"""
[daemon]
socket_mode = "0666"
[access]
users = [{ADA}, {BOB}]
[limits]
"""


def facts(error):
    """Its fields, by name."""
    return {field["name"]: field.get("text", field.get("number"))
            for field in error["fields"]}


@unittest.skipUnless(os.geteuid() == 0, "takes root to become another user")
class QuotasTest(unittest.TestCase):
    def start(self, limits):
        self.daemon = self.enterContext(TallyDaemon(workers=1, config=CONFIG + limits))
        self.daemon.folder.chmod(0o755)

    def connect(self, uid, greet=False):
        os.seteuid(uid)  # the daemon goes by the one who connects
        try:
            return self.enterContext(wire.Session(self.daemon.socket, greet))
        finally:
            os.seteuid(0)

    def session(self, uid):
        session = self.connect(uid, greet=True)
        session.next = 0
        return session

    def test_sessions_are_bounded_for_each_user_and_some_are_kept_for_administrators(self):
        self.start("sessions = 4")
        kept = [self.session(ADA) for _ in range(3)]
        self.hello_refused(ADA, scope="user", limit="3", in_use="3")
        kept.append(self.session(BOB))
        self.hello_refused(BOB, scope="daemon", limit="4", in_use="4")
        self.session(0)
        kept[0].socket.close()
        wait_until(lambda: self.daemon.status()["sessions"] == 5, "one has left")
        self.hello_refused(BOB, scope="daemon", limit="4")  # root has the place

    def hello_refused(self, uid, **expected):
        session = self.connect(uid)
        member, error = session.ask(wire.HELLO)
        self.assertEqual((member, error["errc"], error["code"]),
                         ("error", OVERLOADED, "too_many_sessions"))
        told = facts(error)
        self.assertEqual({name: str(told[name]) for name in expected}, expected)
        self.assertTrue(session.at_end())

    def test_descriptors_that_wait_for_their_frame_are_bounded_for_each_user(self):
        self.start("")
        half = wire.frame(wire.PING, fd_count=64)[:16]
        with open("/dev/null", "rb") as nothing:
            for _ in range(16):
                self.session(ADA).send(half, [nothing.fileno()] * 64)
            one_more = self.session(ADA)
            one_more.send(half, [nothing.fileno()] * 64)
            _, member, error = one_more.receive()
            self.assertEqual((member, error["errc"], error["code"]),
                             ("error", OVERLOADED, "too_many_waiting_descriptors"))
            self.assertEqual(facts(error),
                             {"scope": "user", "limit": "1024", "in_use": "1088"})
            self.assertTrue(one_more.at_end())
            other = self.session(BOB)
            other.send(half, [nothing.fileno()] * 64)
            other.send(wire.frame(wire.PING)[16:])
            self.assertEqual(other.receive()[1], "done")
            # Whole frames are as welcome as ever.
            self.assertEqual(self.session(ADA).ask(wire.PING, 1, [nothing.fileno()])[0],
                             "done")

    def submit(self, session, source=LONG, fds=(), wait=False, hints=PROCESS):
        session.next += 1
        return session.ask(wire.submit(source, wait=wait, job=hints), session.next, fds)

    def accepted(self, *args, **options):
        member, value = self.submit(*args, **options)
        self.assertEqual(member, ACCEPTED, value)

    def refused(self, *args, errc=OVERLOADED, code, **options):
        member, error = self.submit(*args, **options)
        self.assertEqual((member, error.get("errc"), error.get("code")),
                         ("error", errc, code), error)
        return facts(error)

    def limits(self):
        """What is held, as root sees it: {(resource, uid or None): in use}."""
        return {(limit["resource"], limit["uid"]): limit["in_use"]
                for limit in self.daemon.status()["limits"]}

    def assert_at_rest(self):
        def nothing():
            return not any(self.limits().values())
        wait_until(nothing, f"nothing is held: {self.limits()}")
        self.assertEqual({uid for _, uid in self.limits()}, {None})

    def test_one_user_cannot_take_all_jobs(self):
        self.start("jobs = 4\n")  # three of them for a user
        ada, bob = self.session(ADA), self.session(BOB)
        for _ in range(3):
            self.accepted(ada)
        for session in ada, self.session(ADA):  # not by another session either
            told = self.refused(session, code="too_many_jobs")
            wait = int(told.pop("retry_after_ms"))
            self.assertTrue(10 <= wait <= 60000, wait)
            self.assertEqual(told, {"scope": "user", "limit": "3", "in_use": "3",
                                    "wanted": "1"})
        self.accepted(bob)
        told = self.refused(bob, code="too_many_jobs")
        self.assertEqual((told["scope"], told["limit"], told["in_use"]),
                         ("daemon", "4", "4"))
        self.assertEqual(self.refused(ada, code="too_many_jobs")["scope"], "user")
        held = self.limits()
        self.assertEqual([held["jobs", uid] for uid in (None, ADA, BOB)], [4, 3, 1])

    def test_an_explained_plan_is_refused_like_a_job(self):
        self.start("jobs = 4\n")
        ada = self.session(ADA)
        for _ in range(3):
            self.accepted(ada)
        member, error = ada.ask(f'(explain = (reducers = [(name = "sum")], '
                                f'source = ({LONG})))', 99)
        self.assertEqual((member, error["code"]), ("error", "too_many_jobs"))
        member, error = ada.ask("(kernels = [])", 100)
        self.assertEqual((member, error["code"]), ("error", "too_many_jobs"))

    def test_the_wait_follows_how_fast_jobs_end(self):
        self.start("jobs = 4\n")
        ada = self.session(ADA)
        for _ in range(2):
            self.accepted(ada)
        for _ in range(50):  # jobs that end at once, for a while
            member, answer = self.submit(ada, TINY, wait=True, hints="")
            self.assertEqual((member, answer["state"]), ("answer", DONE))
        self.accepted(ada)
        first = int(self.refused(ada, code="too_many_jobs")["retry_after_ms"])
        def longer():  # nothing ends any more
            again = self.refused(ada, code="too_many_jobs")
            return int(again["retry_after_ms"]) > first + 20
        wait_until(longer, f"a longer wait than {first} ms")

    def test_too_many_chunks_are_known_after_planning(self):
        self.start("chunks = 8\n")  # six of them for a user
        ada, bob = self.session(ADA), self.session(BOB)
        def of(count):
            return {"source": f"range = (start = 0, stop = {count * LEAF}, step = 1)",
                    "hints": PROCESS + f", chunkSize = {LEAF}"}
        told = self.refused(ada, errc=INVALID_ARGUMENT, code="too_many_chunks", **of(7))
        self.assertEqual(told, {"scope": "user", "limit": "6", "wanted": "7"})
        self.assert_at_rest()
        with numbers(7 * LEAF) as file:
            told = self.refused(ada, FILE, (file,), errc=INVALID_ARGUMENT,
                                code="too_many_chunks",
                                hints=PROCESS + f", chunkSize = {LEAF}")
        self.assertEqual(told["wanted"], "7")
        self.assert_at_rest()
        self.hold_the_worker(bob)  # with one chunk
        self.accepted(ada, **of(5))
        told = self.refused(ada, code="too_many_chunks", **of(2))
        self.assertEqual((told["scope"], told["limit"], told["in_use"], told["wanted"]),
                         ("user", "6", "5", "2"))
        told = self.refused(bob, code="too_many_chunks", **of(3))
        self.assertEqual((told["scope"], told["in_use"]), ("daemon", "6"))
        self.accepted(bob, **of(2))
        held = self.limits()
        self.assertEqual([held["chunks", uid] for uid in (None, ADA, BOB)], [8, 5, 3])
        self.assertEqual([held["jobs", uid] for uid in (None, ADA, BOB)], [3, 1, 2])

    def test_an_array_counts_once_however_many_jobs_read_it(self):
        self.start('pinned = "1MiB"\n')
        ada, bob = self.session(ADA), self.session(BOB)
        self.hold_the_worker(bob)
        with array(512 << 10) as one, array(512 << 10) as other, array(8) as small:
            for _ in range(3):
                self.accepted(ada, ARRAY, (one,))
            told = self.refused(ada, ARRAY, (other,), code="too_much_pinned")
            self.assertEqual((told["scope"], told["in_use"], told["limit"]),
                             ("user", str(512 << 10), str(768 << 10)))
            self.accepted(bob, ARRAY, (other,))
            told = self.refused(ada, ARRAY, (small,), code="too_much_pinned")
            self.assertEqual((told["scope"], told["in_use"]), ("daemon", str(1 << 20)))
        with array(1 << 20) as large:
            told = self.refused(ada, ARRAY, (large,), errc=INVALID_ARGUMENT,
                                code="too_much_pinned")
            self.assertNotIn("retry_after_ms", told)
        held = self.limits()
        self.assertEqual([held["pinned", uid] for uid in (None, ADA, BOB)],
                         [1 << 20, 512 << 10, 512 << 10])
        self.assertEqual([held["descriptors", uid] for uid in (None, ADA, BOB)],
                         [4, 3, 1])

    def test_too_many_descriptors(self):
        self.start("descriptors = 4\n")
        ada, bob = self.session(ADA), self.session(BOB)
        self.hold_the_worker(bob)
        with array(8) as one:
            for _ in range(3):
                self.accepted(ada, ARRAY, (one,))
            told = self.refused(ada, ARRAY, (one,), code="too_many_descriptors")
            self.assertEqual((told["scope"], told["in_use"]), ("user", "3"))
            self.accepted(bob, ARRAY, (one,))
            told = self.refused(bob, ARRAY, (one,), code="too_many_descriptors")
            self.assertEqual((told["scope"], told["in_use"]), ("daemon", "4"))

    def test_one_user_cannot_have_all_threads_wait_for_pipes(self):
        self.start("[threads]\nmax = 4\n")  # three of them for a user
        ada, bob = self.session(ADA), self.session(BOB)
        silent = [os.pipe() for _ in range(5)]
        self.addCleanup(lambda: [os.close(fd) for pipe in silent for fd in pipe])
        for reading, _ in silent[:3]:
            self.accepted(ada, FILE, (reading,), hints="")
        told = self.refused(ada, FILE, (silent[3][0],), code="too_many_pipes", hints="")
        self.assertIn("retry_after_ms", told)
        self.assertEqual((told["scope"], told["limit"], told["in_use"], told["wanted"]),
                         ("user", "3", "3", "1"))
        self.assertEqual(self.limits()["pipes", ADA], 3)
        # The thread that is left is another's to have.
        member, answer = self.submit(bob, TINY.replace("10", "10000000"), wait=True,
                                     hints=", path = 2")
        self.assertEqual((member, answer["state"]), ("answer", DONE))
        ada.socket.close()  # its jobs are attached
        self.assert_at_rest()

    def test_requests_that_take_too_much_memory(self):
        self.start('requests = "4KiB"\n')
        ada, bob = self.session(ADA), self.session(BOB)
        held = 0
        while True:
            member, value = self.submit(ada)
            if member == "error":
                break
            held += 1
        told = facts(value)
        self.assertEqual((value["code"], told["scope"], told["limit"]),
                         ("too_many_bytes", "user", str(3 << 10)))
        self.assertGreater(held, 2)
        self.accepted(bob)

    def test_what_was_held_is_back_however_a_job_ends(self):
        self.start("")
        ada = self.session(ADA)
        with array(4096) as one:
            for _ in range(5):
                member, answer = self.submit(ada, ARRAY, (one,), wait=True)
                self.assertEqual((member, answer["state"]), ("answer", DONE))
            self.assert_at_rest()
            # It fails: the array is shorter than the job says.
            member, value = self.submit(ada, ARRAY.replace("count = 1", "count = 4096"),
                                        (one,), wait=True)
            self.assertNotEqual((member, value.get("state")), ("answer", DONE))
            self.assert_at_rest()
            self.hold_the_worker(ada)
            for _ in range(5):
                self.accepted(ada, ARRAY, (one,))
            self.assertEqual(self.limits()["jobs", ADA], 6)
            waiting = [job for job in self.daemon.json("jobs")["jobs"]
                       if job["state"] == "queued"]
            (running,) = [job for job in self.daemon.json("jobs")["jobs"]
                          if job["state"] == "running"]
            for job in *waiting, running:
                self.daemon.json("cancel", job["job"])
            self.assertEqual(len(waiting), 5)
            self.assert_at_rest()
            self.hold_the_worker(ada)
            for _ in range(5):
                self.accepted(ada, ARRAY, (one,))
            ada.socket.close()  # its jobs are attached
            self.assert_at_rest()

    @unittest.skipIf(SANITIZED, "a sanitizer keeps what is freed")
    def test_the_memory_of_a_long_queue_is_given_back(self):
        self.start("")
        ada = self.session(ADA)
        self.hold_the_worker(ada)
        before = self.resident()
        job = wire.body_of(wire.submit(TINY, job=PROCESS))
        waiting = self.session(BOB)
        count = 50_000
        for first in range(1, count, 1000):
            waiting.send(b"".join(wire.frame(job, n) for n in range(first, first + 1000)))
        self.assertEqual(waiting.ask(wire.PING, count + 1)[0], "done")
        self.assertEqual(self.limits()["jobs", BOB], count)
        grown = self.resident() - before
        # A request of 192 bytes, and what else a job in line takes.
        self.assertLess(grown / count, 2048)
        waiting.socket.close()
        wait_until(lambda: self.resident() - before < grown / 4,
                   f"most of {grown} bytes are back")

    def resident(self):
        return self.daemon.status()["memory"]["daemon_rss_bytes"]

    def test_a_user_is_told_of_their_own(self):
        self.start("jobs = 4\n")
        ada, bob = self.session(ADA), self.session(BOB)
        self.accepted(ada)
        self.accepted(bob)
        member, status = bob.ask("(serverStatus = void)", 50)
        self.assertEqual(member, "serverStatus")
        jobs = [limit for limit in status["limits"] if limit["resource"] == "jobs"]
        self.assertEqual([(limit["hasUid"], limit["uid"], limit["limit"],
                           limit["hasInUse"], limit["inUse"]) for limit in jobs],
                         [(False, 0, "4", False, "0"), (True, BOB, "3", True, "1")])
        self.assertNotIn(ADA, [limit["uid"] for limit in status["limits"]])
        self.assertIn((ADA, 1), [(limit["uid"], limit["in_use"])
                                 for limit in self.daemon.status()["limits"]])
        shown = self.daemon.tally("status").stdout
        self.assertRegex(shown, rf"jobs +uid {ADA} +1 +3\n")
        metrics = self.daemon.tally("status", "--prometheus").stdout
        self.assertIn(f'tally_held{{resource="jobs",uid="{ADA}"}} 1\n', metrics)
        self.assertIn('tally_held_limit{resource="jobs"} 4\n', metrics)

    def hold_the_worker(self, session):
        """A job of one chunk that keeps it; what comes after it waits."""
        self.accepted(session, f"range = (start = 0, stop = {HOURS}, step = 1)",
                      hints=PROCESS + f", chunkSize = {HOURS}")
        wait_until(lambda: self.daemon.status()["workers"][0]["state"] == "busy",
                   "the worker is at it")


ARRAY = "memory = (type = 10, descriptor = 0, offsetBytes = 0, count = 1)"
FILE = "files = (format = 2, type = 10, files = [(name = \"f\", descriptor = 0)])"


class array:
    """A sealed memfd of so many bytes."""

    def __init__(self, size):
        self.fd = wire.memfd(bytes(size))

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


class numbers(array):
    """A file of so many numbers."""

    def __init__(self, count):
        self.fd = os.memfd_create("file")
        os.ftruncate(self.fd, count * 8)


if __name__ == "__main__":
    unittest.main()
