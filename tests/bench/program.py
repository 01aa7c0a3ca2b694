"""A benchmark program or a peer, driven a step at a time (tests/bench/steps.h).

    with Program(bench / "roundtrip_bench", socket) as program:
        durations_ns = program.step("inline", 200)
"""

import os
import select
import subprocess
import time

PATIENCE_S = 60  # for one step


class BenchError(Exception):
    """A program failed or gave a wrong answer: there is no figure."""


class Program:
    """Use as a context: leaving it ends the program."""

    def __init__(self, *words):
        self._words = [str(word) for word in words]
        self._name = os.path.basename(self._words[0])

    def __enter__(self):
        # stderr is ours: what went wrong is said there.
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, bufsize=0)
        return self

    def __exit__(self, kind, *_):
        self._process.stdin.close()
        if kind is not None:
            self._process.terminate()  # it may be in the middle of a step
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def step(self, name, count=1):
        """The numbers of the answer."""
        try:
            self._process.stdin.write(f"{name} {count}\n".encode())
        except BrokenPipeError:
            pass  # the answer, none, says it
        return [int(word) for word in self._answer().split()]

    def _answer(self):
        answer = b""
        deadline = time.monotonic() + PATIENCE_S
        descriptor = self._process.stdout.fileno()
        while not answer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if not select.select([descriptor], [], [], max(left, 0))[0]:
                raise BenchError(f"{self._name}: no answer in {PATIENCE_S} s")
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                raise BenchError(f"{self._name} ended without an answer")
            answer += piece
        return answer
