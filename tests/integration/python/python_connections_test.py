"""Which daemon Python finds, what it does without numpy, the library or a daemon, and
the errors' tree."""

import json
import os
import pathlib
import pickle
import subprocess
import sys
import textwrap
import unittest

import tally
from daemon_case import DaemonCase
from tally_daemon import PATIENCE_S, clean_environment

NO_NUMPY = """
import sys
class NoNumpy:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoNumpy())
"""


class PythonCase(DaemonCase):
    def python(self, source, **env):
        """A program's end, in an environment with no daemon but those in `env`."""
        surroundings = clean_environment(self.daemon.folder)
        for name in ("TALLY_LIBRARY", "TALLY_WORKER_PROGRAM"):
            surroundings[name] = os.environ[name]
        surroundings.update({name: str(value) for name, value in env.items()})
        return subprocess.run([sys.executable, "-c", textwrap.dedent(source)],
                              env=surroundings, text=True, capture_output=True,
                              timeout=PATIENCE_S)

    def printed(self, source, **env):
        done = self.python(source, **env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout.split()


class DefaultTest(PythonCase):
    def test_the_daemon_that_is_named(self):
        self.assertEqual(self.printed("""
            import os, tally
            answer = tally.run("sum", range(10))
            print(answer.value, answer.json["daemon"]["pid"])
            """, TALLY_SOCKET=self.daemon.socket), ["45", str(self.daemon.process.pid)])

    def test_the_daemon_at_the_usual_place(self):
        folder = self.daemon.folder / "tally"
        folder.mkdir()
        self.addCleanup(folder.rmdir)
        (folder / "tally.sock").symlink_to(self.daemon.socket)
        self.addCleanup((folder / "tally.sock").unlink)
        self.assertEqual(self.printed("import tally; print(tally.sum(range(10)))"), ["45"])

    def test_without_any_it_runs_embedded_and_says_so(self):
        done = self.python("""
            import tally
            answer = tally.run("sum", range(10_000_000), path="process")
            print(answer.value, answer.json["daemon"]["kind"])
            print(tally.max([1, 2]))
            """)
        self.assertEqual(done.stdout.split(), [str(sum(range(10_000_000))), "embedded",
                                               "2"], done)
        self.assertEqual(done.stderr, "tally: no daemon found; running embedded\n")
        self.assertEqual(done.returncode, 0)

    def test_embedding_may_be_forbidden(self):
        self.assertEqual(self.printed("""
            import tally
            try:
                tally.sum(range(10))
            except tally.Unavailable as error:
                print(error.code, isinstance(error, ConnectionError))
            """, TALLY_EMBED="never"), ["no_daemon", "True"])

    def test_a_daemon_that_is_named_and_silent_is_an_error(self):
        self.assertEqual(self.printed("""
            import tally
            for connect in (tally.connect, lambda: tally.sum([1])):
                try:
                    connect()
                except tally.Unavailable as error:
                    print(error.code)
            """, TALLY_SOCKET="/nonexistent"), ["no_daemon", "no_daemon"])

    def test_a_child_gets_a_client_of_its_own(self):
        self.assertEqual(self.printed("""
            import os, sys, tally
            print(tally.sum(range(10)), flush=True)
            if (child := os.fork()) == 0:
                print(tally.sum(range(11)), flush=True)
                sys.exit()
            os.waitpid(child, 0)
            print(tally.sum(range(12)))
            """, TALLY_SOCKET=self.daemon.socket), ["45", "55", "66"])

    def test_processes_of_multiprocessing_may_use_it(self):
        self.assertEqual(self.printed("""
            import multiprocessing, tally
            def work(count):
                return int(tally.sum(range(count)))
            tally.sum(range(3))
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(*pool.map(work, [10, 11, 12]))
            """, TALLY_SOCKET=self.daemon.socket), ["45", "55", "66"])

    def test_a_lost_connection_is_made_anew(self):
        self.assertEqual(self.printed("""
            import socket, os, tally
            client = tally.default_client()
            with socket.socket(fileno=os.dup(client._fd)) as other:
                other.shutdown(socket.SHUT_RDWR)
            try:
                tally.sum([1])
            except tally.Error as error:
                print(isinstance(error, ConnectionError))
            print(tally.sum([1]), tally.default_client() is client)
            """, TALLY_SOCKET=self.daemon.socket), ["True", "1", "False"])


class WithoutNumpyTest(PythonCase):
    def test_everything_works_with_plain_numbers(self):
        said = self.printed(NO_NUMPY + textwrap.dedent("""
            import array, json, tally
            data = tally.empty((2, 3), "i32")
            data[1, 2] = 7
            whole = tally.empty(3)
            whole[1] = 2.5
            big = array.array("d", [0.5]) * 300_000
            results = [tally.sum(range(10)), tally.mean([1, 2]), tally.max(b"ab"),
                       tally.sum(array.array("f", [0.5])), tally.sum([2**63] * 4),
                       tally.sum(big), tally.argmax(big), tally.sum(memoryview(big)[::2]),
                       tally.sum(tally.share(data)), tally.sum(tally.share(whole)[1:]),
                       tally.sum(tally.empty(0)), tally.sum(memoryview(b"ab").cast("B"))]
            assert "numpy" not in sys.modules
            print(json.dumps([[type(x).__name__, x] for x in results], separators=",:"))
            """), TALLY_SOCKET=self.daemon.socket)
        self.assertEqual(json.loads(said[0]), [
            ["int", 45], ["float", 1.5], ["int", 98], ["float", 0.5], ["int", 2**65],
            ["float", 150_000.0], ["int", 0], ["float", 75_000.0], ["int", 7],
            ["float", 2.5], ["float", 0.0], ["int", 195]])

    def test_numpy_is_imported_by_no_import(self):
        self.assertEqual(self.printed("""
            import sys, tally
            print("numpy" in sys.modules)
            """), ["False"])


class LibraryTest(PythonCase):
    def test_a_missing_library_is_said_by_the_first_call(self):
        for library in ("/nonexistent.so", self.file("empty.so", ""), "libc.so.6"):
            with self.subTest(library=library):
                self.assertEqual(self.printed("""
                    import tally
                    try:
                        tally.connect()
                    except tally.Unavailable as error:
                        print(error.code, error.fields["file"])
                    """, TALLY_LIBRARY=library), ["no_library", str(library)])


class ErrorTest(PythonCase):
    def test_each_is_what_python_calls_it_too(self):
        for kind, other in ((tally.InvalidArgument, ValueError),
                            (tally.TypeMismatch, TypeError),
                            (tally.TypeMismatch, ValueError),
                            (tally.InvalidData, ValueError), (tally.NoValue, ValueError),
                            (tally.NotFound, LookupError),
                            (tally.DeadlineExceeded, TimeoutError),
                            (tally.Unavailable, ConnectionError), (tally.Io, OSError),
                            (tally.PermissionDenied, PermissionError),
                            (tally.Internal, RuntimeError)):
            with self.subTest(kind=kind):
                self.assertTrue(issubclass(kind, other) and issubclass(kind, tally.Error))

    def test_there_is_one_for_every_status(self):
        header = pathlib.Path(__file__).parents[3] / "client/include/tally/tally.h"
        names = {}
        for line in header.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] == ["#define"] and len(words) > 2 and words[2].isdigit():
                names[words[1].removeprefix("TALLY_").lower()] = int(words[2])
        for status, kind in tally.errors._BY_STATUS.items():
            self.assertEqual(names[kind.error_class], status)
        self.assertEqual(len(tally.errors._BY_STATUS), names["partial"])

    def test_it_carries_the_code_and_its_facts(self):
        path = self.file("bad.csv", "a,b\n1,2\n3,x\n")
        with tally.connect(self.daemon.socket) as client:
            with self.assertRaises(tally.InvalidData) as caught:
                client.run("sum:b", path)
        error = caught.exception
        self.assertEqual(error.error_class, "invalid_data")
        self.assertEqual(error.fields["line"], 3)
        self.assertIn("bad.csv", str(error))
        self.assertEqual(error.answer.json["state"], "failed")
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), str(again), again.code, again.fields),
                         (type(error), str(error), error.code, error.fields))


if __name__ == "__main__":
    unittest.main()
