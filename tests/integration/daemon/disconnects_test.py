#!/usr/bin/env python3
"""A client that leaves at every message, and in the middle of each: nobody notices."""

import os
import socket
import unittest

import wire
from kernels import kernel
from processes import descriptors_of
from tally_daemon import TallyDaemon, wait_until

BESIDE = wire.submit("range = (start = 0, stop = 1000, step = 1)")
LONG = "range = (start = 0, stop = 1000000000000, step = 1)"
COUNT = "memory = (type = 10, descriptor = 0, offsetBytes = 0, count = 131072)"


def with_kernel(source, descriptor):
    """A submit that brings a kernel as its last descriptor."""
    return (f'(submit = (spec = (reducers = [(name = "geomean")], source = ({source}), '
            f'kernels = [(name = "geomean.so", descriptor = {descriptor})]), '
            "wantProgress = true))")


class Conversation:
    """Frames with their descriptors, in the order that a client sends them."""

    def __init__(self, folder):
        self.opened = [wire.memfd(bytes(8 * 131072)), os.open(kernel("geomean"), os.O_RDONLY),
                       os.open(folder / "a.csv", os.O_RDONLY)]
        memory, image, csv = self.opened
        csv_source = ('files = (format = 3, csv = (delimiter = 44, header = true), '
                      'files = [(name = "a.csv", descriptor = 0)])')
        requests = [
            (wire.HELLO, ()),
            (wire.PING, ()),
            (wire.submit("range = (start = 0, stop = 9, step = 1)"), ()),
            (wire.submit(LONG, wait=False), ()),
            (wire.submit(COUNT), (memory,)),
            (wire.submit(csv_source), (csv,)),
            ('(kernels = [(name = "geomean.so", descriptor = 0)])', (image,)),
            (with_kernel("range = (start = 1, stop = 100000000, step = 1)", 0), (image,)),
            (with_kernel(COUNT, 1), (memory, image)),
            ("(explain = (reducers = [(name = \"geomean\")], source = (" + LONG + "), "
             "kernels = [(name = \"geomean.so\", descriptor = 0)]))", (image,)),
            ("(serverStatus = void)", ()),
            ("(list = void)", ()),
            ("(wait = (sequence = 4))", ()),
            ("(status = (sequence = 4))", ()),
            ("(cancel = (sequence = 4))", ()),
            ("(cancel = (sequence = 8))", ()),
        ]
        self.frames = [(wire.frame(request, number + 1, fd_count=len(fds)), fds)
                       for number, (request, fds) in enumerate(requests)]

    def close(self):
        for fd in self.opened:
            os.close(fd)


class DisconnectsTest(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(TallyDaemon())
        folder = self.daemon.folder
        (folder / "a.csv").write_text("x\n" + "1\n" * 1000)
        self.conversation = Conversation(folder)
        self.addCleanup(self.conversation.close)
        self.beside = self.enterContext(wire.Session(self.daemon.socket))
        # What is loaded and opened once is there before anything is counted.
        self.beside.ask(*self.kernel_request())
        self.nobody_noticed()
        self.pid = self.daemon.status()["pid"]
        self.descriptors = descriptors_of(self.pid)

    def kernel_request(self):
        image = self.conversation.opened[1]
        return '(kernels = [(name = "geomean.so", descriptor = 0)])', 1, (image,)

    def nobody_noticed(self):
        answer = self.beside.result(BESIDE)
        self.assertEqual(wire.integer(answer["results"][0]["value"]), 499500)

    def leave(self, count, part, reads):
        """Sends `count` frames and `part` of the next one, reads a little, leaves."""
        session = wire.Session(self.daemon.socket, greet=False)
        for data, fds in self.conversation.frames[:count]:
            session.send(data, fds)
        if part and count < len(self.conversation.frames):
            data, fds = self.conversation.frames[count]
            session.send(data[:max(1, int(len(data) * part))], fds)
        if reads == "one" and count > 0:
            session.receive_raw()
        elif reads == "half":
            session.socket.shutdown(socket.SHUT_WR)
        session.socket.close()

    def all_is_as_before(self):
        status = None

        def settled():
            nonlocal status
            status = self.daemon.status()
            return (status["sessions"] == 2 and status["queue"]["jobs_running"] == 0 and
                    status["queue"]["jobs_queued"] == 0 and
                    all(worker["state"] == "idle" for worker in status["workers"]) and
                    descriptors_of(self.pid) <= self.descriptors + 1)
        wait_until(settled, "jobs, sessions and descriptors of those who left are gone", 30)
        self.assertEqual([worker["restarts"] for worker in status["workers"]],
                         [0] * len(status["workers"]))

    def test_after_every_message_and_in_the_middle_of_each(self):
        for count in range(len(self.conversation.frames) + 1):
            for part in 0, 0.01, 0.5:
                for reads in "nothing", "one", "half":
                    with self.subTest(count=count, part=part, reads=reads):
                        self.leave(count, part, reads)
                        self.nobody_noticed()
            self.all_is_as_before()


if __name__ == "__main__":
    unittest.main()
