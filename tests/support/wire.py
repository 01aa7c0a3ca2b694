"""The wire, spoken by hand: frames of ipc/PROTOCOL.md over a raw socket.

Bodies are made and read by the `capnp` program from the schema, so that nothing of
tally's own encoding is in the way.
"""

import errno
import fcntl
import json
import os
import pathlib
import socket
import struct
import subprocess

from processes import SANITIZED

REQUEST, REPLY, EVENT = 1, 2, 3
HELLO = '(hello = (protocol = 1, version = "test", pid = 1))'
PING = "(ping = void)"

_SCHEMA = (pathlib.Path(__file__).resolve().parents[2] / "ipc/schema/control.capnp")
_PATIENCE_S = 60 if SANITIZED else 5


def _convert(how, data, struct_name):
    done = subprocess.run(["capnp", "convert", how, "-I/usr/include", _SCHEMA, struct_name],
                          input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout


_bodies = {}


def body_of(request):
    """The body of a `Request` written as Cap'n Proto text."""
    if request not in _bodies:
        _bodies[request] = _convert("text:binary", request.encode(), "Request")
    return _bodies[request]


def header(size, sequence=1, kind=REQUEST, fd_count=0, magic=b"TLY1"):
    return struct.pack("<4sHHII", magic, kind, fd_count, size, sequence)


def frame(request, sequence=1, **head):
    body = request if isinstance(request, bytes) else body_of(request)
    return header(len(body), sequence, **head) + body


def submit(source, reducers="sum", wait=True, job=""):
    """A `submit` as text; `source` is the member of the union, such as 'range = (…)'."""
    names = ", ".join(f'(name = "{name}")' for name in reducers.split(","))
    return (f"(submit = (spec = (reducers = [{names}], source = ({source}){job}), "
            f"replyWhen = {0 if wait else 1}))")


class Session:
    """A client's connection, greeted unless told otherwise."""

    def __init__(self, path, greet=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(_PATIENCE_S)
        self.socket.connect(str(path))
        if greet:
            name, hello = self.ask(HELLO)
            assert name == "hello" and hello["protocol"] == 1, (name, hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, fds=()):
        if fds:
            sent = socket.send_fds(self.socket, [data], list(fds))
            data = data[sent:]
        if data:
            self.socket.sendall(data)

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += more
        return data

    def receive_raw(self):
        """The next frame, its body not looked into: (sequence, kind, body)."""
        magic, kind, fd_count, size, sequence = struct.unpack("<4sHHII", self._read(16))
        assert magic == b"TLY1" and fd_count == 0, (magic, fd_count)
        assert size % 8 == 0 and 8 <= size <= 16 << 20, size
        assert kind in (REPLY, EVENT), kind
        return sequence, kind, self._read(size)

    def receive(self):
        """The next frame: (sequence, member, its value as JSON)."""
        sequence, kind, body = self.receive_raw()
        text = _convert("binary:json", body, "Reply" if kind == REPLY else "Event")
        (member, value), = json.loads(text).items()
        return sequence, member, value

    def ask(self, request, sequence=1, fds=()):
        """Sends one request and reads its reply, the next frame: (member, value)."""
        self.send(frame(request, sequence, fd_count=len(fds)), fds)
        answered, member, value = self.receive()
        assert answered == sequence, (answered, sequence, member, value)
        return member, value

    def at_end(self):
        """True if the daemon closes without another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:  # it left with some of ours unread
            return True

    def result(self, request, sequence=1, fds=()):
        """The answer to a submit that waits, which must be one."""
        member, value = self.ask(request, sequence, fds)
        assert member == "answer", (member, value)
        return value


def integer(value):
    """An Int128 of a reply."""
    return int(value["integer"]["low"]) + (int(value["integer"]["high"]) << 64)


def memfd(data=b"", seals=None, size=None):
    """A memfd with `data`; `seals` is a number of F_SEAL_*, None for all that is asked."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    if size is not None:
        os.ftruncate(fd, size)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]
    if seals is None:
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    if seals:
        _add_seals(fd, seals)
    return fd


def _add_seals(fd, seals):
    """Asks again where the kernel itself holds a page, as ipc/base/seals.cc does."""
    for tries_left in reversed(range(7)):
        try:
            return fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        except OSError as error:
            if error.errno != errno.EBUSY or tries_left == 0:
                raise


def decoded(frames):
    """Many replies of receive_raw at once: [(sequence, member, value)]."""
    text = _convert("binary:json", b"".join(body for _, _, body in frames), "Reply")
    decoder, at, all_values = json.JSONDecoder(), 0, []
    text = text.decode()
    for sequence, kind, _ in frames:
        assert kind == REPLY, kind
        while text[at].isspace():
            at += 1
        value, at = decoder.raw_decode(text, at)
        (member, inside), = value.items()
        all_values.append((sequence, member, inside))
    assert not text[at:].strip()
    return all_values
