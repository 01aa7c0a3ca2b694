#!/usr/bin/env python3
"""--limit: never more chunks at once than it says, and what a dead worker held is back."""

import json
import pathlib
import unittest

import inputs
from jobs import CHUNK, CHUNKS, range_job, range_sum, value_of
from processes import Watched, slow_pread
from tally_daemon import TallyDaemon, wait_until


def most_at_once(trace):
    """Of the chunks in a trace of --trace: how many overlapped at most."""
    events = json.loads(pathlib.Path(trace).read_text(encoding="ascii"))["traceEvents"]
    steps = []
    for event in events:
        if event.get("cat") == "chunk":
            steps += [(event["ts"], 1), (event["ts"] + event["dur"], -1)]
    most = now = 0
    for _, step in sorted(steps):  # an end before a beginning at the same time
        now += step
        most = max(most, now)
    return most


class LimitsTest(unittest.TestCase):
    def test_a_job_of_slow_input_never_has_more_chunks_in_hand(self):
        chunks = 16
        values = list(range(chunks * 65536))
        with TallyDaemon(workers=4, env=slow_pread()) as daemon:
            data = daemon.folder / "slow.npy"
            data.write_bytes(inputs.npy(values, "i64"))
            trace = daemon.folder / "trace.json"
            for path in "thread", "process":
                for limit, most in (("nas=2", 2), ("nas=3,db=1", 1), ("nas=9", 4)):
                    with self.subTest(path=path, limit=limit):
                        answer = daemon.json(
                            "run", "sum", data, "--chunk", 65536, "--path", path,
                            "--workers", 4, "--limit", limit, "--trace", trace)
                        self.assertEqual(answer["chunks"], chunks)
                        self.assertEqual(value_of(answer), str(sum(values)))
                        self.assertEqual(most_at_once(trace), most)

    def test_what_a_killed_worker_held_comes_back_to_all_lanes(self):
        with TallyDaemon(workers=4, fault="update:hang:chunk=3:attempt=1") as daemon:
            job = daemon.start_tally(*range_job(), "--json", "--limit", "nas=1")
            held = held_worker_with_limit(daemon)
            self.assertEqual(daemon.status()["tokens"],
                             [{"name": "nas", "in_use": 1, "waiting": 1}])
            small = ["run", "sum", "--range", "0:1000", "--json", "--limit", "nas=1"]
            others = [daemon.start_tally(*small, "--path", path)
                      for path in ("thread", "process")]
            wait_until(lambda: daemon.status()["tokens"][0]["waiting"] == 3,
                       "two more jobs wait")
            self.assertIn("nas", daemon.tally("status").stdout)
            # Who does not name it does not notice.
            self.assertEqual(value_of(daemon.json(*range_job(2))), range_sum(2))
            Watched(held["pid"]).kill()
            for other in others:
                out, err = other.communicate(timeout=30)
                self.assertEqual(other.returncode, 0, err)
                self.assertEqual(value_of(json.loads(out)), "499500")
            out, err = job.communicate(timeout=30)
            self.assertEqual(job.returncode, 0, err)
            answer = json.loads(out)
            self.assertEqual((value_of(answer), answer["retries"]), (range_sum(), 1))
            self.assertEqual(daemon.status()["tokens"], [])

    def test_a_cancelled_job_gives_them_back(self):
        with TallyDaemon(workers=2) as daemon:
            job = daemon.start_tally("run", "sum", "--range", "0:60e9", "--path",
                                     "process", "--limit", "nas=1")
            wait_until(lambda: daemon.status()["tokens"], "the job holds its token")
            (running,) = [j for j in daemon.json("jobs")["jobs"]
                          if j["state"] == "running"]
            daemon.json("cancel", running["job"])
            answer = daemon.json("run", "sum", "--range", f"0:{CHUNK}", "--limit",
                                 "nas=1")
            self.assertEqual(value_of(answer), range_sum(1))
            job.communicate(timeout=30)
            self.assertEqual(job.returncode, 6)

    def test_a_tiny_job_that_names_one_is_not_inline(self):
        with TallyDaemon() as daemon:
            words = "run", "sum", "--values", "1,2,3"
            self.assertEqual(daemon.json(*words)["path"], "inline")
            self.assertIn(daemon.json(*words, "--limit", "nas=1")["path"],
                          ("thread", "process"))


def held_worker_with_limit(daemon):
    """As held_worker(), of a job whose other chunks wait for the token."""
    def held():
        status = daemon.status()
        busy = [w for w in status["workers"] if w["state"] == "busy"]
        waiting = status["queue"]["chunks_waiting"]
        return busy[0] if len(busy) == 1 and waiting == CHUNKS - 4 else None
    return wait_until(held, "one worker is held in a chunk")


if __name__ == "__main__":
    unittest.main()
