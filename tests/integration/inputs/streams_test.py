#!/usr/bin/env python3
"""Standard input, pipes and FIFOs: read once, by threads, in constant memory."""

import json
import os
import pty
import signal
import socket
import subprocess
import time
import unittest

from processes import SANITIZED, resident_bytes
from tally_daemon import TallyDaemon, program, wait_until

PATIENCE_S = 60


class StreamsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon()
        cls.daemon.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def start(self, *words, stdin=subprocess.PIPE, env=None):
        """tally in the background, with a pipe as its input if not told otherwise."""
        job = subprocess.Popen([program("TALLY_BIN"), *map(str, words)],
                               env=env or self.daemon.env, stdin=stdin,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(job.stdout.close)
        self.addCleanup(job.stderr.close)
        self.addCleanup(job.wait)
        self.addCleanup(job.kill)
        return job

    def run_with(self, data, *words, **options):
        """What tally prints when `data` comes through its pipe."""
        job = self.start(*words, **options)
        out, err = job.communicate(data, timeout=PATIENCE_S)
        self.assertEqual(job.returncode, 0, err.decode())
        return out.decode()

    def refused(self, data, *words, code=2, **options):
        job = self.start(*words, **options)
        out, err = job.communicate(data, timeout=PATIENCE_S)
        self.assertEqual(job.returncode, code, (out, err))
        self.assertEqual(out, b"")
        return err.decode()

    def ended(self, job):
        """The output of a job whose input stays open."""
        job.wait(PATIENCE_S)
        return job.stdout.read(), job.stderr.read()

    def fifo(self, name):
        path = self.daemon.folder / name
        os.mkfifo(path)
        self.addCleanup(path.unlink)
        return path

    def file(self, name, data):
        path = self.daemon.folder / name
        path.write_bytes(data)
        self.addCleanup(path.unlink)
        return path

    def busy_threads(self):
        return self.daemon.status()["threads"]["busy"]

    # --- what is read ---

    def test_text_csv_and_raw_from_a_pipe(self):
        answer = json.loads(self.run_with(b"1 2\n3.5 NA\n", "run", "sum,count", "-",
                                          "--missing", "skip", "--json"))
        self.assertEqual(answer["results"][0]["value"], 6.5)
        self.assertEqual(answer["elements"], {"seen": 4, "kept": 3, "missing": 1,
                                              "filtered": 0})
        self.assertEqual(answer["path"], "thread")
        self.assertIn("stream", answer["reason"])
        self.assertEqual(answer["memory"]["input_bytes"], 11)
        csv = b"a,b\n1,2\n3,4\n"
        self.assertEqual(self.run_with(csv, "run", "sum:b", "-", "-q"), "6.0\n")
        self.assertEqual(self.run_with(csv, "run", "count", "-", "-q", "--format", "csv"),
                         "2\n")
        self.assertEqual(self.run_with(bytes(range(256)), "run", "sum", "-", "-q",
                                       "--format", "raw", "--dtype", "u8"), "32640\n")

    def test_embedded_is_the_same(self):
        env = {**self.daemon.env, "TALLY_SOCKET": ""}
        self.assertEqual(self.run_with(b"1 2 3", "run", "sum", "-", "-q", "--embedded",
                                       env=env), "6.0\n")

    def test_nothing_is_an_empty_input(self):
        for words in ([], ["--format", "csv"], ["--format", "raw", "--dtype", "i32"]):
            self.assertEqual(self.run_with(b"", "run", "count", "-", "-q", *words), "0\n")
        with open("/dev/null", "rb") as null:
            self.assertEqual(self.run_with(None, "run", "count", "-", "-q", stdin=null),
                             "0\n")

    def test_a_closed_standard_input_is_no_empty_one(self):
        done = subprocess.run(["sh", "-c", '"$TALLY_BIN" run count - <&-'],
                              env={**self.daemon.env, "TALLY_BIN": program("TALLY_BIN")},
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("standard input", done.stderr)

    def test_a_file_is_read_from_where_it_stands(self):
        csv = self.file("a.csv", b"comment\nx\n1\n2\n")
        with open(csv, "rb", buffering=0) as file:
            file.seek(8)
            answer = json.loads(self.run_with(
                None, "run", "sum", "-", "--format", "csv", "--json", stdin=file))
        self.assertEqual(answer["results"][0]["value"], 3.0)
        self.assertEqual(answer["memory"]["input_bytes"], 6)
        raw = self.file("a.raw", bytes([1, 2, 4, 8]))
        for path in "thread", "process":
            with open(raw, "rb", buffering=0) as file:
                file.seek(2)
                self.assertEqual(
                    self.run_with(None, "run", "sum", "-", "-q", "--format", "raw",
                                  "--dtype", "u8", "--path", path, stdin=file), "12\n")

    def test_a_socket_is_copied_into_a_pipe(self):
        ours, its = socket.socketpair()
        with ours, its:
            job = self.start("run", "sum", "-", "-q", stdin=its)
            its.close()
            ours.sendall(b"1 2 3\n" * 100_000)
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(job.communicate(timeout=PATIENCE_S), (b"600000.0\n", b""))

    def test_a_socket_that_breaks_is_no_end(self):
        listening = socket.create_server(("127.0.0.1", 0))
        ours = socket.create_connection(listening.getsockname())
        its, _ = listening.accept()
        with listening, ours, its:
            job = self.start("run", "sum", "-", "-q", stdin=its)
            its.close()
            ours.sendall(b"1 2 3\n")
            # Closing with a linger time of 0 resets the connection.
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            ours.close()
            out, err = job.communicate(timeout=PATIENCE_S)
        self.assertNotEqual(job.returncode, 0)
        self.assertEqual(out, b"")
        self.assertIn(b"standard input", err)

    def test_a_terminal_is_read_until_ctrl_d(self):
        ours, its = pty.openpty()
        job = self.start("run", "sum", "-", stdin=its)
        os.close(its)
        self.addCleanup(os.close, ours)
        self.assertIn(b"Ctrl-D", job.stderr.readline())
        os.write(ours, b"1 2\n3\n\x04")
        self.assertIn(b"6.0", job.communicate(timeout=PATIENCE_S)[0])

    def test_files_and_streams_together(self):
        first = self.file("a.txt", b"1 2\n")
        second = self.fifo("b")
        job = self.start("run", "sum,argmax", first, second, "-", "--json")
        with open(second, "wb") as writing:
            writing.write(b"3 70 4")
        answer = json.loads(job.communicate(b"5 6", timeout=PATIENCE_S)[0])
        self.assertEqual(answer["results"][0]["value"], 91.0)
        self.assertEqual(answer["results"][1]["value"],
                         {"file": str(second), "index": 1})
        self.assertEqual(answer["chunks"], 3)
        self.assertEqual(answer["memory"]["input_bytes"], 13)

    def test_a_submitted_job_reads_on_without_its_client(self):
        reading, writing = os.pipe()
        job = self.start("submit", "sum", "-", stdin=reading)
        os.close(reading)
        ident = job.communicate(timeout=PATIENCE_S)[0].decode().strip()
        os.write(writing, b"1 2 3")
        os.close(writing)
        self.assertEqual(self.daemon.tally("wait", ident, "-q").stdout, "6.0\n")

    def test_a_producer_that_dies_ends_the_input(self):
        producer = subprocess.Popen(["sh", "-c", "echo 1 2 3; exec sleep 1000"],
                                    stdout=subprocess.PIPE)
        job = self.start("run", "sum,count", "-", "--json", stdin=producer.stdout)
        producer.stdout.close()
        wait_until(self.busy_threads, "the job waits for input")
        producer.kill()
        producer.wait()
        answer = json.loads(job.communicate(timeout=PATIENCE_S)[0])
        self.assertEqual([result["value"] for result in answer["results"]], [6.0, "3"])

    def test_explain_takes_nothing(self):
        reading, writing = os.pipe()
        os.write(writing, b"1 2 3")
        os.close(writing)
        plan = self.start("explain", "sum", "-", "--json", stdin=reading)
        plan = json.loads(plan.communicate(timeout=PATIENCE_S)[0])
        self.assertEqual((plan["path"], plan["chunks"]), ("thread", 1))
        self.assertEqual(self.run_with(None, "run", "sum", "-", "-q", stdin=reading),
                         "6.0\n")
        os.close(reading)

    # --- what is refused, and how ---

    def test_bad_input_is_an_error_with_its_place(self):
        said = self.refused(b"1\n2 x\n", "run", "sum", "-", code=1)
        self.assertIn('standard input, line 2, column 2: "x" is not a number', said)
        self.refused(os.urandom(1 << 20), "run", "sum", "-", code=1)
        self.refused(b"x" * (1 << 20), "run", "sum", "-", code=1)
        said = self.refused(b"a,b\n1,2\n", "run", "sum:c", "-")
        self.assertIn("a, b", said)
        said = self.refused(b"abc", "run", "sum", "-", "--format", "raw", "--dtype",
                            "i16", code=1)
        self.assertIn("multiple of 2", said)

    def test_other_paths_are_refused_in_words(self):
        for words in (("--path", "process"), ("--require", "isolated"),
                      ("--workers", "2")):
            said = self.refused(b"1", "run", "sum", "-", *words)
            self.assertIn(" ".join(words[:2]) if words[0] != "--workers" else words[0],
                          said)
            self.assertIn("pipe", said)
        self.assertIn("several times", self.refused(b"1", "compare", "sum", "-"))
        self.assertIn("npy", self.refused(b"1", "run", "sum", "-", "--format", "npy"))
        self.assertIn("submit", self.refused(None, "submit", "sum", "-",
                                             stdin=subprocess.DEVNULL))

    def test_one_pipe_is_one_stream(self):
        fifo = self.fifo("twice")
        self.assertIn("same pipe", self.refused(None, "run", "sum", fifo, fifo,
                                                stdin=subprocess.DEVNULL))
        self.assertIn("twice", self.refused(b"1", "run", "sum", "-", "-"))

    # --- waiting ---

    def test_the_time_limit_ends_the_waiting(self):
        job = self.start("run", "sum", "-", "--timeout", "200ms")
        _, err = self.ended(job)
        self.assertEqual(job.returncode, 5, err)
        wait_until(lambda: self.busy_threads() == 0, "no thread waits for the pipe")

    def test_ctrl_c_ends_the_waiting(self):
        job = self.start("run", "sum", "-")
        wait_until(self.busy_threads, "the job waits for input")
        job.send_signal(signal.SIGINT)
        self.ended(job)
        self.assertEqual(job.returncode, 130)
        wait_until(lambda: self.busy_threads() == 0, "no thread waits for the pipe")

    def test_a_fifo_without_a_writer_is_waited_for(self):
        fifo = self.fifo("late")
        job = self.start("run", "sum", fifo, "-q", stdin=subprocess.DEVNULL)
        wait_until(self.busy_threads, "the job waits for a writer")
        with open(fifo, "wb") as writing:
            writing.write(b"4 5")
        self.assertEqual(job.communicate(timeout=PATIENCE_S)[0], b"9.0\n")

    def test_the_daemon_stops_while_a_stream_waits(self):
        with TallyDaemon() as daemon:
            job = self.start("run", "sum", "-", env=daemon.env)
            wait_until(lambda: daemon.status()["threads"]["busy"], "it waits for input")
            daemon.process.send_signal(signal.SIGTERM)
            daemon.process.send_signal(signal.SIGTERM)
            job.stdin.close()
            job.wait(PATIENCE_S)
            daemon.wait_stopped()

    def test_64_fifos_are_read_at_once(self):
        paths = [self.fifo(f"f{n}.u8") for n in range(64)]
        job = self.start("run", "sum", *paths, "-q", stdin=subprocess.DEVNULL)
        writing = [os.open(path, os.O_WRONLY) for path in paths]
        block = bytes(range(256)) * 64
        began = time.monotonic()
        steps = 8 if SANITIZED else 64
        for step in range(steps):  # each waits for all others: none may be starved
            for fd in writing:
                os.write(fd, block)
            time.sleep(max(0.0, began + (step + 1) / steps - time.monotonic()))
        for fd in writing:
            os.close(fd)
        out, err = job.communicate(timeout=PATIENCE_S)
        self.assertEqual(out.decode(), f"{sum(block) * steps * 64}\n", err)
        # One after another they would take 64 s.
        self.assertLess(time.monotonic() - began, 20)

    def test_memory_stays_as_it_is(self):
        pid = self.daemon.process.pid
        block = b"12345.678 -87.5\n" * 65_536  # 1 MiB
        total = 8 if SANITIZED else 256
        job = self.start("run", "count", "-", "-q")
        for _ in range(4):
            job.stdin.write(block)
        before = resident_bytes(pid)
        for _ in range(total - 4):
            job.stdin.write(block)
        grown = resident_bytes(pid) - before
        out, _ = job.communicate(timeout=PATIENCE_S)
        self.assertEqual(out.decode().strip(), str(2 * 65_536 * total))
        self.assertLess(grown, (64 if SANITIZED else 8) << 20)


if __name__ == "__main__":
    unittest.main()
