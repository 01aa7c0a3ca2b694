"""Shared arrays from Python: read where they lie, whole or in parts, and never changed
after they were shared."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import unittest

import numpy as np

import tally
from daemon_case import DaemonCase
from tally_daemon import PATIENCE_S


class ArrayTest(DaemonCase):
    def setUp(self):
        self.client = tally.connect(self.daemon.socket)
        self.addCleanup(self.client.close)

    def shared(self, values):
        data = tally.empty(values.shape, values.dtype)
        data[...] = values
        return tally.share(data)

    def test_empty_is_a_numpy_array_of_zeros(self):
        for shape, dtype in ((5, "f64"), ((2, 3), np.int16), ((), "u8"), (0, float),
                             ((0, 4), "f4"), (np.int64(3), np.dtype("f4"))):
            with self.subTest(shape=shape, dtype=dtype):
                data = tally.empty(shape, dtype)
                expected = np.zeros(shape, tally._elements.named(dtype).numpy)
                self.assertIsInstance(data, np.ndarray)
                self.assertEqual((data.shape, data.dtype),
                                 (expected.shape, expected.dtype))
                self.assertTrue(data.flags.writeable and data.flags.c_contiguous)
                self.assertTrue((data == 0).all())

    def test_what_is_no_array_is_refused(self):
        for shape, dtype in ((-1, "f64"), ((2, -1), "f64"), (3, "c16"), (2**62, "f64"),
                             ((2**40, 2**40), "u8"), (3, ">f8"), (3, object)):
            with self.subTest(shape=shape, dtype=dtype):
                with self.assertRaises(tally.InvalidArgument):
                    tally.empty(shape, dtype)
        for shape in (1.5, "3", None):
            with self.assertRaises(TypeError):
                tally.empty(shape)

    def test_a_shared_array_is_not_copied(self):
        values = np.random.default_rng(3).normal(size=(300, 1000))
        data = self.shared(values)
        for path in ("process", "thread"):
            answer = self.client.run("sum,argmax,count", data, path=path)
            copy = self.client.run("sum,argmax,count", values)
            self.assertEqual(dict(answer), dict(copy))
            self.assertEqual((answer.copied_bytes, copy.copied_bytes), (0, values.nbytes))
            self.assertEqual(answer.path, path)

    def test_a_part_of_a_shared_array_is_not_copied_either(self):
        data = self.shared(np.arange(300_000))
        for part in (data[10:], data[:-1], data[7:8], data.reshape(3, -1)[1],
                     data.view("u4")[1:], data[:0]):
            with self.subTest(part=part.shape):
                answer = self.client.run("sum", part)
                self.assertEqual(answer.value, int(part.sum()))
                self.assertEqual(answer.copied_bytes, 0)
        self.assertEqual(self.client.run("sum", data[::2]).copied_bytes,
                         2 * data[::2].nbytes)  # made contiguous, then sent

    def test_until_it_is_shared_it_is_an_ordinary_array(self):
        data = tally.empty(300_000)
        for value in (1, 2):
            data[:] = value
            answer = self.client.run("sum", data)
            self.assertEqual((answer.value, answer.copied_bytes),
                             (value * data.size, data.nbytes))
        tally.share(data)
        self.assertEqual(self.client.run("sum", data).value, 2 * data.size)

    def test_a_shared_array_is_read_only(self):
        data = self.shared(np.arange(5))
        with self.assertRaises(ValueError):
            data[0] = 7
        self.assertIs(tally.share(data), data)  # again: nothing
        self.assertEqual(self.client.run("sum", tally.share(tally.empty(0))).value, 0)

    def test_a_write_through_an_older_view_ends_the_program(self):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent("""
            import resource, tally
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            data = tally.empty(5)
            view = data[:]
            tally.share(data)
            print(view[0], flush=True)
            view[0] = 7
            print("written")
            """)], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stdout), (-signal.SIGSEGV, "0.0\n"), done)

    def test_what_another_has_mapped_is_not_shared_and_stays_writable(self):
        data = tally.empty(5)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        with self.assertRaises(tally.Overloaded) as caught:
            tally.share(data)
        self.assertEqual(caught.exception.code, "array_in_use")
        data[:] = 3
        os.close(writing)
        os.waitpid(child, 0)
        self.assertEqual(self.client.run("sum", tally.share(data)).value, 15)

    def test_only_arrays_of_empty_are_shared(self):
        for data in (np.zeros(3), [1.0], b"abc", tally.empty(6)[::2], None):
            with self.subTest(data=data):
                with self.assertRaises(tally.InvalidArgument) as caught:
                    tally.share(data)
                self.assertEqual(caught.exception.code, "not_shareable")

    def test_it_lives_as_long_as_something_needs_it(self):
        before = len(os.listdir("/proc/self/fd"))
        data = self.shared(np.arange(300_000.0))
        part = data[5:]
        job = self.client.submit("sum", data)
        del data
        self.assertEqual(job.result().value, sum(range(300_000)))
        self.assertEqual(part[-1], 299_999)
        del part, job
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.assertEqual(list(tally._shared._blocks), [])


if __name__ == "__main__":
    unittest.main()
