"""What may be reduced from Python: the right value or an error that says why, and never
a wrong number."""

import array
import collections
import ctypes
import io
import math
import mmap
import os
import pathlib
import tempfile
import unittest

import numpy as np

import tally
from daemon_case import DaemonCase

LARGE = 300_000  # elements of 8 bytes: more than a request holds, so through pipes


class DataCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = tally.connect(cls.daemon.socket)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        super().tearDownClass()

    def value(self, reducer, data, **options):
        return self.client.run(reducer, data, **options).value

    def refused(self, data, kind=tally.InvalidArgument, words="", **options):
        with self.assertRaises(kind) as caught:
            self.client.run("sum", data, **options)
        self.assertIn(words, str(caught.exception))
        return caught.exception


class ScalarTest(DataCase):
    def test_an_integer_result_is_a_numpy_int64(self):
        self.assertIs(type(self.value("sum", range(10))), np.int64)
        self.assertEqual(self.value("sum", range(10)), 45)

    def test_an_integer_beyond_64_bits_is_an_exact_int(self):
        big = np.full(4, 2**63 - 1)
        total = self.value("sum", big)
        self.assertIs(type(total), int)
        self.assertEqual(total, 4 * (2**63 - 1))
        self.assertEqual(self.value("max", np.array([2**64 - 1], "u8")), 2**64 - 1)

    def test_a_float_result_is_of_its_own_type(self):
        self.assertIs(type(self.value("sum", [0.5])), np.float64)
        self.assertIs(type(self.value("min", np.float32([0.1, 0.2]))), np.float32)
        self.assertEqual(self.value("min", np.float32([0.1, 0.2])), np.float32(0.1))

    def test_a_sum_of_floats_is_rounded_once(self):
        self.assertEqual(self.value("sum", [1e300, 1.0, -1e300]), 1.0)
        self.assertEqual(self.value("sum", [0.1] * 10), 1.0)

    def test_the_sum_of_nothing_is_zero_and_its_mean_is_none(self):
        self.assertEqual(self.value("sum", []), 0.0)
        self.assertEqual(self.value("count", range(0)), 0)
        with self.assertRaises(tally.NoValue) as caught:
            self.value("mean", [])
        self.assertIsInstance(caught.exception, ValueError)
        answer = self.client.run(["count", "min"], np.empty(0))
        self.assertEqual(answer["count"], 0)
        with self.assertRaises(tally.NoValue):
            answer["min"]


class RangeTest(DataCase):
    def test_a_range_is_python_s(self):
        for data in (range(10), range(5, -5, -2), range(7, 7), range(3, 1000, 7),
                     range(-2**63, 2**63 - 1, 2**60)):
            with self.subTest(data=data):
                self.assertEqual(self.value("sum", data), sum(data))

    def test_bounds_beyond_64_bits_are_refused(self):
        self.refused(range(2**63), words="i64")

    def test_a_range_has_no_other_type(self):
        self.refused(range(3), dtype="f64")


class ListTest(DataCase):
    def test_integers_stay_integers(self):
        self.assertEqual(self.value("sum", [2**62, 2**62, 1]), 2**63 + 1)
        self.assertEqual(self.value("max", [0, 2**64 - 1]), 2**64 - 1)
        self.assertEqual(self.value("sum", (True, False, True)), 2)
        self.assertEqual(self.value("sum", [np.int32(3), np.uint8(4)]), 7)

    def test_one_fraction_makes_all_of_them_floats(self):
        self.assertEqual(self.value("sum", [1, 0.5, np.float32(0.25)]), 1.75)

    def test_what_no_type_holds_is_refused(self):
        self.refused([2**64], words="no integer type")
        self.refused([-1, 2**63], words="no integer type")
        self.refused([2**53 + 1, 0.5], words="f64 cannot hold")
        self.refused([10**400, 0.5], words="f64 cannot hold")
        self.refused([300], dtype="u8", words="does not fit in u8")
        self.refused([0.5], dtype="i64", words="no fractions")
        self.refused([0.1], dtype="f32", words="f32 cannot hold")
        self.refused([2**53 + 1], dtype="f64", words="f64 cannot hold")

    def test_what_is_no_number_is_refused(self):
        import decimal
        import fractions
        for bad in (None, [1], decimal.Decimal("0.1"), fractions.Fraction(1, 3), 1j, {}):
            with self.subTest(bad=bad):
                error = self.refused([1.0, bad], tally.TypeMismatch)
                self.assertIsInstance(error, TypeError)

    def test_a_type_may_be_given(self):
        self.assertIs(type(self.value("max", [1, 2], dtype="f32")), np.float32)
        self.assertEqual(self.value("sum", [1, 2], dtype=np.uint8), 3)
        self.refused([1], dtype="f128", words="no element type")


class BufferTest(DataCase):
    def test_every_type_gives_numpy_s_integers_and_its_own_extremes(self):
        for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            low, high = np.iinfo(name).min, np.iinfo(name).max
            data = np.array([low, high, 0, 1], name)
            with self.subTest(name=name):
                answer = self.client.run("sum,min,max", data)
                self.assertEqual(answer["sum"], int(low) + int(high) + 1)
                self.assertEqual((answer["min"], answer["max"]), (low, high))

    def test_whatever_has_the_buffer_protocol_will_do(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"\1\2\3")
            file.flush()
            with mmap.mmap(file.fileno(), 3) as mapped:
                for data in (b"\1\2\3", bytearray(b"\1\2\3"), memoryview(b"\1\2\3"),
                             array.array("q", [1, 2, 3]), (ctypes.c_int * 3)(1, 2, 3),
                             np.array([1, 2, 3], "u2"), mapped):
                    with self.subTest(data=type(data)):
                        self.assertEqual(self.value("sum", data), 6)

    def test_a_bool_counts_as_0_or_1(self):
        self.assertEqual(self.value("sum", np.array([True, False, True])), 2)

    def test_the_other_byte_order_is_turned(self):
        for name in (">f8", ">i4", ">u2", ">f4", ">f2"):
            with self.subTest(name=name):
                self.assertEqual(self.value("sum", np.array([1, 2, 300], name)), 303)
        answer = self.client.run("argmax", np.array([1, 300, 2], ">i4"))
        self.assertEqual((answer.value, answer.copied_bytes), (1, 24))

    def test_halves_are_widened(self):
        data = np.array([0.1, 65504, -0.0, 6e-8], "f2")
        self.assertEqual(self.value("sum", data), float(np.sum(data.astype("f8"))))
        self.assertIs(type(self.value("max", data)), np.float32)
        view = memoryview(data)  # as for those who have no numpy
        self.assertEqual(self.value("max", view), 65504)

    def test_a_scalar_is_one_element(self):
        self.assertEqual(self.value("sum", np.array(2.5)), 2.5)
        self.assertEqual(self.value("sum", np.float32(2.5)), 2.5)

    def test_strides_do_not_matter(self):
        base = np.arange(LARGE * 2.0).reshape(2, LARGE)
        for data in (base[:, ::3], base[::-1], base.T, base[:, 5], np.asfortranarray(base),
                     np.broadcast_to(np.float64(1.5), (3, 5)), base[1:1]):
            with self.subTest(shape=data.shape, strides=data.strides):
                answer = self.client.run("sum,count", data)
                self.assertEqual(answer["sum"], data.sum())
                self.assertEqual(answer["count"], data.size)
                if data.size:
                    self.assertEqual(self.value("argmax", data), data.argmax())
        view = memoryview(array.array("d", range(10)))[::3]
        self.assertEqual(self.value("sum", view), 0 + 3 + 6 + 9)

    def test_a_large_array_gives_the_same_by_pipes_and_by_a_copy(self):
        rng = np.random.default_rng(7)
        for data in (rng.normal(size=LARGE), rng.integers(-9, 9, LARGE),
                     rng.random(LARGE * 3, "f4"), rng.integers(0, 255, 2**21 + 3, "u1")):
            reducers = ("count,sum,mean,min,max,argmin,argmax,sumsq,var,var(1),std(1),"
                        "norm2")
            pipes = self.client.run(reducers, data)
            copy = self.client.run(reducers, data, path="process")
            self.assertEqual(dict(pipes), dict(copy))
            self.assertEqual((pipes.path, copy.path), ("thread", "process"))
            self.assertEqual(pipes.copied_bytes, data.nbytes)
            self.assertEqual(copy.json["copy"]["bytes"], data.nbytes)
            self.assertEqual(pipes["argmin"], data.argmin())
            self.assertEqual(pipes["argmax"], data.argmax())

    def test_logic_and_products(self):
        rng = np.random.default_rng(8)
        data = rng.integers(1, 2**40, LARGE)
        for array in (data[:1000], data):
            self.assertEqual(self.value("and", array), np.bitwise_and.reduce(array))
            self.assertEqual(self.value("or", array), np.bitwise_or.reduce(array))
            self.assertEqual(self.value("xor", array), np.bitwise_xor.reduce(array))
            self.assertIs(tally.all(array, client=self.client), True)
            self.assertIs(tally.any(array * 0, client=self.client), False)
            with self.assertRaises(tally.NoValue) as caught:
                tally.prod(array, client=self.client)
            self.assertEqual(caught.exception.code, "overflow")
        self.assertEqual(tally.prod(range(1, 34), client=self.client),
                         math.factorial(33))
        self.assertIs(tally.any([float("nan")], client=self.client), True)
        with self.assertRaises(tally.InvalidArgument) as caught:
            tally.prod([1.5], client=self.client)
        self.assertEqual(caught.exception.code, "reducer_type")

    def test_histograms_are_numpys(self):
        data = np.random.default_rng(9).normal(size=LARGE)
        for array in (data[:1000], data):
            counts, edges = np.histogram(array, bins=64, range=(-2, 2))
            found = tally.histogram(array, 64, -2, 2, client=self.client)
            np.testing.assert_array_equal(found.counts, counts)
            np.testing.assert_array_equal(found.edges, edges)  # 1/16 is exact
            self.assertEqual(found.underflow, (array < -2).sum())
            self.assertEqual(found.overflow, (array > 2).sum())
            edges = [-1, -0.1, 0.3, 5]
            counts, edges = tally.histogram(array, edges, client=self.client)
            np.testing.assert_array_equal(counts, np.histogram(array, edges)[0])
        nan = tally.histogram([1.0, float("nan")], np.array([0, 1]), client=self.client)
        self.assertEqual((nan.nan, list(nan.counts)), (1, [1]))
        for bad in ((0, 0, 1), (10, 1, 0), (10, 0), ([1, 1],), ([1, 2], 0, 1)):
            with self.subTest(bad=bad), self.assertRaises(tally.InvalidArgument) as caught:
                tally.histogram(data, *bad, client=self.client)
            self.assertEqual(caught.exception.code, "bad_argument")

    def test_moments(self):
        data = np.array([3.0, -4.0, 12.0])
        of = {"client": self.client}
        self.assertEqual(tally.sumsq(data, **of), 169.0)
        self.assertEqual(tally.norm2(data.astype("i4"), **of), 13.0)
        self.assertEqual(tally.var([1, 2, 3, 4], **of), 1.25)
        self.assertEqual(tally.std([1, 2, 3], ddof=1, **of), 1.0)
        for ddof in 3, 4:
            with self.assertRaises(tally.NoValue):
                tally.var(data, ddof=ddof, **of)
        with self.assertRaises(tally.InvalidArgument):
            tally.std(data, ddof=-1, **of)

    def test_dot(self):
        of = {"client": self.client}
        left, right = np.array([1e200, 3.0, -1e200]), np.array([1e200, 7.0, 1e200])
        self.assertEqual(tally.dot(left, right, **of), 21.0)
        self.assertEqual(tally.dot(left[::2], right[::2], **of), 0.0)
        self.assertEqual(tally.dot([1, 2], [3, -4], **of), -5)
        self.assertEqual(tally.dot(np.float32([0.1]), np.float32([3]), **of),
                         float(np.float32(0.1)) * 3)
        shared = tally.empty(LARGE)
        shared[:] = 2
        tally.share(shared)
        answer = self.client.run("dot,count", (shared[1:], shared[:-1]))
        self.assertEqual(dict(answer), {"dot": 4.0 * (LARGE - 1), "count": LARGE - 1})
        self.assertEqual(answer.copied_bytes, 0)
        self.assertEqual(tally.dot([], np.empty(0), **of), 0.0)
        self.assertEqual(tally.dot(left, left, **of), tally.sumsq(left, **of))
        self.assertEqual(tally.dot([2**63], [2**64 - 1], **of), 2**63 * (2**64 - 1))
        with self.assertRaises(tally.NoValue):
            tally.dot([2**64 - 1], [2**64 - 1], **of)
        self.assertEqual(tally.dot(b"\1\2", bytearray(b"\3\4"), **of), 11)
        # By their places in the array, not in memory.
        table = np.arange(6.0).reshape(2, 3)
        turned = np.asfortranarray(table)
        self.assertEqual(tally.dot(table, turned, **of), 55.0)
        self.assertEqual(tally.dot(table.T, turned.T, **of), 55.0)
        for pair, code in (((left, right[:2]), "different_lengths"),
                           ((left, [1, 2, 3]), "mixed_types"),
                           ((left, right.astype("f4")), "mixed_types"),
                           ((table, table.T), "different_shapes"),
                           ((table, table.ravel()), "different_shapes")):
            with self.assertRaises(tally.InvalidArgument) as caught:
                tally.dot(*pair, **of)
            self.assertEqual(caught.exception.code, code)
        with self.assertRaises(tally.InvalidArgument) as caught:
            self.client.run("dot,sum", (left, right))
        self.assertEqual(caught.exception.code, "not_with_dot")
        with self.assertRaises(tally.InvalidArgument) as caught:
            tally.run("dot", left, **of)
        self.assertEqual(caught.exception.code, "dot_arrays")

    def test_the_first_of_equals_is_found_across_pieces(self):
        data = np.zeros(LARGE)
        self.assertEqual(self.value("argmax", data), 0)
        data[LARGE // 2:] = 1
        self.assertEqual(self.value("argmax", data), LARGE // 2)
        data[LARGE - 1] = np.nan
        self.assertEqual(self.value("argmin", data), LARGE - 1)

    def test_an_error_names_the_element_in_the_whole_array(self):
        data = np.zeros(LARGE)
        data[LARGE - 2] = np.nan
        with self.assertRaises(tally.InvalidData) as caught:
            self.client.run("sum", data, nan="error")
        self.assertIn(str(LARGE - 2), str(caught.exception))
        self.assertEqual(self.client.run("count", data, nan="skip").value, LARGE - 1)


class NoDataTest(DataCase):
    def test_types_that_tally_has_not_are_refused(self):
        for data in (np.array([1j]), np.array(["2020-01-01"], "M8[D]"),
                     np.array([1], "m8[s]"), np.array([1, None], object),
                     np.array([(1, 2.0)], "i4,f8"), np.array(["a"]), np.array([b"a"]),
                     np.array([1], np.longdouble), memoryview(b"ab").cast("c"),
                     np.array([(1, 2.0)], "i4,f8").view(np.recarray)):
            with self.subTest(dtype=getattr(data, "dtype", data)):
                error = self.refused(data, tally.TypeMismatch)
                self.assertEqual(error.code, "unsupported_type")

    def test_masked_elements_would_count_and_are_refused(self):
        data = np.ma.array([1, 2, 3], mask=[0, 1, 0])
        self.refused(data, tally.TypeMismatch, "compressed()")
        self.assertEqual(self.value("sum", data.compressed()), 4)

    def test_what_is_no_data_is_refused(self):
        for data in (None, 3, 3.5, {1, 2}, {1: 2}, iter([1]), (x for x in [1]), object()):
            with self.subTest(data=data):
                self.refused(data, tally.TypeMismatch, "is no data")

    def test_an_array_keeps_its_type(self):
        self.refused(np.zeros(3), dtype="f32", words="these elements are f64")
        self.assertEqual(self.value("sum", np.ones(3), dtype="float64"), 3)

    def test_options_of_files_are_refused(self):
        self.refused([1.0], format="csv", words="for files")

    def test_options_are_checked(self):
        for options, words in (({"hint": "gpu"}, "auto, cpu, io"),
                               ({"path": "inline"}, "thread, process"),
                               ({"missing": "x"}, "error, skip"),
                               ({"nan": 3}, "propagate"), ({"workers": -1}, "workers"),
                               ({"workers": True}, "workers"), ({"chunk": 1.5}, "chunk"),
                               ({"timeout": 0}, "seconds"), ({"timeout": "1s"}, "seconds"),
                               ({"timeout": float("nan")}, "seconds"),
                               ({"limits": {"nas": 0}}, ""), ({"kernels": 7}, "")):
            with self.subTest(options=options):
                self.refused([1.0], (tally.InvalidArgument, TypeError), words, **options)


class ArrayLikeTest(DataCase):
    def test_an_object_that_numpy_can_take_is_taken(self):
        class Series:
            def __array__(self, dtype=None, copy=None):
                return np.arange(5)

        self.assertEqual(self.value("sum", Series()), 10)


class FileTest(DataCase):
    def test_paths_patterns_and_lists_of_them(self):
        for name, text in (("b1.txt", "1\n2\n"), ("b2.txt", "3\n"), ("b[3].txt", "4\n")):
            self.file(name, text)
        folder = self.daemon.folder
        self.assertEqual(self.value("sum", folder / "b1.txt"), 3)
        self.assertEqual(self.value("sum", str(folder / "b?.txt")), 6)
        self.assertEqual(self.value("sum", [str(folder / "b1.txt"), folder / "b2.txt"]), 6)
        self.assertEqual(self.value("sum", str(folder / "b[3].txt")), 4)
        self.assertEqual(self.value("argmax", [folder / "b1.txt", folder / "b2.txt"]),
                         tally.Index(str(folder / "b2.txt"), 0))

    def test_columns_of_csv(self):
        path = self.file("w.csv", 'temp;"wind, max"\n1;5\n;7\n3;9\n')
        answer = self.client.run('mean:temp,max:"wind, max"=gust', path, delimiter=";",
                                 missing="skip")
        self.assertEqual(dict(answer), {"mean:temp": 2.0, "gust": 9.0})
        self.assertEqual(answer.elements["missing"], 1)
        self.assertEqual(self.value("sum", path, column=2, delimiter=";"), 21)
        with self.assertRaises(tally.InvalidArgument) as caught:
            self.value("sum", path, column="nothere", delimiter=";")
        self.assertEqual(caught.exception.code, "unknown_column")

    def test_raw_and_npy(self):
        raw = self.file("x.raw", np.arange(5, dtype="i2").tobytes())
        self.assertEqual(self.value("sum", raw, dtype="i16"), 10)
        npy = self.daemon.folder / "x.npy"
        np.save(npy, np.arange(7.0))
        self.addCleanup(npy.unlink)
        self.assertEqual(self.value("sum", npy), 21)

    def test_open_files(self):
        path = self.file("n.txt", "1\n2\n")
        with open(path, encoding="ascii") as file:
            file.readline()
            self.assertEqual(self.value("sum", file), 3)  # the whole of it
        with tempfile.TemporaryFile() as file:
            file.write(b"5\n6\n")  # not flushed yet
            self.assertEqual(self.value("sum", file, format="text"), 11)
        reading, writing = os.pipe()
        with open(reading, "rb") as file, open(writing, "wb") as feed:
            feed.write(b"7\n8\n")
            feed.close()
            self.assertEqual(self.value("sum", file, format="text"), 15)

    def test_what_cannot_be_read_is_said(self):
        missing = str(self.daemon.folder / "missing.txt")
        for data, kind in ((missing, tally.NotFound), (missing + "*", tally.NotFound),
                           (str(self.daemon.folder), tally.InvalidArgument),
                           (io.BytesIO(b"1"), tally.TypeMismatch),
                           ("a\0b", tally.InvalidArgument),
                           (self.file("bad.txt", "1\nx\n"), tally.InvalidData)):
            with self.subTest(data=data):
                error = self.refused(data, kind)
                if kind is tally.NotFound:
                    self.assertEqual(error.code, "no_such_file")
        self.refused([missing, 3], tally.TypeMismatch, "is no path")
        self.refused(self.file("y.txt", "1"), format="xlsx", words="npy, raw, csv, text")


class ReducerTest(DataCase):
    def test_names_lists_and_objects(self):
        for reducers in ("count,max", ["count", "max"], ("count,max",),
                         [tally.Reducer("count"), "max"], iter(["count", "max"])):
            with self.subTest(reducers=reducers):
                answer = self.client.run(reducers, [1, 2])
                self.assertEqual(list(answer.items()), [("count", 2), ("max", 2)])
        self.assertIsInstance(answer, collections.abc.Mapping)
        with self.assertRaises(LookupError):
            answer.value

    def test_the_daemon_says_which_there_are(self):
        for reducers, code in (("nosuch", "unknown_reducer"), ("sum,sum", "repeated_label"),
                               ("sum=", "bad_reducer"), ("sum(", "bad_reducer"),
                               ("sum:", "bad_reducer"), ("1", "bad_reducer"), ("", ""),
                               ([], "no_reducer"), ([3], "bad_reducer")):
            with self.subTest(reducers=reducers):
                with self.assertRaises(tally.InvalidArgument) as caught:
                    self.client.run(reducers, [1])
                self.assertIn(code, caught.exception.code)

    def test_the_report_is_that_of_the_command(self):
        answer = self.client.run("sum", range(10_000_000))
        self.assertEqual(answer.json["results"][0]["value"], str(sum(range(10_000_000))))
        phases = [answer.time[f"{p}_ns"] for p in
                  ("queue", "plan", "run", "merge", "reply", "other")]
        self.assertEqual(sum(phases), answer.time["total_ns"])
        self.assertEqual(answer.elements["seen"], 10_000_000)
        self.assertIn("input_bytes", answer.memory)


class EnvironmentTest(unittest.TestCase):
    def test_the_package_says_which_files_are_its_own(self):
        folder = pathlib.Path(tally.__file__).parent
        self.assertTrue((folder / "py.typed").exists())
        self.assertEqual(tally.__version__, tally.library_version())


if __name__ == "__main__":
    unittest.main()
