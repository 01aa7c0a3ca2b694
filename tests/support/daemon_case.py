"""A test case whose tests share one tallyd, and make their input files in its folder."""

import unittest

from tally_daemon import TallyDaemon


class DaemonCase(unittest.TestCase):
    workers = 2

    @classmethod
    def setUpClass(cls):
        cls.daemon = TallyDaemon(workers=cls.workers)
        cls.daemon.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def file(self, name, data):
        """A file of the daemon's folder, gone after the test. `name`: str or bytes."""
        path = self.daemon.folder / (name if isinstance(name, str) else
                                     name.decode(errors="surrogateescape"))
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def done(self, *words, code=0):
        """A run of the tally program that exits with `code`."""
        done = self.daemon.tally(*words)
        self.assertEqual(done.returncode, code, (words, done))
        return done
