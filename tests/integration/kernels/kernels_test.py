#!/usr/bin/env python3
"""Reducers of users' own: right values, the same bits any way, told of as they are."""

import array
import collections
import fractions
import json
import math
import os
import random
import shutil
import signal
import unittest

import inputs
from daemon_case import DaemonCase
from kernels import error_of, kernel, values_of
from processes import SANITIZED
from tally_daemon import TallyDaemon, wait_until

GEOMEAN = ("--kernel", kernel("geomean"))
BBOX = ("--kernel", kernel("bbox"))
WORDS = ("--kernel", kernel("words"))
CSUM = ("--kernel", kernel("csum"))
TRACE = ("--kernel", kernel("trace"))
FAULTY = ("--kernel", kernel("faulty"))


def geomean(values):
    return math.exp(math.fsum(map(math.log, values)) / len(values))


class KernelCase(DaemonCase):
    def run_json(self, *words):
        return self.daemon.json("run", *words)

    def values(self, *words):
        return values_of(self.run_json(*words))

    def error(self, *words, code=2):
        return error_of(self.done("run", *words, "--json", code=code))


class ValuesTest(KernelCase):
    def near(self, got, want):
        self.assertTrue(math.isclose(got, want, rel_tol=1e-12), (got, want))

    def test_geomean_of_every_source(self):
        rng = random.Random(4)
        values = [rng.uniform(0.1, 10) for _ in range(150_001)]
        want = geomean(values)
        sources = {"npy": (self.file("v.npy", inputs.npy(values, "f64")),),
                   "raw": (self.file("v.f64", inputs.packed(values, "f64")),),
                   "csv": (self.file("v.csv", inputs.csv(values)), "--column", "x"),
                   "text": (self.file("v.txt", " ".join(map(repr, values))),
                            "--dtype", "f64")}
        for name, words in sources.items():
            with self.subTest(source=name):
                got = self.values("geomean", *words, *GEOMEAN)
                self.near(next(iter(got.values())), want)
        self.near(self.values("geomean", "--range", "1:1001:2", *GEOMEAN)["geomean"],
                  geomean(range(1, 1001, 2)))
        self.near(self.values("geomean", "--values", "1,2,4", *GEOMEAN)["geomean"], 2)

    @unittest.skipIf(SANITIZED, "a sanitizer's library cannot be loaded into Python")
    def test_memory_is_a_source_like_a_file(self):
        import tally as package
        values = array.array("d", range(1, 100_001))
        with package.connect(self.daemon.socket) as client:
            got = client.run("csum", values, kernels=kernel("csum"))
        self.assertEqual(float(got.value), 100_000 * 100_001 / 2)

    def test_a_compensated_sum_is_the_exact_one_where_a_plain_one_is_not(self):
        values = [1e16, 1.0, -1e16] * 1000 + [0.1] * 7
        path = self.file("v.f64", inputs.packed(values, "f64"))
        got = self.values("csum,plainsum,sum", path, *CSUM)
        exact = float(sum(map(fractions.Fraction, values)))
        self.assertEqual((got["csum"], got["sum"]), (exact, exact))
        self.assertNotEqual(got["plainsum"], exact)

    def test_bbox_over_two_columns_by_name_and_number(self):
        rng = random.Random(5)
        points = [(rng.uniform(-9, 9), rng.uniform(-9, 9)) for _ in range(50_000)]
        text = "x,note,y\n" + "".join(f"{x!r},n,{y!r}\n" for x, y in points)
        path = self.file("points.csv", text)
        want = {"min_x": min(p[0] for p in points), "max_x": max(p[0] for p in points),
                "min_y": min(p[1] for p in points), "max_y": max(p[1] for p in points),
                "points": str(len(points))}
        for named in "bbox(x,y)", "bbox(1,3)", "bbox( x , 3 )":
            got = self.values(f"{named}=b", path, *BBOX)
            self.assertEqual(got, {f"b.{name}": v for name, v in want.items()})

    def test_words_of_texts_and_of_a_column(self):
        rng = random.Random(6)
        vocabulary = ["käse", "a", "bee", "Σ", "x" * 300] + [f"w{n}" for n in range(500)]
        lines = [" ".join(rng.choices(vocabulary, k=rng.randint(0, 9))) + rng.choice(
            ("", " ", "\t")) for _ in range(60_000)]
        counts = collections.Counter(word for line in lines for word in line.split())
        most = max(sorted(counts), key=lambda word: (counts[word],
                                                     [-b for b in word.encode()]))
        want = {"all": str(sum(counts.values())), "different": str(len(counts)),
                "most": most, "times": str(counts[most])}
        text = self.file("t.txt", "\n".join(lines))
        table = self.file("t.csv", "n,words\n" + "".join(
            f'{n},"{line}"\n' for n, line in enumerate(lines)))
        for words in (("words=w", text), ("words=w", text, "--chunk", 1 << 20),
                      ("words:words=w", table), ("words:2=w", table)):
            got = self.values(*words, *WORDS)
            self.assertEqual(got, {f"w.{name}": v for name, v in want.items()})

    def test_kernels_and_built_ins_share_one_pass(self):
        path = self.file("t.csv", "x,y,name\n1,2,ann bob\n3,-4,bob\n2,8,cid\n")
        answer = self.run_json(
            "geomean:x,bbox(x,y),sum:x,max:y,dot(x,y),words:name=w,count:x",
            path, *GEOMEAN, *BBOX, *WORDS)
        got = values_of(answer)
        self.near(got.pop("geomean:x"), geomean([1, 3, 2]))
        self.assertEqual(got, {
            "bbox(x,y).min_x": 1.0, "bbox(x,y).min_y": -4.0, "bbox(x,y).max_x": 3.0,
            "bbox(x,y).max_y": 8.0, "bbox(x,y).points": "3", "sum:x": 6.0, "max:y": 8.0,
            "w.all": "4", "w.different": "3", "w.most": "bob", "w.times": "2",
            "count:x": "3", "dot(x,y)": 6.0})
        self.assertEqual(answer["elements"]["seen"], 3)
        self.assertEqual([(k["name"], k["file"]) for k in answer["kernels"]],
                         [("geomean", "geomean.so"), ("bbox", "bbox.so"),
                          ("words", "words.so")])

    def test_parameters(self):
        run = ("--values", "1", *FAULTY)
        self.assertEqual(self.values("parameters(needed=x)=p", *run), {"p": "2 x NULL"})
        self.assertEqual(self.values("parameters(base = 7, needed=1e3)=p", *run),
                         {"p": "7 1e3 NULL"})
        for words, code in (("parameters", "missing_parameter"),
                            ("parameters(needed=1,bse=2)", "unknown_parameter"),
                            ("parameters(needed=1,needed=2)", "repeated_parameter")):
            error = self.error(words, *run)
            self.assertEqual((error["code"], error["kernel"]), (code, "parameters"))

    def test_all_kinds_of_result(self):
        # One of them has no value: exit 1, and the others all the same.
        done = self.done("run", "finish_all_kinds=k", "--values", "1", *FAULTY, "--json",
                         code=1)
        results = {r["label"]: r for r in json.loads(done.stdout)["results"]}
        self.assertEqual({label: (r.get("type"), r.get("value"))
                          for label, r in results.items()},
                         {"k.small": ("int", "-3"), "k.large": ("int", str(1 << 64)),
                          "k.f64": ("f64", 0.1), "k.f32": ("f32", 0.1),
                          "k.text": ("text", "café"), "k.none": (None, None)})
        self.assertEqual(results["k.f32"]["bits"], "0x3dcccccd")
        self.assertEqual(results["k.none"]["error"]["message"], "there is none")

    def test_of_no_elements(self):
        for words in (("geomean:x", self.file("e.csv", "x,y\n")),
                      ("geomean", self.file("e.f64", b"")),
                      ("geomean", "--range", "5:5")):
            done = self.done("run", *words, *GEOMEAN, "--json", code=1)
            (result,) = json.loads(done.stdout)["results"]
            self.assertEqual(result["error"]["code"], "no_value")
            self.assertEqual(result["error"]["message"], "geomean of no elements")
        self.assertEqual(self.values("plainsum", "--range", "5:5", *CSUM),
                         {"plainsum": 0.0})

    def test_types_are_widened_where_that_is_exact(self):
        for dtype in inputs.CODES:
            values = [1, 2, 4, 100]
            path = self.file(f"{dtype}.npy", inputs.npy(values, dtype))
            self.assertEqual(self.values("csum", path, *CSUM), {"csum": 107.0})
        path = self.file("large.npy", inputs.npy([1, (1 << 53) + 1], "i64"))
        error = self.error("csum", path, *CSUM, code=1)
        self.assertEqual((error["code"], error["class"], error["index"]),
                         ("not_exact", "invalid_data", 1))
        error = self.error("words", "--values", "1", *WORDS)
        self.assertEqual(error["code"], "kernel_type")
        error = self.error("bbox(x,z)", self.file("t.csv", "x,y\n1,2\n"), *BBOX)
        self.assertEqual((error["code"], error["column"]), ("unknown_column", "z"))
        error = self.error("bbox", "--values", "1", *BBOX)
        self.assertEqual((error["code"], error["columns"]), ("kernel_columns", 2))

    def test_rows_without_a_value_are_skipped_whole(self):
        path = self.file("m.csv", "x,y\n1,\nnan,3\n,4\n5,6\n7,nan\n9,8\n")
        run = ("bbox(x,y)=b,count:x,count:y", path, *BBOX)
        self.assertEqual(self.error(*run, code=1)["code"], "missing_cell")
        error = self.error(*run, "--missing", "skip", "--nan", "error", code=1)
        self.assertEqual((error["code"], error["index"]), ("nan_found", 1))
        got = self.values(*run, "--missing", "skip", "--nan", "skip")
        self.assertEqual(got, {"b.min_x": 5.0, "b.min_y": 6.0, "b.max_x": 9.0,
                               "b.max_y": 8.0, "b.points": "2", "count:x": "4",
                               "count:y": "4"})
        got = self.values(*run, "--missing", "skip")
        self.assertEqual(got["b.points"], "4")
        self.assertEqual((got["b.min_x"], got["b.max_y"]), ("NaN", "NaN"))

    def test_a_pipe_is_refused_with_a_hint(self):
        error = self.error("geomean", "-", *GEOMEAN)
        self.assertEqual(error["code"], "no_stream")


class SameBitsTest(KernelCase):
    """plainsum's merge is not associative; trace writes down every call in order."""

    def check(self, *words):
        want = None
        for way in ((), ("--workers", 1), ("--chunk", 65536),
                    ("--workers", 1, "--chunk", 3 * 65536), ("--chunk", 1)):
            got = self.values("plainsum,trace=t", *words, *CSUM, *TRACE, *way)
            want = want or got
            self.assertEqual(got, want, way)
        with TallyDaemon(fault="update:kill:chunk=1:attempt=1") as daemon:
            answer = daemon.json("run", "plainsum,trace=t", *words, *CSUM, *TRACE,
                                 "--chunk", 65536)
            self.assertEqual((values_of(answer), answer["retries"]), (want, 1))

    def test_elements(self):
        rng = random.Random(7)
        values = [rng.uniform(-1, 1) * 10 ** rng.randint(-9, 9) for _ in range(400_001)]
        self.check(self.file("v.f64", inputs.packed(values, "f64")))

    def test_lines(self):
        rng = random.Random(8)
        values = [rng.uniform(-1, 1) * 10 ** rng.randint(-9, 9) for _ in range(200_000)]
        # A file of lines is a chunk.
        self.check(*(self.file(f"v{n}.csv", inputs.csv(values[n::3])) for n in range(3)),
                   "--column", "x")


class CommandsTest(KernelCase):
    def test_the_list_of_kernels(self):
        done = self.done("kernels", kernel("bbox"))
        head, line = done.stdout.splitlines()
        self.assertEqual(head.split()[:3], ["kernel", "columns", "takes"])
        self.assertEqual(line.split()[:6], ["bbox", "2", "f64", "-", "exact", "workers"])
        (told,) = self.daemon.json("kernels", kernel("bbox"))["kernels"]
        self.assertEqual({k: told[k] for k in ("name", "file", "types", "columns",
                                               "exact", "sync", "in_process")},
                         {"name": "bbox", "file": "bbox.so", "types": "f64", "columns": 2,
                          "exact": True, "sync": False, "in_process": False})
        self.assertEqual(len(told["sha256"]), 64)
        (parameters,) = [k["parameters"]
                         for k in self.daemon.json("kernels", kernel("faulty"))["kernels"]
                         if k["name"] == "parameters"]
        self.assertEqual([(p["name"], p["default"]) for p in parameters],
                         [("base", "2"), ("needed", None)])

    def test_explain_compare_submit_wait_and_show(self):
        path = self.file("v.f64", inputs.packed([1.0, 2.0, 4.0], "f64"))
        plan = self.daemon.json("explain", "geomean", path, *GEOMEAN)
        self.assertEqual(plan["path"], "process")
        self.assertIn("kernels", plan["reason"])
        ways = self.daemon.json("compare", "geomean,count", path, *GEOMEAN)["ways"]
        bits = {way["results"][0]["bits"] for way in ways}
        self.assertEqual(({way["path"] for way in ways}, len(bits)), ({"process"}, 1))
        job = self.daemon.json("submit", "geomean", path, *GEOMEAN)["job"]
        for verb in "wait", "show":
            answer = self.daemon.json(verb, job)
            self.assertEqual(answer["state"], "done")
            self.assertEqual(answer["results"][0]["bits"], bits.copy().pop())
            self.assertEqual(answer["kernels"][0]["name"], "geomean")
        job = self.daemon.json("submit", "crashes", "--range", "0:100", *FAULTY)["job"]
        error = error_of(self.done("wait", job, "--json", code=1))
        self.assertEqual((error["code"], error["kernel"]), ("kernel_crashed", "crashes"))
        self.assertEqual(error_of(self.daemon.tally("show", job, "--json")), error)

    def test_a_file_that_changes_or_goes_after_it_was_read(self):
        path = self.daemon.folder / "mine.so"
        shutil.copy(kernel("csum"), path)
        run = ("csum", "--range", "0:1000", "--kernel", path)
        self.assertEqual(self.values(*run), {"csum": 499500.0})
        first = self.run_json(*run)["kernels"][0]["sha256"]
        other = bytearray(path.read_bytes())
        path.unlink()
        shutil.copy(kernel("trace"), path)
        self.assertEqual(self.error(*run)["code"], "unknown_reducer")
        path.write_bytes(bytes(other) + b"more")  # in place, the same table
        answer = self.run_json(*run)
        self.assertEqual(values_of(answer), {"csum": 499500.0})
        self.assertNotEqual(answer["kernels"][0]["sha256"], first)
        job = self.daemon.json("submit", *run)["job"]
        path.unlink()
        self.assertEqual(values_of(self.daemon.json("wait", job)), {"csum": 499500.0})

    def test_many_files_and_the_same_one_twice(self):
        self.assertEqual(self.values("csum", "--range", "0:10", *CSUM, *CSUM),
                         {"csum": 45.0})
        copies = []
        for n in range(17):
            copies.append(self.daemon.folder / f"copy{n}.so")
            copies[-1].write_bytes(kernel("csum").read_bytes() + bytes([n]))
        words = [word for path in copies for word in ("--kernel", path)]
        self.assertEqual(self.values("csum", "--range", "0:10", *words[:32]),
                         {"csum": 45.0})
        done = self.done("run", "csum", "--range", "0:10", *words, code=2)
        self.assertIn("at most 16", done.stderr)

    def test_workers_that_have_seen_many_files_are_replaced(self):
        with TallyDaemon(workers=1) as daemon:
            (before,) = daemon.whole_pool()
            for n in range(70):
                path = daemon.folder / f"copy{n}.so"
                path.write_bytes(kernel("csum").read_bytes() + bytes([n]))
                answer = daemon.json("run", "csum", "--range", "0:10", "--kernel", path)
                self.assertEqual(values_of(answer), {"csum": 45.0})
            def replaced():
                (worker,) = daemon.whole_pool()
                return worker if worker["pid"] != before["pid"] else None
            worker = wait_until(replaced, "a worker that has loaded fewer files")
            self.assertEqual(worker["restarts"], 0)  # none was lost


class PolicyTest(unittest.TestCase):
    def test_only_what_the_administrator_listed(self):
        config = (f'[kernels]\nfiles = ["{kernel("geomean")}", "{kernel("csum")}"]\n'
                  'in_process = ["csum"]\nfrom_clients = "no"\n')
        with TallyDaemon(config=config) as daemon:
            done = daemon.tally("run", "bbox(1,2)", "--values", "1", *BBOX, "--json")
            self.assertEqual(done.returncode, 4, done)
            error = error_of(done)
            self.assertEqual((error["class"], error["code"]),
                             ("permission_denied", "kernel_not_allowed"))
            # Even of a file that is installed: what came is not looked at.
            done = daemon.tally("run", "csum", "--values", "1", *CSUM, "--json")
            self.assertEqual(done.returncode, 4, done)
            self.assertEqual(daemon.tally("kernels", kernel("bbox")).returncode, 4)
            names = {k["name"]: k["in_process"] for k in daemon.json("kernels")["kernels"]}
            self.assertEqual(names, {"geomean": False, "plainsum": False, "csum": True})
            answer = daemon.json("run", "geomean,csum,sum", "--values", "1,2,4")
            self.assertEqual(values_of(answer), {"geomean": 2.0, "csum": 7.0, "sum": 7.0})
            answer = daemon.json("run", "csum", "--range", "0:10", "--path", "thread")
            self.assertEqual((values_of(answer), answer["path"]),
                             ({"csum": 45.0}, "thread"))
            done = daemon.tally("run", "geomean", "--range", "1:9", "--path", "thread",
                                "--json")
            self.assertEqual(error_of(done)["code"], "kernel_not_in_process")

    def test_a_missing_or_foreign_installed_file_is_told_at_start(self):
        for path in "/nonexistent/lib.so", os.devnull:
            daemon = TallyDaemon(config=f'[kernels]\nfiles = ["{path}"]\n')
            with self.assertRaises(AssertionError) as caught:
                daemon.__enter__()
            self.assertIn(path, str(caught.exception))
            daemon.process.wait()
            daemon._temporary.cleanup()

    def test_a_jobs_own_kernel_goes_before_an_installed_one_of_its_name(self):
        config = f'[kernels]\nfiles = ["{kernel("csum")}"]\n'
        with TallyDaemon(config=config) as daemon:
            path = daemon.folder / "own.so"
            path.write_bytes(kernel("csum").read_bytes() + b"own")
            answer = daemon.json("run", "csum", "--range", "0:10", "--kernel", path)
            self.assertEqual(answer["kernels"][0]["file"], "own.so")


UNCONFINED = '[sandbox]\nseccomp = "off"\nlandlock = "off"\n'


class LoadsTest(unittest.TestCase):
    def test_a_kernel_is_loaded_once_per_worker_not_per_job(self):
        with TallyDaemon(workers=2) as probe:
            folder = probe.folder
            loads = folder / "loads"
            loads.touch()
            # What counts the loads writes to a file, which the sandbox would not let it.
            with TallyDaemon(workers=2, env={"TALLY_KERNEL_LOADS": loads},
                             config=UNCONFINED) as daemon:
                for _ in range(100):
                    answer = daemon.json("run", "loaded", "--range", "0:200000",
                                         "--chunk", 65536, "--kernel",
                                         kernel("load_counted"))
                    self.assertEqual(values_of(answer), {"loaded": "200000"})
                self.assertIn(loads.stat().st_size, (1, 2))
                for worker in daemon.whole_pool():
                    os.kill(worker["pid"], signal.SIGKILL)
                before = loads.stat().st_size
                for _ in range(20):
                    daemon.json("run", "loaded", "--range", "0:200000", "--chunk", 65536,
                                "--kernel", kernel("load_counted"))
                self.assertIn(loads.stat().st_size - before, (1, 2))


if __name__ == "__main__":
    unittest.main()
