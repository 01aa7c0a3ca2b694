#!/usr/bin/env python3
"""Kernels that go wrong, in every call and way: a typed error, soon; nobody else notices.

Each fault is met by a daemon and embedded. While it is, another job runs in the daemon,
which must be done with the right bits.
"""

import concurrent.futures
import json
import os
import pathlib
import resource
import struct
import unittest

from jobs import range_job, range_sum, value_of
from kernels import error_of, kernel, values_of
from processes import SANITIZED, Watched
from tally_daemon import TallyDaemon, children_of, tally, wait_until

CONFIG = f"""
[kernels]
files = ["{kernel('vandal')}", "{kernel('csum')}", "{kernel('geomean')}"]
in_process = ["plainsum", "csum", "geomean"]
memory = "64MiB"
stall_timeout = "300ms"
"""
PATIENT = CONFIG.replace("300ms", "30s")
# What a sandbox ends at once has to be borne without one too.
UNCONFINED = CONFIG + '[sandbox]\nseccomp = "off"\nlandlock = "off"\n'
ATTEMPTS = 3
# As a chunk of two leaves, then the first of them twice.
POISON_ATTEMPTS = ATTEMPTS + 2
# Three chunks of two leaves each: every call happens, merges in chunks and of them.
ROWS = 6 * 65536
CHUNKS = ("--range", f"0:{ROWS}", "--chunk", 2 * 65536)
SOURCE = (*CHUNKS, "--workers", 2)
SUM = ROWS * (ROWS - 1) / 2
CALLS = ("init", "update", "merge", "finish", "serialize", "deserialize")
DEATHS = {"segv": ("signal", "SIGSEGV"), "abort": ("signal", "SIGABRT"),
          "bus": ("signal", "SIGBUS"), "kill": ("signal", "SIGKILL"),
          "fpe": ("signal", "SIGFPE"), "exit0": ("exit_status", 0),
          "exit1": ("exit_status", 1)}
if not SANITIZED:  # they keep their own stack, which is not this one
    DEATHS["stack"] = ("signal", "SIGSEGV")
UPDATE = {"first_row": 0, "rows": 8192}  # where the 13 is


def vandal(call, act, source=SOURCE):
    return ("run", f"vandal(call={call},act={act})", *source, "--json")


class KernelFaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon(workers=2, config=CONFIG)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.pid = cls.daemon.status()["pid"]

    def embedded(self, *words):
        """The same without a daemon, in a process of which a crash leaves no core."""
        return tally(*words, "--embedded", env=self.daemon.env, preexec_fn=no_core)

    def ways(self, *words, paths=("daemon", "embedded")):
        """The error of a job that must fail, by each way; the daemon is sound after."""
        for way in paths:
            with self.subTest(words=words, way=way):
                other = self.daemon.start_tally(*range_job(16), "--json")
                try:
                    done = (self.embedded if way == "embedded" else
                            self.daemon.tally)(*words)
                finally:
                    out, err = other.communicate(timeout=30)
                self.assertEqual(other.returncode, 0, err)
                self.assertEqual(value_of(json.loads(out)), range_sum(16))
                self.assertIn(done.returncode, (1, 2, 5), done)
                yield error_of(done)
                self.sound()

    def csv(self):
        path = self.daemon.folder / "columns.csv"
        path.write_text("x\n1\n2\n")
        return path

    def sound(self):
        """The daemon is the one that it was, its pool whole, and kernels run on it."""
        self.daemon.whole_pool()
        self.assertEqual(self.daemon.status()["pid"], self.pid)
        answer = self.daemon.json(*vandal("none", "none"))
        self.assertEqual(answer["results"][0]["value"], SUM)

    def fields(self, error, **wanted):
        self.assertEqual({name: error.get(name) for name in wanted}, wanted, error)

    # ---- deaths ----

    def check_deaths(self, call):
        for act, (field, value) in DEATHS.items():
            words = (*vandal(call, act), "--kernel", kernel("vandal"))
            for error in self.ways(*words):
                where = UPDATE if call == "update" else {"first_row": None, "rows": None}
                self.fields(error, **{"class": "worker_lost", "code": "kernel_crashed",
                                      "kernel": "vandal", "image": "vandal.so",
                                      "call": call, field: value,
                                      "attempts": POISON_ATTEMPTS if call == "update"
                                      else ATTEMPTS}, **where)
                self.assertIn(f"in {call}", error["message"])

    def test_a_death_in_init(self):
        self.check_deaths("init")

    def test_a_death_in_update(self):
        self.check_deaths("update")

    def test_a_death_in_merge(self):
        self.check_deaths("merge")

    def test_a_death_in_finish(self):
        self.check_deaths("finish")

    def test_a_death_in_serialize(self):
        self.check_deaths("serialize")

    def test_a_death_in_deserialize(self):
        self.check_deaths("deserialize")

    def test_a_death_while_it_is_loaded(self):
        for act in "segv", "abort", "fpe", "exit0":
            field, value = DEATHS[act]
            for error in self.ways("run", "loaded", *SOURCE, "--json", "--kernel",
                                   kernel(f"load_{act}")):
                self.fields(error, **{"class": "worker_lost", "code": "kernel_crashed",
                                      "image": f"load_{act}.so", "call": "load",
                                      "kernel": None, "attempts": ATTEMPTS, field: value})

    def test_a_death_names_the_file_and_its_rows(self):
        first, bad = self.daemon.folder / "first.csv", self.daemon.folder / "bad.csv"
        first.write_text("x\n" + "1\n" * 100)
        rows = ["1"] * 20_000
        rows[10_000] = "13"
        bad.write_text("x\n" + "\n".join(rows) + "\n")
        for error in self.ways("run", "vandal(x,call=update,act=segv)", first, bad,
                               "--kernel", kernel("vandal"), "--json"):
            self.fields(error, code="kernel_crashed", signal="SIGSEGV", first_row=8192,
                        rows=8192)
            self.assertEqual(os.path.basename(error["file"]), "bad.csv")
            self.assertIn("rows 8192 to 16383", error["message"])

    # ---- errors that the worker survives ----

    def test_errors_that_are_no_death(self):
        cases = {"throw": ("kernel_threw", "invalid_data", "thirteen"),
                 "fail": ("kernel_failed", "invalid_data", "thirteen is not wanted"),
                 "return": ("kernel_failed", "invalid_data", "returned 7"),
                 "overrun": ("kernel_overran_state", "invalid_argument", "8 bytes"),
                 "leak": ("kernel_memory", "internal", "memory ran out")}
        if SANITIZED:
            del cases["leak"]  # their own memory counts as well: there is no limit
        for act, (code, kind, words) in cases.items():
            for call in CALLS:
                for error in self.ways(*vandal(call, act), "--kernel", kernel("vandal")):
                    self.fields(error, **{"class": kind, "code": code, "kernel": "vandal",
                                          "image": "vandal.so", "call": call})
                    self.assertIn(words, error["message"])
                    self.assertNotIn("attempts", error)  # trying again is of no use

    def test_writing_to_its_input_is_a_segv_and_the_input_is_as_it_was(self):
        data = struct.pack("<30000d", *range(30_000))
        path = self.daemon.folder / "input.f64"
        path.write_bytes(data)
        for error in self.ways("run", "vandal(call=update,act=input)", path, "--kernel",
                               kernel("vandal"), "--json"):
            self.fields(error, code="kernel_crashed", signal="SIGSEGV", call="update",
                        **UPDATE)
            self.assertEqual(path.read_bytes(), data)

    # ---- time ----

    def test_a_worker_that_is_stopped_in_a_call(self):
        """Not by the kernel, for all that is known: the chunk is tried elsewhere."""
        for error in self.ways(*vandal("update", "stop"), paths=["daemon"]):
            self.fields(error, code="worker_stalled", limit_ms=300, attempts=3,
                        process_state="T")

    def test_a_call_that_goes_on_for_too_long(self):
        for words in (vandal("update", "loop"), vandal("merge", "sleep"),
                      vandal("finish", "loop"),
                      ("run", "loaded", *SOURCE, "--json", "--kernel",
                       kernel("load_loop"))):
            for error in self.ways(*words, paths=["daemon"]):
                self.fields(error, code="kernel_stalled", limit_ms=300, attempts=1,
                            **{"class": "worker_lost"})
                self.assertIn("stall_timeout", error["message"])

    def test_the_time_of_the_job_ends_a_loop(self):
        for call in CALLS:
            words = (*vandal(call, "loop"), "--kernel", kernel("vandal"),
                     "--timeout", "300ms")
            for error in self.ways(*words, paths=["embedded"]):
                self.fields(error, code="timeout", **{"class": "deadline_exceeded"})
        for error in self.ways("run", "loaded", *SOURCE, "--json", "--kernel",
                               kernel("load_loop"), "--timeout", "300ms",
                               paths=["embedded"]):
            self.fields(error, code="timeout")

    def test_the_time_to_load_a_kernel_is_not_that_of_waiting_for_a_worker(self):
        with TallyDaemon(workers=1, config=PATIENT) as daemon:
            slow = daemon.start_tally(*vandal("update", "nap", CHUNKS))
            wait_until(lambda: daemon.status()["workers"][0]["state"] == "busy",
                       "start of the slow job")
            answer = daemon.json("run", "bbox(x,x)", self.csv(), "--kernel",
                                 kernel("bbox"))
            self.assertEqual(answer["state"], "done")
            out, err = slow.communicate(timeout=30)
            self.assertEqual(slow.returncode, 0, err)
            # One that does not come back from loading is told of as what it is.
            done = daemon.tally("run", "loaded", *CHUNKS, "--json", "--kernel",
                                kernel("load_loop"))
            self.fields(error_of(done), code="kernel_stalled", image="load_loop.so",
                        call="load", limit_ms=10_000)

    # ---- what it writes ----

    def test_what_it_wrote_before_its_death_is_in_the_error(self):
        words = (*vandal("update", "say"), "--kernel", kernel("vandal"))
        for error in self.ways(*words):
            self.fields(error, code="kernel_crashed", signal="SIGKILL",
                        output="about to go wrong\n")
            self.assertIn("it had written: about to go wrong", error["message"])

    def test_megabytes_of_output_are_cut(self):
        words = (*vandal("update", "shout"), "--kernel", kernel("vandal"))
        for error in self.ways(*words):
            self.fields(error, code="kernel_crashed", signal="SIGABRT")
            self.assertLessEqual(len(error["output"]), 16 * 1024)
            self.assertGreater(len(error["output"]), 8 * 1024)
            self.assertLess(len(error["message"]), 1000)

    def test_output_of_a_kernel_that_is_done_is_nobodys(self):
        done = self.daemon.tally(*vandal("update", "murmur"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.embedded(*vandal("update", "murmur"), "--kernel", kernel("vandal"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_without_stderr_the_error_is_as_good(self):
        words = (*vandal("update", "mute"), "--kernel", kernel("vandal"))
        for error in self.ways(*words):
            self.fields(error, code="kernel_crashed", signal="SIGABRT", output=None)

    # ---- what it does to its process ----

    def test_a_worker_whose_descriptors_are_closed_is_lost(self):
        words = (*vandal("update", "close"), "--kernel", kernel("vandal"))
        for error in self.ways(*words):
            self.fields(error, attempts=POISON_ATTEMPTS, **{"class": "worker_lost"})

    def test_a_worker_that_lives_on_without_its_link_is_ended(self):
        with TallyDaemon(workers=1, config=PATIENT) as daemon:
            done = daemon.tally(*vandal("update", "desert", CHUNKS))
            self.fields(error_of(done), attempts=POISON_ATTEMPTS,
                        **{"class": "worker_lost"})
            daemon.whole_pool()
            zygote = daemon.status()["zygote"]["pid"]
            wait_until(lambda: len(children_of(zygote)) == 1, "end of lost workers")

    def test_a_child_that_comes_back_is_no_second_worker(self):
        with TallyDaemon(workers=1, config=UNCONFINED) as daemon:
            for call in CALLS:
                answer = daemon.json(*vandal(call, "twin", CHUNKS))
                self.assertEqual(answer["results"][0]["value"], SUM)
                worker = daemon.status()["workers"][0]["pid"]
                wait_until(lambda: not living(children_of(worker)), "end of the child")

    def test_a_kernel_that_signals_its_group_ends_itself_alone(self):
        with TallyDaemon(workers=2, config=UNCONFINED) as daemon:
            zygote = daemon.status()["zygote"]["pid"]
            done = daemon.tally(*vandal("update", "group"))
            self.fields(error_of(done), code="kernel_crashed", signal="SIGKILL",
                        call="update")
            self.assertEqual(daemon.status()["zygote"]["pid"], zygote)

    def test_a_kernel_that_kills_the_zygote_cannot_for_ever(self):
        # The pool starts anew each time, so others may wait; but for an end.
        with TallyDaemon(workers=2, config=UNCONFINED) as daemon:
            done = daemon.tally(*vandal("init", "parent"))
            if done.returncode != 0:  # else the workers outran their own deaths
                self.assertEqual(error_of(done)["class"], "worker_lost")
            daemon.whole_pool()
            answer = daemon.json(*vandal("none", "none"))
            self.assertEqual(answer["results"][0]["value"], SUM)

    def test_a_worker_that_a_kernel_spoilt_costs_others_no_attempt(self):
        with TallyDaemon(workers=2, config=CONFIG) as daemon:
            spoil = vandal("update", "overrun", ("--range", "0:20"))
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                spoilt = [pool.submit(daemon.tally, *spoil) for _ in range(60)]
                for _ in range(60):
                    answer = daemon.json("run", "csum", "--range", f"0:{ROWS}", "--chunk",
                                         65536)
                    self.assertEqual((value_of(answer), answer["retries"]), (SUM, 0))
                for done in spoilt:
                    self.assertEqual(error_of(done.result())["code"],
                                     "kernel_overran_state")

    def test_replacing_a_worker_that_has_loaded_much_costs_no_attempt(self):
        with TallyDaemon(workers=2, config=CONFIG) as daemon:
            def run(number):
                path = daemon.folder / f"csum{number}.so"
                path.write_bytes(kernel("csum").read_bytes() + number.to_bytes(8, "big"))
                return daemon.json("run", "csum", *CHUNKS, "--kernel", path)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for answer in pool.map(run, range(300)):
                    self.assertEqual((value_of(answer), answer["retries"]), (SUM, 0))
            self.assertIn("files of kernels; pid ", daemon.log_text())

    def test_children_of_a_kernel_go_with_their_worker(self):
        # The daemon's end would report what is left behind.
        with TallyDaemon(workers=2, config=UNCONFINED) as daemon:
            for call in "update", "finish":
                answer = daemon.json(*vandal(call, "fork"))
                self.assertEqual(answer["results"][0]["value"], SUM)
            answer = daemon.json(*range_job())
            self.assertEqual(value_of(answer), range_sum())

    def test_threads_and_changed_surroundings_stay_without_effect(self):
        for act in "thread", "surroundings":
            with TallyDaemon(workers=1, config=CONFIG) as daemon:
                for call in "update", "merge", "finish":
                    answer = daemon.json("run", f"vandal(call={call},act={act})",
                                         "--range", f"0:{ROWS}")
                    self.assertEqual(value_of(answer), SUM)
                # The one worker there is has been through it.
                path = daemon.folder / "tenths.f64"
                path.write_bytes(struct.pack("<1000d", *[0.1] * 1000))
                answer = daemon.json("run", "sum,mean", path, "--path", "process")
                self.assertEqual([r["value"] for r in answer["results"]], [100.0, 0.1])
                files = [daemon.folder / f"{n}.f64" for n in range(60)]
                for file in files:
                    file.write_bytes(struct.pack("<100d", *[0.5] * 100))
                answer = daemon.json("run", "sum", *files, "--path", "process")
                self.assertEqual(value_of(answer), 3000.0)
                self.assertEqual(daemon.status()["workers"][0]["restarts"], 0)

    def test_a_worker_whose_memory_a_kernel_spoilt_is_replaced(self):
        for act in ("overrun",) if SANITIZED else ("overrun", "leak"):
            with self.subTest(act=act), TallyDaemon(workers=1, config=CONFIG) as daemon:
                (before,) = daemon.whole_pool()
                worker = Watched(before["pid"])
                done = daemon.tally("run", f"vandal(call=update,act={act})", "--range",
                                    f"0:{ROWS}", "--json")
                self.assertEqual(done.returncode, 2 if act == "overrun" else 1, done)
                self.assertTrue(worker.gone())
                worker.close()
                answer = daemon.json("run", "vandal", "--range", f"0:{ROWS}")
                self.assertEqual(value_of(answer), SUM)

    # ---- what is no kernel ----

    def test_what_is_no_kernel(self):
        folder = self.daemon.folder
        sound = kernel("csum").read_bytes()
        machine = bytearray(sound)
        machine[18:20] = struct.pack("<H", 0xF3 if machine[18] != 0xF3 else 0x3E)
        narrow = bytearray(sound)
        narrow[4] = 1  # ELFCLASS32
        cases = {"text.so": b"int main;\n", "empty.so": b"", "half.so":
                 sound[:len(sound) // 2], "headers.so": sound[:64], "head.so": sound[:20],
                 "machine.so": bytes(machine), "narrow.so": bytes(narrow),
                 "script.so": b"#!/bin/sh\nexit 0\n", "zeros.so": b"\x7fELF" + bytes(4096)}
        for name, data in cases.items():
            (folder / name).write_bytes(data)
            for error in self.ways("run", "csum", *SOURCE, "--json", "--kernel",
                                   folder / name):
                self.fields(error, code="not_a_kernel", **{"class": "invalid_argument"})
                self.assertIn(name, error["message"])
        for path in folder, "/dev/zero", "/dev/null":
            for error in self.ways("run", "csum", *SOURCE, "--json", "--kernel", path):
                self.fields(error, code="not_a_kernel")
        os.mkfifo(folder / "fifo.so")
        for error in self.ways("run", "csum", *SOURCE, "--json", "--kernel",
                               folder / "fifo.so"):
            self.fields(error, code="not_a_kernel")
        for error in self.ways("run", "csum", *SOURCE, "--json", "--kernel",
                               folder / "none.so"):
            self.fields(error, code="no_such_kernel_file", **{"class": "not_found"})

    def test_a_file_of_terabytes_is_refused_unread(self):
        path = self.daemon.folder / "sparse.so"
        path.write_bytes(kernel("csum").read_bytes())
        os.truncate(path, 1 << 40)
        for error in self.ways("run", "csum", *SOURCE, "--json", "--kernel", path):
            self.fields(error, code="not_a_kernel", **{"class": "invalid_argument"})

    def test_tables_that_are_wrong(self):
        cases = {"table_other_abi": ("kernel_abi", {"abi": 99, "expected_abi": 1}),
                 "table_no_symbol": ("not_a_kernel", {}),
                 "table_missing_symbol": ("kernel_not_loaded", {}),
                 "table_throws": ("kernel_threw", {}),
                 "table_large_state": ("bad_kernel", {"kernel": "faulty"}),
                 "table_builtin_name": ("bad_kernel", {})}
        for name, (code, fields) in cases.items():
            for error in self.ways("run", "faulty", *SOURCE, "--json", "--kernel",
                                   kernel(name)):
                self.fields(error, code=code, image=f"{name}.so", **fields)

    # ---- threads ----

    def test_kernels_on_the_thread_path(self):
        path = self.daemon.folder / "values.f64"
        path.write_bytes(struct.pack("<300000d", *range(1, 300_001)))
        want = None
        for way in (("--path", "thread"), ("--path", "process"), ("--hint", "io"),
                    ("--path", "thread", "--chunk", 65536)):
            answer = self.daemon.json("run", "csum,plainsum,geomean,sum", path, *way)
            if way == ("--path", "thread"):
                self.assertEqual(answer["path"], "thread")
            got = values_of(answer)
            self.assertEqual(got["csum"], 300_000 * 300_001 / 2)
            want = want or got
            self.assertEqual(got, want)

    def test_a_kernel_that_is_not_let_in_does_not_run_in_threads(self):
        done = self.daemon.tally(*vandal("update", "segv"), "--path", "thread")
        self.fields(error_of(done), code="kernel_not_in_process")
        # A client's own file of that name is not the installed one.
        done = self.daemon.tally("run", "geomean", "--range", "1:10", "--path", "thread",
                                 "--kernel", kernel("bbox"), "--json")
        self.assertEqual(done.returncode, 0, done)
        self.sound()

    def test_errors_of_kernels_in_threads_are_those_of_workers(self):
        errors = []
        for path in "thread", "process":
            done = self.daemon.tally("run", "geomean", "--values", "1,2,-3", "--json",
                                     "--path", path)
            error = error_of(done)
            self.fields(error, code="kernel_failed", kernel="geomean", call="update")
            errors.append({k: v for k, v in error.items() if k not in ("output",)})
        self.assertEqual(errors[0], errors[1])
        self.sound()


def living(pids):
    """Those that have not ended; their parents do not wait for them."""
    return [pid for pid in pids if pathlib.Path("/proc", str(pid), "stat").read_text()
            .rpartition(")")[2].split()[0] != "Z"]


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    unittest.main()
