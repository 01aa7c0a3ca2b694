#!/usr/bin/env python3
"""dot of two columns and of two arrays: exact to the last bit on every path; and what it
refuses, with what to do instead."""

import json
import math
import os
import random
import struct
import subprocess
import unittest

import inputs
import wire
from daemon_case import DaemonCase
from exact import value_of
from exact_floats import Column, bits, dot
from tally_daemon import TallyDaemon

COUNT = 150_001  # more than two leaves, and not a multiple of anything
WAYS = [(), ("--path", "thread", "--workers", 1), ("--path", "process", "--workers", 1),
        ("--path", "process", "--workers", 2, "--chunk", 1)]
INF, NAN = math.inf, math.nan
MOST, LEAST = 1.7976931348623157e308, 5e-324
SPECIAL = [([], []), ([3.0], [4.0]), ([-0.0], [1.0]), ([-0.0, 0.0], [1.0, -2.0]),
           ([-0.0, 1.0], [1.0, 0.0]), ([1.0, 1.0], [1.0, -1.0]), ([INF], [0.0]),
           ([INF, 1.0], [-2.0, 1.0]), ([INF, -INF], [1.0, 1.0]), ([NAN], [0.0]),
           ([MOST, MOST], [MOST, -MOST]), ([MOST, 1.0, MOST], [2.0, 3.0, -2.0]),
           ([MOST], [2.0]), ([LEAST], [LEAST]), ([-LEAST], [LEAST]), ([LEAST], [0.5]),
           ([LEAST, LEAST], [0.5, LEAST]), ([0.1] * 10_000, [0.3] * 10_000)]
F64, DONE, PROCESS = 10, 3, 3


def expected_dot(left, right, dtype):
    return dot(Column(left, dtype), Column(right, dtype))


class DotTest(DaemonCase):
    def run_dot(self, *words, reducers="dot", code=0):
        done = self.done("run", reducers, *words, "--json", code=code)
        return json.loads(done.stdout)

    def check_arrays(self, left, right, dtype):
        want = expected_dot(left, right, dtype)
        files = [self.file(f"{side}.{dtype}", inputs.packed(values, dtype))
                 for side, values in (("x", left), ("y", right))]
        npys = [self.file(f"{side}.npy", inputs.npy(values, dtype))
                for side, values in (("x", left), ("y", right))]
        for words in files, npys:
            for way in WAYS:
                with self.subTest(words=words, way=way):
                    answer = self.run_dot(*words, *way, reducers="dot,count",
                                      code=1 if want[0] == "error" else 0)
                    self.assertEqual([value_of(one) for one in answer["results"]],
                                     [want, ("int", len(left))])
                    self.assertEqual(answer["elements"]["seen"], len(left))

    def test_arrays_of_every_type(self):
        for dtype in inputs.CODES:
            rng = random.Random(dtype)
            self.check_arrays(inputs.random_values(rng, COUNT, dtype),
                              inputs.random_values(rng, COUNT, dtype), dtype)

    def test_special_floats(self):
        for left, right in SPECIAL:
            self.check_arrays(left, right, "f64")

    def test_small_integers_do_not_overflow(self):
        self.check_arrays([2**62, -2**62, 5] * 7, [2**63 - 1, 2**63 - 1, -3] * 7, "i64")
        self.check_arrays([2**63, 1], [2**64 - 1, 7], "u64")

    def test_an_array_with_itself_is_its_sum_of_squares(self):
        values = inputs.random_values(random.Random(1), COUNT, "f64")
        path = self.file("x.npy", inputs.npy(values, "f64"))
        dot = self.run_dot(path, path)["results"][0]["bits"]
        self.assertEqual(dot, self.run_dot(path, reducers="sumsq")["results"][0]["bits"])

    def test_two_columns_whose_rows_have_gaps(self):
        rng = random.Random(2)
        rows, left, right = [], [], []
        for _ in range(20_000):
            x, y = (rng.choice([rng.uniform(-9, 9), 1e300 * rng.uniform(-1, 1), None])
                    for _ in range(2))
            rows.append(",".join("" if v is None else repr(v) for v in (x, 7, y)))
            if x is not None and y is not None:
                left.append(x)
                right.append(y)
        text = "price,n,qty\n" + "\n".join(rows) + "\n"
        path = self.file("t.csv", text)
        want = expected_dot(left, right, "f64")
        for way in (), ("--path", "thread"), ("--path", "process"):
            answer = self.run_dot(path, "--missing", "skip", *way,
                              reducers="dot(price,qty),dot(3, 1)=again,sum:n,count,"
                                       "dot(n,n)=nn")
            self.assertEqual([value_of(one) for one in answer["results"]],
                             [want, want, ("f64", bits(140_000.0)), ("int", 20_000),
                              ("f64", bits(980_000.0))])
            self.assertEqual(answer["elements"]["missing"], 20_000 - len(left))
            self.assertEqual(answer["elements"]["kept"], len(left))
        done = subprocess.run(
            [os.environ["TALLY_BIN"], "run", "dot(price,qty)", "-", "--missing", "skip",
             "--json", "--socket", str(self.daemon.socket)],
            input=text.encode(), stdout=subprocess.PIPE, check=True)
        self.assertEqual(value_of(json.loads(done.stdout)["results"][0]), want)

    def test_beside_quantiles_which_read_the_rows_again(self):
        rng = random.Random(4)
        rows = [(rng.gauss(0, 1), rng.gauss(5, 1)) for _ in range(5001)]
        path = self.file("t.csv", "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows))
        answer = self.run_dot(path, reducers="median:x,dot(x,y),median:y,dot(y,y)=yy")
        left, right = zip(*rows)
        self.assertEqual([value_of(one) for one in answer["results"]],
                         [("f64", bits(sorted(left)[2500])),
                          expected_dot(left, right, "f64"),
                          ("f64", bits(sorted(right)[2500])),
                          expected_dot(right, right, "f64")])

    def test_nans_in_pairs(self):
        left, right = [1.0, NAN, 3.0, 4.0], [2.0, 5.0, NAN, 0.5]
        arrays = [self.file("x.npy", inputs.npy(left, "f64")),
                  self.file("y.npy", inputs.npy(right, "f64"))]
        rows = "".join(f"{x},{y}\n" for x, y in zip(left, right)) + "6,\n,nan\n"
        table = self.file("t.csv", "x,y\n" + rows)
        for words in (arrays, ["dot(x,y)"]):
            reducers, of = ("dot", arrays) if words is arrays else \
                ("dot(x,y)", [table, "--missing", "skip"])
            got = [value_of(self.run_dot(*of, "--nan", nan, reducers=reducers)["results"][0])
                   for nan in ("propagate", "skip")]
            self.assertEqual(got, [("f64", bits(NAN)), ("f64", bits(4.0))])
            skipped = self.run_dot(*of, "--nan", "skip", reducers=reducers)["elements"]
            self.assertEqual((skipped["kept"], skipped["filtered"]), (2, 2))
            error = self.run_dot(*of, "--nan", "error", reducers=reducers, code=1)["error"]
            self.assertEqual(error["code"], "nan_found")
        # The file that has it is named.
        fine = self.file("fine.npy", inputs.npy([1.0] * 4, "f64"))
        error = self.run_dot(fine, arrays[1], "--nan", "error", code=1)["error"]
        self.assertEqual((error["file"], error["index"]), (str(arrays[1]), 2))

    def refused(self, code, *words):
        done = self.done("run", *words, "--json", code=2)
        error = json.loads(done.stdout)["error"]
        self.assertEqual(error["code"], code)
        return error["message"]

    def test_what_is_no_pair_is_refused(self):
        x = self.file("x.npy", inputs.npy([1.0, 2.0], "f64"))
        y = self.file("y.npy", inputs.npy([1.0, 2.0, 3.0], "f64"))
        i = self.file("i.npy", inputs.npy([1, 2], "i64"))
        t = self.file("t.csv", "a,b\n1,2\n")
        f = self.file("f.npy", inputs.npy([1.0, 2.0], "f32"))
        none = self.file("none.npy", inputs.npy([], "f64"))
        self.assertIn(f"{x} has 2 elements, {y} has 3; give two of one length",
                      self.refused("different_lengths", "dot", x, y))
        self.refused("different_lengths", "dot,count", none, x)
        self.assertIn("exactly two npy", self.refused("dot_arrays", "dot", x))
        self.assertIn("3 files", self.refused("dot_arrays", "dot", x, x, x))
        self.assertIn("a range", self.refused("dot_arrays", "dot", "--range", "0:9"))
        self.refused("dot_arrays", "dot", "--values", "1,2")
        self.refused("mixed_types", "dot", x, i)
        self.refused("mixed_types", "dot", x, f)
        for other in "sum", "median", "argmin", "histogram(2,0,1)":
            self.assertIn("a job of its own",
                          self.refused("not_with_dot", f"dot,{other}", x, x))
        self.refused("no_columns", "dot(a,b)", x, x)
        self.assertIn("dot(price,qty)", self.refused("bad_argument", "dot", t))
        self.refused("bad_argument", "dot(a)", t)
        self.refused("bad_argument", "dot(a,b,a)", t)
        self.refused("bad_argument", "dot(a,b):a", t)
        self.refused("unknown_column", "dot(a,c)", t)
        self.refused("unknown_column", "dot(a,*)", t)
        self.assertIn("there are: a, b", self.refused("unknown_column", "dot(1,3)", t))
        self.refused("ambiguous_column", "dot(a,a)", self.file("twice.csv", "a,a\n1,2\n"))
        self.refused("unknown_column", "dot(a,b)", self.file("empty.csv", ""))
        fifo = self.daemon.folder / "fifo.raw"
        os.mkfifo(fifo)
        self.addCleanup(fifo.unlink)
        raw = self.file("x.raw", inputs.packed([1.0], "f64"))
        for pair in (raw, fifo), (fifo, raw):
            self.assertIn("put it into a file",
                          self.refused("no_stream", "dot", *pair, "--dtype", "f64"))

    def test_arrays_of_several_dimensions_lie_alike(self):
        values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

        def array(name, shape, fortran=False):
            return self.file(name, inputs.npy(values, "f64", shape, fortran=fortran))
        c, t = array("c.npy", "(2, 3)"), array("t.npy", "(3, 2)")
        f, g = array("f.npy", "(2, 3)", True), array("g.npy", "(2, 1, 3)", True)
        flat, column = array("flat.npy", "(6,)"), array("column.npy", "(6, 1)", True)
        for pair in (c, c), (f, f), (f, g), (flat, column):
            self.assertEqual(value_of(self.run_dot(*pair)["results"][0]),
                             ("f64", bits(91.0)))
        for pair in (c, t), (c, f), (c, flat), (flat, g):
            self.assertIn("one shape and order",
                          self.refused("different_shapes", "dot", *pair))
        self.assertIn(f"{c} is of shape (2, 3), {f} of (2, 3) in Fortran order",
                      self.refused("different_shapes", "dot", c, f))

    def test_cells_that_are_missing(self):
        gap = self.file("gap.csv", "a,b\n1,2\n3,\n")
        for named, column in ("dot(a,b)", 2), ("dot(b,a)", 2), ("dot(b,b)", 2):
            error = self.run_dot(gap, reducers=named, code=1)["error"]
            self.assertEqual((error["code"], error["line"], error["column"]),
                             ("missing_cell", 3, column))
        self.assertEqual(value_of(self.run_dot(gap, reducers="dot(a,a)")["results"][0]),
                         ("f64", bits(10.0)))
        # No row has both; no row at all.
        for rows, seen in (",1\n2,\n,\n", 3), ("", 0):
            answer = self.run_dot(self.file("none.csv", "a,b\n" + rows), "--missing", "skip",
                                  reducers="dot(a,b),count,count:a")
            self.assertEqual([value_of(one) for one in answer["results"]],
                             [("f64", bits(0.0)), ("int", seen), ("int", min(seen, 1))])
            self.assertEqual((answer["elements"]["missing"], answer["elements"]["kept"]),
                             (seen, 0))

    def test_a_cell_that_is_no_number_is_named(self):
        path = self.file("word.csv", "a,b\n1,2\n3,x\n")
        error = self.run_dot(path, reducers="dot(a,b)", code=1)["error"]
        self.assertEqual((error["line"], error["column"]), (3, 2))


class LossesTest(unittest.TestCase):
    """Workers die on the way."""

    def setUp(self):
        rng = random.Random(5)
        self.left = inputs.random_values(rng, COUNT, "f64")
        self.right = inputs.random_values(rng, COUNT, "f64")

    def run_with(self, fault, *words, code=0):
        with TallyDaemon(workers=3, fault=fault) as daemon:
            paths = []
            for name, values in (("x.npy", self.left), ("y.npy", self.right)):
                paths.append(daemon.folder / name)
                paths[-1].write_bytes(inputs.npy(values, "f64"))
            done = daemon.tally("run", "dot,count", *paths, "--path", "process",
                                "--chunk", 65536, *words, "--json")
            self.assertEqual(done.returncode, code, done)
            return json.loads(done.stdout)

    def test_a_chunk_is_tried_again(self):
        answer = self.run_with("update:kill:chunk=1:attempt=1")
        self.assertEqual(value_of(answer["results"][0]),
                         expected_dot(self.left, self.right, "f64"))
        self.assertGreaterEqual(answer["retries"], 1)

    def test_elements_that_go_missing_are_an_error(self):
        for how in "drop", "add", "repeat":
            answer = self.run_with(f"update:{how}:chunk=1", code=1)
            self.assertEqual(answer["error"]["code"], "coverage_mismatch", how)

    def test_a_partial_answer_leaves_the_same_rows_out_of_both(self):
        answer = self.run_with("update:kill:leaf=1", "--on-failure", "partial", code=7)
        leaf = 65536
        self.assertEqual([(one["begin"], one["end"]) for one in answer["missing"]],
                         [(leaf, 2 * leaf)])
        keep = [*range(leaf), *range(2 * leaf, COUNT)]
        want = expected_dot([self.left[i] for i in keep], [self.right[i] for i in keep],
                            "f64")
        self.assertEqual([value_of(one) for one in answer["results"]],
                         [want, ("int", len(keep))])


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(workers=2))
        rng = random.Random(6)
        self.count = 1 << 18
        self.left = inputs.random_values(rng, self.count, "f64")
        self.right = inputs.random_values(rng, self.count, "f64")
        self.fds = [wire.memfd(inputs.packed(values, "f64"))
                    for values in (self.left, self.right)]
        for fd in self.fds:
            self.addCleanup(os.close, fd)

    def ask(self, session, first=0, second=1, offset=0, count=None, path=PROCESS,
            reducers="dot"):
        count = self.count if count is None else count
        return session.result(wire.submit(
            f"memory = (type = {F64}, descriptor = {first}, offsetBytes = {offset}, "
            f"count = {count}, second = (type = {F64}, descriptor = {second}, "
            f"offsetBytes = {offset}, count = {count}))", reducers,
            job=f", path = {path}, chunkSize = 65536"), fds=self.fds)

    def value(self, answer):
        self.assertEqual(answer["state"], DONE, answer)
        number = int(answer["results"][0]["value"]["f64Bits"])
        return ("f64", bits(struct.unpack("<d", struct.pack("<Q", number))[0]))

    def maps(self):
        found = set()
        for worker in self.daemon.whole_pool():
            with open(f"/proc/{worker['pid']}/maps") as maps:
                found |= {line.split()[4] for line in maps if "/memfd:test" in line}
        return len(found)

    def test_the_same_bits_read_and_mapped_and_on_threads(self):
        want = expected_dot(self.left, self.right, "f64")
        part = expected_dot(self.left[3:], self.right[3:], "f64")
        with wire.Session(self.daemon.socket) as session:
            for _ in range(4):
                self.assertEqual(self.value(self.ask(session)), want)
            self.assertEqual(self.maps(), 2)
            self.assertEqual(self.value(self.ask(session, 1, 0)), want)
            self.assertEqual(self.value(self.ask(session, path=2)), want)
            for path in 2, PROCESS:
                self.assertEqual(self.value(self.ask(session, offset=24, path=path,
                                                     count=self.count - 3)), part)

    def test_an_array_with_itself(self):
        want = expected_dot(self.left, self.left, "f64")
        with wire.Session(self.daemon.socket) as session:
            for _ in range(3):
                self.assertEqual(self.value(self.ask(session, 0, 0)), want)

    def test_two_arrays_have_dots_and_counts_only(self):
        with wire.Session(self.daemon.socket) as session:
            for source, reducers, code in (
                    (("second = (type = 10, descriptor = 1, count = 9)"), "sum",
                     "not_with_dot"),
                    (("second = (type = 9, descriptor = 1, count = 9)"), "dot",
                     "mixed_types"),
                    (("second = (type = 10, descriptor = 1, count = 8)"), "dot",
                     "different_lengths"),
                    (("second = (type = 10, descriptor = 7, count = 9)"), "dot",
                     "bad_descriptor"),
                    (("second = (type = 10, descriptor = 1, offsetBytes = 9999999, "
                      "count = 9)"), "dot", "out_of_bounds"),
                    ("offsetBytes = 0", "dot", "dot_arrays")):
                member, value = session.ask(wire.submit(
                    f"memory = (type = 10, descriptor = 0, count = 9, {source})",
                    reducers), fds=self.fds)
                self.assertEqual((member, value["code"]), ("error", code))

    def test_the_second_array_is_looked_at_as_the_first(self):
        raw = self.daemon.folder / "x.raw"
        raw.write_bytes(bytes(9 * 8))
        with open(raw, "rb") as file, wire.Session(self.daemon.socket) as session:
            for fd, code in ((wire.memfd(bytes(72), seals=0), "not_sealed"),
                             (os.dup(file.fileno()), "not_sealed"),
                             (wire.memfd(), "out_of_bounds")):
                self.addCleanup(os.close, fd)
                member, value = session.ask(wire.submit(
                    "memory = (type = 10, descriptor = 0, count = 9, second = (type = 10, "
                    "descriptor = 1, count = 9))", "dot"), fds=[self.fds[0], fd])
                self.assertEqual((member, value["code"]), ("error", code))
                self.assertIn("second array", value["message"])


if __name__ == "__main__":
    unittest.main()
