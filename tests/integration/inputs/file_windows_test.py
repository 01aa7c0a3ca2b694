#!/usr/bin/env python3
"""Files by windows, by a client that answers as it likes."""

import os
import struct
import time
import unittest

import wire
from processes import slow_pread
from tally_daemon import TallyDaemon, wait_until

RAW = 2
DONE, FAILED = 3, 5


class FileWindowsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(TallyDaemon(workers=2))

    def setUp(self):
        self.folder = self.daemon.folder / self.id().rpartition(".")[2]
        self.folder.mkdir()
        self.paths = []
        for i in range(100):
            self.paths.append(self.folder / f"{i}.raw")
            self.paths[-1].write_bytes(struct.pack("<d", i))
        self.session = self.enterContext(wire.Session(self.daemon.socket))

    def submit(self, count=100, sequence=7, job=", path = 3"):
        files = ", ".join(f'(name = "{i}.raw")' for i in range(count))
        self.session.send(wire.frame(wire.submit(
            f"files = (format = {RAW}, type = 10, windowed = true, files = [{files}])",
            job=job), sequence))

    def asked(self, sequence=7):
        got, member, value = self.session.receive()
        self.assertEqual((got, member), (sequence, "needFiles"), value)
        return int(value.get("first", 0)), int(value["count"])

    def send(self, first, paths, sequence=7):
        fds = [os.open(path, os.O_RDONLY) for path in paths]
        try:
            self.session.send(wire.frame(f"(files = (first = {first}))", sequence,
                                         fd_count=len(fds)), fds)
        finally:
            for fd in fds:
                os.close(fd)

    def serve(self):
        first, count = self.asked()
        self.send(first, self.paths[first:first + count])
        return first, count

    def inspected(self):
        """Answers what the inspection asks for."""
        self.assertEqual([self.serve(), self.serve()], [(0, 64), (64, 36)])

    def failed(self, code):
        sequence, member, value = self.session.receive()
        while member == "needFiles":
            sequence, member, value = self.session.receive()
        self.assertEqual(sequence, 7)
        if member == "answer":
            self.assertEqual(value["state"], FAILED, value)
            value = value["error"]
        self.assertEqual(value["code"], code, value)
        self.assertEqual(self.session.ask(wire.PING, 8)[0], "done")
        return value

    def test_each_file_is_asked_for_once_to_look_at_and_once_to_read(self):
        self.submit()
        self.inspected()
        runs = [self.serve(), self.serve()]
        self.assertEqual([count for _, count in runs], [64, 36])
        sequence, member, answer = self.session.receive()
        self.assertEqual((sequence, member, answer["state"]), (7, "answer", DONE))
        value = answer["results"][0]["value"]["f64Bits"]
        self.assertEqual(struct.unpack("<d", int(value).to_bytes(8, "little"))[0],
                         sum(range(100)))

    def test_a_client_that_never_answers_fails_its_job_and_holds_no_worker(self):
        self.submit(job=", path = 3, workers = 1")
        self.inspected()
        self.asked()
        began = time.monotonic()
        # Both workers are free meanwhile.
        answer = self.daemon.json("run", "sum", "--range", "0:1e7", "--path", "process")
        self.assertEqual(answer["workers"], 2)
        self.session.socket.settimeout(30)
        self.failed("files_not_sent")
        self.assertGreater(time.monotonic() - began, 5)

    def test_files_that_nobody_asked_for(self):
        self.submit()
        self.asked()
        self.send(5, self.paths[5:10])
        self.failed("bad_files")

    def test_too_few_files_and_too_many(self):
        for count in 0, 1, 63:
            self.submit()
            first, _ = self.asked()
            self.send(first, self.paths[:count])
            self.failed("bad_files")
        self.submit(count=10)
        self.asked()
        self.send(0, self.paths[:11])
        self.failed("bad_files")

    def test_files_of_a_window_that_was_answered(self):
        self.submit()
        self.inspected()
        self.asked()
        self.send(64, self.paths[64:100])  # asked for before, but not yet again
        self.asked()
        self.send(64, self.paths[64:100])
        self.failed("bad_files")

    def test_files_of_no_job_are_dropped(self):
        self.send(0, self.paths[:3], sequence=99)
        self.assertEqual(self.session.ask(wire.PING, 8)[0], "done")

    def test_a_file_that_the_client_cannot_open_any_more(self):
        self.submit()
        self.inspected()
        self.asked()
        self.session.send(wire.frame(
            '(files = (first = 0, error = (errc = 8, code = "file_lost", '
            'message = "3.raw cannot be opened any more")))', 7))
        error = self.failed("file_lost")
        self.assertIn("3.raw", error["message"])

    def test_an_error_of_another_class_is_none_of_the_daemons_words(self):
        self.submit()
        self.asked()
        self.session.send(wire.frame(
            '(files = (first = 0, error = (errc = 4, code = "x", message = "y")))', 7))
        self.failed("file_lost")

    def test_files_that_changed_since_they_were_looked_at(self):
        def grow(path):
            with open(path, "ab") as file:
                file.write(bytes(8))

        def replace(path):
            other = path.with_suffix(".new")
            other.write_bytes(path.read_bytes())
            other.rename(path)

        def touch(path):
            os.utime(path, ns=(1, 1))

        for at, change in enumerate((grow, replace, touch)):
            with self.subTest(change=change.__name__):
                self.submit()
                self.inspected()
                first, count = self.asked()  # so all were looked at
                change(self.paths[70 + at])
                self.send(first, self.paths[first:first + count])
                self.serve()
                error = self.failed("file_changed")
                self.assertIn(f"{70 + at}.raw", error["message"])

    def test_what_is_no_file_is_refused(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        self.submit(count=65)
        self.asked()
        fds = [read] * 64
        self.session.send(wire.frame("(files = (first = 0))", 7, fd_count=64), fds)
        self.failed("not_a_file")

    def test_a_job_is_cancelled_while_files_are_asked_for(self):
        self.submit()
        self.asked()
        self.session.send(wire.frame("(cancel = (sequence = 7))", 8))
        seen = {}
        while len(seen) < 2:
            sequence, member, value = self.session.receive()
            if member != "needFiles":
                seen[sequence] = (member, value)
        self.assertEqual(seen[8][0], "done")
        self.assertEqual(seen[7][1]["error"]["code"], "cancelled")
        self.send(0, self.paths[:64])  # too late
        self.assertEqual(self.session.ask(wire.PING, 9)[0], "done")

    def test_a_session_may_end_at_any_moment(self):
        for answered in range(5):
            with wire.Session(self.daemon.socket) as self.session:
                self.submit()
                for _ in range(min(answered, 4)):
                    self.serve()
        wait_until(lambda: self.daemon.status()["queue"] ==
                   {**self.daemon.status()["queue"], "jobs_running": 0,
                    "jobs_queued": 0}, "all jobs ended")

        def passed():
            folder = f"/proc/{self.daemon.process.pid}/fd"
            return [name for name in os.listdir(folder)
                    if ".raw" in os.readlink(f"{folder}/{name}")]
        wait_until(lambda: not passed(), "every file is closed")

    def test_an_explain_is_asked_for_files_too(self):
        files = ", ".join(f'(name = "{i}.raw")' for i in range(100))
        self.session.send(wire.frame(
            "(explain = (reducers = [(name = \"sum\")], source = (files = (format = 2, "
            f"type = 10, windowed = true, files = [{files}]))))", 7))
        self.inspected()
        sequence, member, plan = self.session.receive()
        self.assertEqual((sequence, member, int(plan["leaves"])), (7, "plan", 100))

    def test_a_plan_ends_with_the_client(self):
        with wire.Session(self.daemon.socket) as self.session:
            files = ", ".join(f'(name = "{i}.raw")' for i in range(100))
            self.session.send(wire.frame(
                "(explain = (reducers = [(name = \"sum\")], source = (files = "
                f"(format = 2, type = 10, windowed = true, files = [{files}]))))", 7))
            self.asked()
        # Else the daemon could not stop when the test ends.

    def test_progress_is_told_between_the_windows(self):
        with TallyDaemon(workers=2, env=slow_pread()) as daemon, \
                wire.Session(daemon.socket) as self.session:
            files = ", ".join(f'(name = "{i}.raw")' for i in range(100))
            # Slow enough by lines of text, each file a chunk.
            self.session.send(wire.frame(
                "(submit = (spec = (reducers = [(name = \"count\")], source = (files = "
                f"(format = 4, windowed = true, files = [{files}])), path = 3), "
                "wantProgress = true))", 7))
            for path in self.paths:
                path.write_text("1 2 3\n")
            told = []
            while True:
                sequence, member, value = self.session.receive()
                self.assertEqual(sequence, 7)
                if member == "needFiles":
                    first, count = int(value.get("first", 0)), int(value["count"])
                    self.send(first, self.paths[first:first + count])
                elif member == "progress":
                    self.assertEqual(int(value["total"]), 600)
                    told.append(int(value.get("done", 0)))
                else:
                    break
            self.assertEqual((member, value["state"]), ("answer", DONE))
            self.assertEqual(value["elements"]["seen"], "300")
            self.assertGreater(len(told), 1)
            self.assertEqual(told, sorted(told))

    def test_what_is_out_of_bounds_is_refused(self):
        member, error = self.session.ask(wire.submit(
            "files = (format = 2, type = 10, windowed = true, files = [])"), 7)
        self.assertEqual((member, error["code"]), ("error", "no_files"))
        member, error = self.session.ask(wire.submit(
            'files = (format = 2, type = 10, windowed = true, files = [(name = "a")])',
            job=", detached = true"), 7)
        self.assertEqual((member, error["code"]), ("error", "too_many_files"))


if __name__ == "__main__":
    unittest.main()
