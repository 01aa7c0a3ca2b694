#!/usr/bin/env python3
"""More files than a request can carry: asked for window by window."""

import ctypes
import json
import math
import os
import pathlib
import resource
import select
import struct
import tempfile
import unittest

import inputs
from tally_daemon import TallyDaemon, tally, wait_until

SANITIZED = os.environ["TALLY_SANITIZED"] == "1"
MANY = 1500 if SANITIZED else 10_000
WINDOW = 64
REDUCERS = "count,sum,mean,min,max,argmin,argmax"


def bits(value):
    return "0x" + struct.pack(">d", value).hex()


def by_label(answer):
    return {result["label"]: result for result in answer["results"]}


class ManyFilesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(TallyDaemon(workers=2))
        cls.folder = pathlib.Path(
            cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-many-")))
        cls.values = [[(i * 7919 % 10_007) * 1.1 - 5000, 1e-3 * i] for i in range(MANY)]
        for kind in "npy", "csv":
            (cls.folder / kind).mkdir()
        for i, values in enumerate(cls.values):
            (cls.folder / f"npy/{i:05}.npy").write_bytes(inputs.npy(values, "f64"))
            (cls.folder / f"csv/{i:05}.csv").write_bytes(inputs.csv(values))
        # Relative names, as a shell gives them.
        before = os.getcwd()
        os.chdir(cls.folder)
        cls.addClassCleanup(os.chdir, before)

    def names(self, kind, count=MANY):
        return [f"{kind}/{i:05}.{kind}" for i in range(count)]

    def right(self, answer, kind, count=MANY):
        flat = [value for values in self.values[:count] for value in values]
        results = by_label(answer)
        total = math.fsum(flat)
        self.assertEqual(answer["elements"]["seen"], len(flat))
        self.assertEqual(results["count"]["value"], str(len(flat)))
        self.assertEqual(results["sum"]["bits"], bits(total))
        self.assertEqual(results["min"]["value"], min(flat))
        for label, value in ("argmin", min(flat)), ("argmax", max(flat)):
            at = flat.index(value)
            self.assertEqual(results[label]["value"],
                             {"file": f"{kind}/{at // 2:05}.{kind}", "index": at % 2})

    def test_many_files_give_the_bits_of_all_their_values(self):
        for kind in "npy", "csv":
            for path in "thread", "process":
                with self.subTest(kind=kind, path=path):
                    answer = self.daemon.json("run", REDUCERS, *self.names(kind),
                                              "--path", path)
                    self.right(answer, kind)
                    held = self.held()
                    self.assertLess(held, 100)  # the daemon's own

    def held(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    def test_they_give_the_bits_of_the_same_files_in_jobs_of_64(self):
        count = 2 * WINDOW + 5
        names = self.names("csv", count)
        whole = self.daemon.json("run", "sum,min,max", *names)
        parts = [by_label(self.daemon.json("run", "sum,min,max", *names[at:at + WINDOW]))
                 for at in range(0, count, WINDOW)]
        whole = by_label(whole)
        self.assertEqual(whole["min"]["value"], min(p["min"]["value"] for p in parts))
        self.assertEqual(whole["max"]["value"], max(p["max"]["value"] for p in parts))
        flat = [value for values in self.values[:count] for value in values]
        self.assertEqual(whole["sum"]["bits"], bits(math.fsum(flat)))

    def test_an_embedded_daemon_needs_no_more_descriptors_than_others(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        env = {**self.daemon.env}
        del env["TALLY_SOCKET"]
        done = tally("run", REDUCERS, *self.names("npy"), "--embedded", "--json", env=env,
                     preexec_fn=few)
        self.assertEqual(done.returncode, 0, done)
        self.right(json.loads(done.stdout), "npy")

    def test_compare_explain_and_trace_take_them(self):
        names = self.names("csv", 200)
        compared = self.daemon.json("compare", REDUCERS, *names)
        self.assertTrue(compared["same_bits"])
        self.right(compared["ways"][0], "csv", 200)
        self.assertEqual(self.daemon.json("explain", "sum", *names)["chunks"], 200)
        done = self.daemon.tally("run", "sum", *names, "--trace", names[150])
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("--trace", done.stderr)

    def test_files_that_differ_are_told_of_by_name(self):
        names = self.names("csv", 130)
        strange = self.folder / "strange.csv"
        strange.write_text("y\n1\n")
        for job in ("run", "explain"):
            done = self.daemon.tally(job, "sum:x", *names, strange)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("strange.csv", done.stderr)
        strange.write_text("x\noops\n")
        done = self.daemon.tally("run", "sum:x", *names, strange, "--json")
        error = json.loads(done.stdout)["error"]
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual((error["file"], error["line"]), (str(strange), 2))

    def test_a_large_file_among_many_is_read_by_many_chunks(self):
        large = self.folder / "large.npy"
        large.write_bytes(inputs.npy([1.0] * 400_000, "f64"))
        names = self.names("npy", 100)
        answer = self.daemon.json("run", "sum,argmax", *names[:50], large, *names[50:],
                                  "--chunk", 65536)
        flat = [value for values in self.values[:100] for value in values]
        self.assertGreater(answer["chunks"], 6)
        self.assertEqual(by_label(answer)["sum"]["bits"],
                         bits(math.fsum([*flat, *[1.0] * 400_000])))

    def test_empty_files_between_are_empty(self):
        names = self.names("npy", 70)
        for i in range(300):
            (self.folder / f"empty{i}.npy").write_bytes(inputs.npy([], "f64"))
        mixed = [name for i, one in enumerate(names)
                 for name in (one, *(f"empty{4 * i + k}.npy" for k in range(4)))]
        self.right(self.daemon.json("run", REDUCERS, *mixed), "npy", 70)

    def test_names_that_do_not_fit_are_told_of(self):
        names = [f"{'./' * 100}{name}" for name in (self.names("csv") * 4)[:5000]]
        done = self.daemon.tally("run", "sum", *names)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("from within their folder", done.stderr)

    def test_a_pipe_among_many_is_refused(self):
        os.mkfifo(self.folder / "fifo")
        done = self.daemon.tally("run", "sum", *self.names("csv", 70), "fifo",
                                 "--format", "csv")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("fifo: of more than 64", done.stderr)

    def test_a_detached_job_takes_64(self):
        done = self.daemon.tally("submit", "sum", *self.names("csv", 65))
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("at most 64", done.stderr)
        job = self.daemon.json("submit", "sum", *self.names("csv", 64))["job"]
        self.assertEqual(self.daemon.json("wait", job)["state"], "done")

    def test_few_descriptors_are_waited_for(self):
        with TallyDaemon(config="[limits]\ndescriptors = 64") as daemon:
            names = self.names("csv", 300)
            jobs = [daemon.start_tally("run", REDUCERS, *names, "--json")
                    for _ in range(3)]
            for job in jobs:
                out, err = job.communicate(timeout=30)
                self.assertIn(job.returncode, (0, 4), err)
                if job.returncode == 0:
                    self.right(json.loads(out), "csv", 300)
            self.right(daemon.json("run", REDUCERS, *names), "csv", 300)

    def test_a_worker_that_dies_costs_an_attempt_and_its_files_are_there_again(self):
        fault = "update:kill:chunk=100:attempt=1;update:kill:chunk=199:attempt=2"
        with TallyDaemon(fault=fault) as daemon:
            answer = daemon.json("run", REDUCERS, *self.names("csv", 200), "--path",
                                 "process")
            self.assertEqual(answer["retries"], 1)
            self.right(answer, "csv", 200)
        with TallyDaemon(fault="update:kill:chunk=150") as daemon:
            done = daemon.tally("run", "sum", *self.names("csv", 200), "--path",
                                "process", "--json")
            self.assertEqual(done.returncode, 1, done)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "worker_killed")
            self.right(daemon.json("run", REDUCERS, *self.names("csv", 100), "--path",
                                   "process"), "csv", 100)

    def test_a_client_that_is_killed_takes_its_job_along(self):
        job = self.daemon.start_tally("run", "sum", *self.names("csv"), "--path",
                                      "process", "--limit", "gate=1")
        wait_until(lambda: self.daemon.status()["queue"]["jobs_running"] or
                   job.poll() is not None, "it runs")
        job.kill()
        job.communicate()
        wait_until(lambda: self.daemon.status()["queue"]["jobs_running"] == 0, "it ended")
        self.assertEqual(self.daemon.status()["tokens"], [])


@unittest.skipIf(SANITIZED, "a sanitizer must be loaded first")
class LibraryTest(unittest.TestCase):
    """libtally, by ctypes: the same through the C ABI."""

    def setUp(self):
        self.lib = ctypes.CDLL(os.environ["LIBTALLY"])
        self.lib.tally_result_text.restype = ctypes.c_char_p
        self.lib.tally_error_code.restype = ctypes.c_char_p
        self.lib.tally_answer_result.restype = ctypes.c_void_p
        self.daemon = self.enterContext(TallyDaemon(workers=2))
        self.folder = self.daemon.folder / "many"
        self.folder.mkdir()
        for i in range(300):
            (self.folder / f"{i}.npy").write_bytes(inputs.npy([i], "i64"))

    def job(self):
        job = ctypes.c_void_p()
        self.ok("tally_job_new", ctypes.byref(job))
        self.ok("tally_job_add_reducer", job, b"sum", None, None)
        before = os.getcwd()
        os.chdir(self.folder)
        for i in range(300):
            self.ok("tally_job_add_file", job, f"{i}.npy".encode())
        os.chdir(before)
        return job

    def client(self):
        class Options(ctypes.Structure):
            _fields_ = [("struct_size", ctypes.c_size_t),
                        ("socket_path", ctypes.c_char_p),
                        ("timeout_ns", ctypes.c_uint64), ("flags", ctypes.c_uint64)]
        options = Options(ctypes.sizeof(Options), str(self.daemon.socket).encode(), 0, 0)
        client = ctypes.c_void_p()
        self.ok("tally_connect", ctypes.byref(options), ctypes.byref(client))
        self.addCleanup(self.lib.tally_client_free, client)
        return client

    def ok(self, name, *args):
        error = ctypes.c_void_p()
        status = getattr(self.lib, name)(*args, ctypes.byref(error))
        self.assertEqual(status, 0,
                         error.value and self.lib.tally_error_code(error))

    def text(self, answer):
        result = ctypes.c_void_p(self.lib.tally_answer_result(answer,
                                                              ctypes.c_size_t(0)))
        return self.lib.tally_result_text(result).decode()

    def test_a_job_of_many_files_runs_and_outlives_its_tally_job(self):
        client, job = self.client(), self.job()
        ticket, answer = ctypes.c_uint64(), ctypes.c_void_p()
        self.ok("tally_submit", client, job, ctypes.byref(ticket))
        self.lib.tally_job_free(job)
        self.ok("tally_wait", client, ticket, ctypes.byref(answer))
        self.assertEqual(self.text(answer), str(sum(range(300))))
        self.lib.tally_answer_free(answer)

    def test_a_file_that_is_gone_meanwhile_fails_the_job(self):
        client, job = self.client(), self.job()
        (self.folder / "250.npy").unlink()
        answer, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = self.lib.tally_run(client, job, ctypes.byref(answer),
                                    ctypes.byref(error))
        self.assertNotEqual(status, 0)
        self.assertEqual(self.lib.tally_error_code(error), b"file_lost")
        self.lib.tally_error_free(error)
        self.lib.tally_answer_free(answer)
        self.lib.tally_job_free(job)

    def test_an_event_loop_sends_them_from_dispatch(self):
        client, job = self.client(), self.job()
        ticket, answer = ctypes.c_uint64(), ctypes.c_void_p()
        self.ok("tally_submit", client, job, ctypes.byref(ticket))
        self.lib.tally_client_ready.restype = ctypes.c_uint64
        while not self.lib.tally_client_ready(client, None):
            poll = select.poll()
            poll.register(self.lib.tally_client_fd(client),
                          self.lib.tally_client_events(client))
            self.assertTrue(poll.poll(10_000))
            self.ok("tally_client_dispatch", client)
        self.ok("tally_wait", client, ticket, ctypes.byref(answer))
        self.assertEqual(self.text(answer), str(sum(range(300))))
        self.lib.tally_answer_free(answer)
        self.lib.tally_job_free(job)


if __name__ == "__main__":
    unittest.main()
