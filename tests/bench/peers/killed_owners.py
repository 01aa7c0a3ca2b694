#!/usr/bin/python3
"""What Python's multiprocessing does when who holds something is killed.

Prints a line for each primitive; ipc/sync/README.md has the table. Each case forks a
child, kills it with SIGKILL where it holds what the case is about, and gives the survivor
two seconds: "hangs" means that it was still waiting, though there was nobody left to
wait for. Not a benchmark; it takes half a minute.
"""

import multiprocessing
import os
import platform
import signal
import threading
import time

SURVIVOR_S = 2
FORK = multiprocessing.get_context("fork")


def killed(hold):
    """Forks; `hold(here)` runs in the child, which is killed once it has called here."""
    ours, its = os.pipe()
    pid = os.fork()
    if pid == 0:
        hold(lambda: os.write(its, b"h"))
        signal.pause()
    os.read(ours, 1)
    time.sleep(0.2)  # Python cannot tell us that the child is asleep in its wait
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def survives(act):
    """How act() ends in another process: "returns X", "raises X" or "hangs"."""
    ours, its = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SURVIVOR_S)
        try:
            said = f"returns {act()!r}"
        except BaseException as error:
            said = f"raises {type(error).__name__}"
        os.write(its, said.encode())
        os._exit(0)
    os.close(its)
    status = os.waitpid(pid, 0)[1]
    return "hangs" if status == signal.SIGALRM else os.read(ours, 200).decode()


def holding(thing):
    def hold(here):
        thing.acquire()
        here()
    return hold


def lock():
    shared = FORK.Lock()
    killed(holding(shared))
    return survives(shared.acquire)


def rlock():
    shared = FORK.RLock()
    killed(holding(shared))
    return survives(shared.acquire)


def semaphore():
    shared = FORK.BoundedSemaphore(1)
    killed(holding(shared))
    return survives(shared.acquire)


def waiting(condition):
    def hold(here):
        with condition:
            here()
            condition.wait()
    return hold


def condition():
    shared = FORK.Condition()
    killed(waiting(shared))

    def notify():
        with shared:
            shared.notify()
    return survives(notify)


def event():
    shared = FORK.Event()

    def hold(here):
        here()
        shared.wait()
    killed(hold)
    return survives(shared.set)


def queue_getter():
    """Killed while it waits in get(): it has the reader's lock."""
    shared = FORK.Queue()

    def hold(here):
        here()
        shared.get()
    killed(hold)

    def put_and_get():
        shared.put("record")
        return shared.get()
    return survives(put_and_get)


def queue_putter():
    """Killed while its feeder thread is writing a record larger than the pipe."""
    shared = FORK.Queue()

    def hold(here):
        shared.put(b"x" * (1 << 20))
        here()
    killed(hold)
    return survives(lambda: len(shared.get()))


def pipe():
    mine, its = FORK.Pipe()

    def hold(here):
        here()
        its.recv()
    killed(hold)
    # As documented, each process should close the end that it does not use.
    return survives(mine.recv)


def closed_pipe():
    mine, its = FORK.Pipe()

    def hold(here):
        mine.close()
        here()
        its.recv()
    killed(hold)
    its.close()
    return survives(mine.recv)


def pipe_in_the_middle():
    """Killed half-way through a message."""
    mine, its = FORK.Pipe()

    def hold(here):
        mine.close()
        here()
        its.send_bytes(b"x" * (1 << 20))
    killed(hold)
    its.close()
    return survives(lambda: len(mine.recv_bytes()))


def thread_lock():
    """The nearest thing to a death that a thread has: it ends with the lock."""
    shared = threading.Lock()
    thread = threading.Thread(target=shared.acquire)
    thread.start()
    thread.join()
    return survives(shared.acquire)


def main():
    cases = {
        "Lock, owner killed: acquire": lock,
        "RLock, owner killed: acquire": rlock,
        "BoundedSemaphore, holder killed: acquire": semaphore,
        "Condition, waiter killed: notify": condition,
        "Event, waiter killed: set": event,
        "Queue, waiting getter killed: put, get": queue_getter,
        "Queue, putter killed in a record: get": queue_putter,
        "Pipe, peer killed: recv": pipe,
        "Pipe, other ends closed, peer killed: recv": closed_pipe,
        "Pipe, peer killed in a message: recv": pipe_in_the_middle,
        "threading.Lock, thread ended with it: acquire": thread_lock,
    }
    print("Python", platform.python_version())
    for name, case in cases.items():
        print(f"{name:<48} {case()}", flush=True)


if __name__ == "__main__":
    main()
