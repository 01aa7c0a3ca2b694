"""Clients and jobs: many at once, threads, asyncio, time-outs, Ctrl-C, fork, the end."""

import asyncio
import gc
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
import unittest

import numpy as np

import tally
from daemon_case import DaemonCase
from tally_daemon import TallyDaemon, wait_until

ENDLESS = range(2**62)  # years
LARGE = np.arange(2_000_000.0)
PATIENCE_S = 30


def sum_of(count):
    return count * (count - 1) // 2


class ClientCase(DaemonCase):
    def setUp(self):
        self.client = tally.connect(self.daemon.socket)
        self.addCleanup(self.client.close)

    def running_jobs(self):
        return sum(job["state"] in ("queued", "running")
                   for job in self.daemon.json("jobs")["jobs"])

    def assert_idle(self):
        wait_until(lambda: self.running_jobs() == 0, "no job runs")


class JobTest(ClientCase):
    def test_many_are_in_flight_and_taken_in_any_order(self):
        jobs = [self.client.submit("sum", range(i)) for i in range(500)]
        for i in reversed(range(500)):
            self.assertEqual(jobs[i].result().value, sum_of(i))
        self.assertTrue(jobs[0].done())

    def test_a_submitted_array_may_be_changed_at_once(self):
        for count in (10, 300_000):
            data = np.ones(count)
            job = self.client.submit("sum", data)
            data[:] = 7
            self.assertEqual(job.result().value, count)

    def test_a_wait_may_end_before_the_job(self):
        job = self.client.submit("sum", ENDLESS)
        self.assertFalse(job.wait(0.01))
        self.assertFalse(job.done())
        with self.assertRaises(TimeoutError) as caught:
            job.result(0.01)
        self.assertEqual(caught.exception.code, "timeout")
        job.cancel()
        with self.assertRaises(tally.Cancelled):
            job.result(PATIENCE_S)
        job.cancel()  # nothing any more
        self.assert_idle()

    def test_done_sees_the_answer_without_a_wait(self):
        job = self.client.submit("sum", range(10))
        wait_until(job.done, "the job is done")
        self.assertEqual(job.result(0).value, 45)

    def test_a_job_that_nobody_asks_for_ends_as_well(self):
        self.client.submit("sum", range(10))
        gc.collect()
        self.client.ping()
        self.assertEqual(self.client.run("sum", range(3)).value, 3)

    def test_the_time_of_a_job_is_limited(self):
        with self.assertRaises(tally.DeadlineExceeded) as caught:
            self.client.run("sum", ENDLESS, timeout=0.05)
        self.assertIsInstance(caught.exception, TimeoutError)
        self.assertEqual(caught.exception.answer.json["state"], "expired")
        self.assert_idle()

    def test_limits_and_kernels_are_handed_on(self):
        answer = self.client.run("sum", range(10), limits={"nas": 2})
        self.assertEqual(answer.value, 45)
        with self.assertRaises(tally.NotFound):
            self.client.run("sum", range(10), kernels="/nonexistent.so")


class ProgressTest(ClientCase):
    def test_it_is_told_while_the_job_runs(self):
        heard = []

        def hear(at):
            heard.append(at)
            if len(heard) == 2:
                job.cancel()  # the client may be used from here

        job = self.client.submit("sum", ENDLESS, progress=hear)
        with self.assertRaises(tally.Cancelled):
            job.result(PATIENCE_S)
        self.assertEqual(heard[0].unit, "elements")
        self.assertEqual(heard[0].total, 2**62)
        self.assertLess(heard[0].done, heard[1].done)
        self.assertEqual(job.progress, heard[-1])

    def test_what_it_raises_ends_the_run(self):
        def fail(at):
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            self.client.run("sum", ENDLESS, progress=fail)
        self.assert_idle()

    def test_a_line_on_stderr(self):
        done = python("""
            try:
                client.run("sum", range(2**62), timeout=1.5, progress=True)
            except tally.DeadlineExceeded:
                print("expired")
            """, self.daemon)
        self.assertEqual(done.stdout, "expired\n", done)
        self.assertIn(f"% of {2**62:,} elements", done.stderr)


class ThreadTest(ClientCase):
    def test_threads_share_a_client(self):
        wrong = []

        def work(seed):
            for i in range(40):
                count = seed * 100 + i
                if self.client.run("sum", range(count)).value != sum_of(count):
                    wrong.append(count)
                if i % 10 == 0 and self.client.run("max", LARGE).value != LARGE[-1]:
                    wrong.append("large")

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
            self.assertFalse(thread.is_alive())
        self.assertEqual(wrong, [])

    def test_other_threads_run_while_one_waits(self):
        job = self.client.submit("sum", ENDLESS)
        waiting = threading.Thread(target=job.wait)
        waiting.start()
        begin, turns = time.monotonic(), 0
        while time.monotonic() - begin < 0.1:
            turns += 1
        self.assertGreater(turns, 1000)
        job.cancel()
        waiting.join(PATIENCE_S)
        self.assertFalse(waiting.is_alive())

    def test_whoever_polls_is_woken_when_another_thread_takes_an_answer(self):
        # Nobody polls: else it might see the answer before it is taken from it.
        job = self.client.submit("sum", ENDLESS)
        self.client._poller = "another thread"
        job.cancel()
        wait_until(job.done, "the answer is taken")
        woken, _, _ = select.select([self.client._wake.fd], [], [], 0)
        self.client._poller = None
        self.assertTrue(woken)
        self.assertEqual(self.client.run("sum", range(3)).value, 3)

    def test_closing_ends_another_thread_s_wait(self):
        job = self.client.submit("sum", ENDLESS)
        ended = []

        def wait():
            try:
                job.result()
            except tally.Error as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: self.client._poller, "the thread polls")
        self.client.close()
        waiting.join(PATIENCE_S)
        self.assertFalse(waiting.is_alive())
        self.assertEqual((type(ended[0]), ended[0].code), (tally.Cancelled, "closed"))
        with self.assertRaises(tally.InvalidArgument) as caught:
            self.client.run("sum", [1])
        self.assertEqual(caught.exception.code, "closed")
        self.assert_idle()


class AsyncTest(ClientCase):
    def test_a_loop_waits_for_many(self):
        async def main():
            answers = await asyncio.gather(*(self.client.run_async("sum", range(i))
                                             for i in range(200)))
            return [answer.value for answer in answers]

        self.assertEqual(asyncio.run(main()), [sum_of(i) for i in range(200)])
        self.assertEqual(self.client._loops, {})

    def test_a_cancelled_task_cancels_its_job(self):
        async def main():
            started = asyncio.Event()
            task = asyncio.create_task(self.client.run_async(
                "sum", ENDLESS, progress=lambda at: started.set()))
            await asyncio.wait_for(started.wait(), PATIENCE_S)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        self.assert_idle()

    def test_a_loop_hears_of_a_lost_connection(self):
        async def main(daemon, client):
            task = asyncio.create_task(client.run_async("sum", ENDLESS))
            await asyncio.sleep(0)
            daemon.kill()
            with self.assertRaises(ConnectionError):
                await asyncio.wait_for(task, PATIENCE_S)

        with TallyDaemon(workers=1) as daemon, tally.connect(daemon.socket) as client:
            asyncio.run(main(daemon, client))
            self.assertTrue(client.closed)


class InterruptTest(ClientCase):
    def test_ctrl_c_cancels_a_run(self):
        with self.assertRaises(KeyboardInterrupt):
            self.client.run("sum", ENDLESS,
                            progress=lambda at: os.kill(os.getpid(), signal.SIGINT))
        self.assert_idle()
        self.assertEqual(self.client.run("sum", range(10)).value, 45)

    def test_ctrl_c_leaves_a_job_that_is_waited_for(self):
        job = self.client.submit("sum", ENDLESS, progress=lambda at: os.kill(
            os.getpid(), signal.SIGINT))
        with self.assertRaises(KeyboardInterrupt):
            job.wait()
        self.assertFalse(job.done())
        self.assertEqual(self.running_jobs(), 1)

    def test_ctrl_c_needs_no_answer_of_the_daemon(self):
        for data in (ENDLESS, LARGE):
            with TallyDaemon(workers=1) as daemon:
                client = tally.connect(daemon.socket)
                self.addCleanup(client.close)
                daemon.process.send_signal(signal.SIGSTOP)
                before = descriptors()
                timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
                timer.start()
                begin = time.monotonic()
                try:
                    with self.assertRaises(KeyboardInterrupt):
                        client.run("sum", data)
                    self.assertLess(time.monotonic() - begin, 10)
                    self.assertEqual(descriptors(), before)
                finally:
                    daemon.process.send_signal(signal.SIGCONT)


class LostTest(unittest.TestCase):
    def test_a_killed_daemon_ends_every_job(self):
        for data in (ENDLESS, np.zeros(2**25)):
            with TallyDaemon(workers=1) as daemon, tally.connect(daemon.socket) as client:
                first = client.submit("sum", ENDLESS,
                                      progress=lambda at: daemon.kill())
                with self.assertRaises(tally.Unavailable):
                    first.result(PATIENCE_S)
                with self.assertRaises((tally.Unavailable, tally.InvalidArgument)) \
                        as caught:
                    client.run("sum", data)
                self.assertIsInstance(caught.exception, ConnectionError)
                self.assertTrue(client.closed)

    def test_a_daemon_killed_in_the_middle_of_an_array(self):
        daemon_died = threading.Event()
        with TallyDaemon(workers=1) as daemon, tally.connect(daemon.socket) as client:
            def kill():
                wait_until(lambda: client._poller, "the run waits")
                daemon.kill()
                daemon_died.set()

            daemon.process.send_signal(signal.SIGSTOP)  # so that it is in the middle
            threading.Thread(target=kill).start()
            with self.assertRaises(tally.Unavailable):
                client.run("sum", LARGE)
            self.assertTrue(daemon_died.wait(PATIENCE_S))


class ForkTest(ClientCase):
    def test_in_a_child_the_client_refuses_and_disturbs_nobody(self):
        job = self.client.submit("sum", ENDLESS)
        said = in_child(lambda: self.client.run("sum", [1]))
        self.assertEqual(said, "InvalidArgument forked")
        self.assertEqual(in_child(lambda: job.wait(0.1)), "InvalidArgument forked")
        self.assertEqual(in_child(self.client.close), "None")
        self.assertFalse(job.wait(0.01))
        job.cancel()
        self.assertEqual(self.client.run("sum", range(3)).value, 3)

    def test_a_child_connects_for_itself(self):
        def work():
            with tally.connect(self.daemon.socket) as client:
                return client.run("sum", range(10)).value

        self.assertEqual(in_child(work), "45")

    def test_a_fork_beside_a_thread_that_waits(self):
        job = self.client.submit("sum", ENDLESS)
        waiting = threading.Thread(target=job.wait)
        waiting.start()
        wait_until(lambda: self.client._poller, "the thread polls")
        self.assertEqual(in_child(lambda: self.client.run("sum", [1])),
                         "InvalidArgument forked")
        self.assertEqual(in_child(self.client.close), "None")
        job.cancel()
        waiting.join(PATIENCE_S)
        self.assertFalse(waiting.is_alive())


class EndTest(ClientCase):
    def test_descriptors_are_given_back(self):
        self.client.run("sum", LARGE)
        before = descriptors()
        for _ in range(5):
            self.client.run("sum,argmax", LARGE)
            self.client.run("sum", LARGE, path="process")
            self.client.submit("sum", LARGE).result()
            with tally.connect(self.daemon.socket) as other:
                other.run("sum", [1])
            with self.assertRaises(tally.Error):
                self.client.run("nosuch", LARGE)
        gc.collect()
        self.assertEqual(descriptors(), before)

    def test_a_program_ends_with_jobs_in_flight(self):
        done = python("""
            import threading
            jobs = [client.submit("sum", range(2**62)) for _ in range(3)]
            threading.Thread(target=jobs[0].wait, daemon=True).start()
            print(tally.sum(range(5)))
            """, self.daemon)
        self.assertEqual((done.returncode, done.stdout), (0, "10\n"), done)
        self.assert_idle()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def in_child(call):
    """What `call` gives in a forked child, or the error it raises, as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = str(call())
        except tally.Error as error:
            said = f"{type(error).__name__} {error.code}"
        except BaseException as error:
            said = repr(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def python(source, daemon):
    """A program with a `client` of the daemon's."""
    program = "import tally\nclient = tally.connect()\n" + textwrap.dedent(source)
    env = {**os.environ, "TALLY_SOCKET": str(daemon.socket)}
    return subprocess.run([sys.executable, "-c", program], env=env, text=True,
                          capture_output=True, timeout=PATIENCE_S)


if __name__ == "__main__":
    unittest.main()
