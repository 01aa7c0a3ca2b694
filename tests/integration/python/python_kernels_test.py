"""Kernels from Python: the examples' own, over arrays and files."""

import os
import pathlib
import unittest

import numpy as np

import tally
from daemon_case import DaemonCase

KERNELS = pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"])


class KernelTest(DaemonCase):
    def setUp(self):
        self.client = tally.connect(self.daemon.socket)
        self.addCleanup(self.client.close)

    def test_over_arrays_of_every_size_and_kind(self):
        for count in (1, 5000, 300_000):
            data = np.full(count, 2.0)
            shared = tally.empty(count)
            shared[:] = data
            for one in (data, tally.share(shared), list(data)):
                answer = self.client.run(["geomean", "count"], one,
                                         kernels=KERNELS / "geomean.so")
                self.assertAlmostEqual(answer["geomean"], 2.0)
                self.assertEqual((answer["count"], answer.path), (count, "process"))

    def test_a_large_array_is_given_to_it_whole(self):
        data = np.random.default_rng(5).random(300_000) + 1
        inside, outside = (self.client.run("geomean", one, kernels=[KERNELS / "geomean.so"])
                           for one in (data, data[::-1][::-1]))
        self.assertEqual(inside.value, outside.value)
        self.assertEqual(inside.json["copy"]["bytes"], data.nbytes)
        self.assertIs(type(inside.value), np.float64)

    def test_several_columns_and_several_results(self):
        path = self.file("points.csv", "x,y\n1,5\n-2,7\n3,6\n")
        answer = self.client.run("bbox(x,y)", path, kernels=KERNELS / "bbox.so")
        self.assertEqual([*answer.values()], [-2, 5, 3, 7, 3])
        label = next(iter(answer))
        self.assertTrue(label.endswith(".min_x"), label)

    def test_a_text_is_a_str(self):
        path = self.file("words.txt", "to be or not to be to\n")
        answer = self.client.run("words=w", path, kernels=KERNELS / "words.so")
        self.assertEqual(dict(answer), {"w.all": 7, "w.different": 4, "w.most": "to",
                                        "w.times": 3})

    def test_one_that_crashes_is_named_and_hurts_nobody(self):
        good = self.file("good.txt", "bytes=1\n")
        bad = self.file("bad.txt", "bytes=2\nnone here\n")
        options = {"kernels": KERNELS / "fragile.so", "format": "text"}
        self.assertEqual(self.client.run("fragile", good, **options).value, 1)
        with self.assertRaises(tally.WorkerLost) as caught:
            self.client.run("fragile", [good, bad], **options)
        self.assertIn("fragile", str(caught.exception))
        self.assertIn("bad.txt", str(caught.exception))

    def test_on_demand_the_answer_goes_without_what_crashes_and_is_no_answer(self):
        good = self.file("good.txt", "bytes=1\n")
        bad = self.file("bad.txt", "bytes=2\nnone here\n")
        options = {"kernels": KERNELS / "fragile.so", "format": "text"}
        with self.assertRaises(tally.Partial) as caught:
            self.client.run("fragile", [good, bad], on_failure="partial", **options)
        self.assertEqual(caught.exception.answer.value, 1)
        (missing,) = caught.exception.answer.missing
        self.assertEqual(pathlib.Path(missing["file"]).name, "bad.txt")
        whole = self.client.run("fragile", good, on_failure="partial", **options)
        self.assertEqual((whole.value, whole.missing), (1, []))
        with self.assertRaises(tally.InvalidArgument):
            self.client.run("fragile", good, on_failure="maybe", **options)
        self.assertEqual(self.client.run("sum", range(10)).value, 45)

    def test_a_file_that_is_none_is_said(self):
        for kernels, kind in (("/nonexistent.so", tally.NotFound),
                              (self.file("empty.so", ""), tally.Error)):
            with self.assertRaises(kind):
                self.client.run("geomean", [1.0], kernels=kernels)
        with self.assertRaises(tally.InvalidArgument):
            self.client.run("geomean", np.ones(300_000))  # nobody brought it


class ManyFilesTest(DaemonCase):
    def test_more_files_than_are_open_at_once(self):
        paths = [self.file(f"many{i:04}.txt", f"{i}\n") for i in range(300)]
        with tally.connect(self.daemon.socket) as client:
            answer = client.run("sum,count", str(self.daemon.folder / "many*.txt"))
            self.assertEqual(dict(answer), {"sum": sum(range(300)), "count": 300})
            jobs = [client.submit("sum", paths) for _ in range(3)]
            self.assertEqual({job.result().value for job in jobs}, {sum(range(300))})


if __name__ == "__main__":
    unittest.main()
