"""Jobs that are held, spoken by hand: each has one chunk, and the first attempt at it
hangs until its worker is killed.
"""

import os
import unittest

import wire
from processes import Watched
from tally_daemon import TallyDaemon, wait_until

PROCESS = 3
I64 = 4
RAW = 2
DONE, CANCELLED = 3, 6
COUNT = 1000
SUM = COUNT * (COUNT - 1) // 2
NUMBERS = b"".join(n.to_bytes(8, "little") for n in range(COUNT))


def held(client_id, stop=COUNT, wait=True, job=""):
    """The submit of one."""
    return wire.submit(f"range = (start = 0, stop = {stop}, step = 1)", wait=wait,
                       job=f', path = {PROCESS}, clientId = "{client_id}"{job}')


def held_file(client_id, wait=True):
    return wire.submit(f"files = (format = {RAW}, type = {I64}, "
                       'files = [(name = "numbers", descriptor = 0)])', wait=wait,
                       job=f', path = {PROCESS}, clientId = "{client_id}"')


class HeldCase(unittest.TestCase):
    config = ""

    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon(
            config=self.config, fault="update:hang:attempt=1"))
        self.daemon.folder.chmod(0o755)  # for the stranger
        self.daemon.whole_pool()

    def session(self):
        return self.enterContext(wire.Session(self.daemon.socket))

    def send(self, session, request, sequence=1, fds=()):
        session.send(wire.frame(request, sequence, fd_count=len(fds)), fds)

    def submit(self, request, fds=()):
        """A session whose submit was handled; its answer is still to come."""
        session = self.session()
        self.send(session, request, 1, fds)
        self.assertEqual(session.ask(wire.PING, 2)[0], "done")
        return session

    def busy(self):
        return [w for w in self.daemon.status()["workers"] if w["state"] == "busy"]

    def let_go(self, jobs=1):
        """Kills the workers that hold the jobs; the next attempt does not hang."""
        workers = wait_until(lambda: self.busy() if len(self.busy()) == jobs else None,
                             f"{jobs} workers are held")
        for worker in workers:
            Watched(worker["pid"]).kill()

    def answer(self, session):
        sequence, member, answer = session.receive()
        self.assertEqual((sequence, member), (1, "answer"), answer)
        return answer

    def done(self, answer, value=SUM):
        self.assertEqual(answer["state"], DONE, answer)
        self.assertEqual(wire.integer(answer["results"][0]["value"]), value)
        return answer["id"]

    def totals(self):
        totals = self.daemon.status()["totals"]
        return totals["jobs_done"], totals["jobs_cancelled"]

    def numbers(self, data=NUMBERS):
        path = self.daemon.folder / "numbers.raw"
        path.write_bytes(data)
        return path

    def opened(self, path):
        fd = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        return fd
