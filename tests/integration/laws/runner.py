"""Runs a case, and says whether what came is what must come, to the bit."""

import contextlib
import functools
import json
import pathlib
import random
import struct
import subprocess
import tempfile

import wire
from exact import value_of
from jobs import Job
from product import Configuration
from tally_daemon import PATIENCE_S, TallyDaemon, program

PATHS = {"thread": 2, "process": 3}
FAILED = 5
REDUCED_AGAIN = 3  # times, so that workers keep the array mapped
WORKERS = 8


class Runner(contextlib.ExitStack):
    """Has a daemon for each level of instructions and each fault, once it is needed."""

    def __init__(self):
        super().__init__()
        self._daemons = {}
        self._folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
        self._jobs = self.enter_context(contextlib.ExitStack())
        self._number = None  # of the job at hand: (job, what must come of it)
        self._job = None
        self.again = 0  # chunks that had to be done again, as workers were killed

    def check(self, case):
        """Raises AssertionError, which names the case and how to run it again."""
        job, want = self._job_of(case)
        try:
            for answer in self._answers(job, case):
                got = _outcome(answer, job)
                assert got == want, _difference(job, got, want)
                assert answer["path"] == case.configuration.path, answer["path"]
                self.again += answer["retries"]
        except AssertionError as why:
            raise AssertionError(
                f"seed {case.number} (./dev prove --seed {case.number}, or TALLY_SEED="
                f"{case.number} of the law test):\n  {case}\n  {job.reducers}, parts of "
                f"{list(map(len, job.parts))} elements\n  {why}") from why

    def _job_of(self, case):
        if case.job != self._number:
            self._jobs.close()
            self._number = case.job
            job = Job(random.Random(case.job), case, self._folder, self._knows)
            self._jobs.callback(job.close)
            self._job = (job, job.expected())
        return self._job

    @functools.cache
    def _knows(self, reducer):
        daemon = self._daemon(Configuration("inline", ""))
        answer = json.loads(daemon.tally("run", reducer, "--values", "1", "--json").stdout)
        return answer.get("error", {}).get("code") != "unknown_reducer"

    def _daemon(self, of):
        key = (of.level, of.fault)
        if of.path != "process":  # faults are of worker processes: any will do
            key = next((one for one in self._daemons if one[0] == of.level), key)
        if key not in self._daemons:
            self._daemons[key] = self.enter_context(TallyDaemon(
                workers=WORKERS, fault=of.fault, env={"TALLY_SIMD": of.level}))
        return self._daemons[key]

    def _answers(self, job, case):
        daemon = self._daemon(case.configuration)
        if not job.memory:
            return [_by_program(daemon, job, case.configuration)]
        with wire.Session(daemon.socket) as session:
            times = REDUCED_AGAIN if "kept" in case.source else 1
            return [_by_wire(session, job, case.configuration) for _ in range(times)]


def _by_program(daemon, job, how):
    words = ["run", job.names(), *job.words, "--json"]
    if how.path != "inline" and "-" not in words:
        words += ["--path", how.path]
    if how.workers:
        words += ["--workers", how.workers]
    if how.chunk:
        words += ["--chunk", how.chunk]
    done = subprocess.run([program("TALLY_BIN"), *map(str, words)], env=daemon.env,
                          input=job.stdin, capture_output=True, timeout=PATIENCE_S)
    answer = json.loads(done.stdout) if done.stdout else {}
    assert "path" in answer, f"no answer, exit code {done.returncode}: {done.stderr[:2000]!r}"
    failed = "error" in answer or any("error" in one for one in answer["results"])
    assert done.returncode == int(failed), done
    return answer


# --- answers off the wire, in the form of the program's --------------------------------


def _by_wire(session, job, how):
    descriptors, source = job.memory
    spec = f"{job.spec()}, path = {PATHS[how.path]}, workers = {how.workers}"
    answer = session.result(
        f"(submit = (spec = ({spec}, chunkSize = {how.chunk}, source = ({source})), "
        f"replyWhen = 0))", fds=descriptors)
    plain = {"results": [_plain_result(one) for one in answer["results"]],
             "elements": {name: int(n) for name, n in answer["elements"].items()},
             "path": next(name for name, n in PATHS.items() if n == answer["path"]),
             "retries": int(answer["retries"])}
    if answer["state"] == FAILED:
        plain["error"] = answer["error"] | {field["name"]: int(field["number"])
                                            for field in answer["error"]["fields"]}
    return plain


def _plain_result(result):
    if "error" in result:
        return {"error": result["error"]}
    (kind, value), = result["value"].items()
    if kind == "integer":
        return {"type": "int", "value": wire.integer(result["value"])}
    if kind == "index":
        return {"type": "index", "value": {"index": int(value["index"])}}
    if kind == "histogram":
        edges = [struct.unpack("<d", struct.pack("<Q", int(edge)))[0]
                 for edge in value["edgeBits"]]
        return {"type": "histogram",
                "value": {"edges": edges, "counts": list(map(int, value["counts"])),
                          **{name: int(value[name])
                             for name in ("underflow", "overflow", "nan")}}}
    digits = {"f64Bits": 16, "f32Bits": 8}[kind]
    return {"type": kind[:3], "bits": f"0x{int(value):0{digits}x}"}


# --- comparing ----------------------------------------------------------------------


def _outcome(answer, job):
    if "error" in answer:
        error = answer["error"]
        where = None
        if error["code"] == "nan_found":
            where = (_file(error.get("file"), job), error["index"])
        return ("failed", error["code"], where)
    values = []
    for result in answer["results"]:
        value = value_of(result)
        if value[0] == "index":
            value = ("index", (_file(result["value"].get("file"), job), value[1]))
        values.append(value)
    return values, answer["elements"]


def _file(name, job):
    return list(map(str, job.files)).index(name) if job.files else 0


def _difference(job, got, want):
    """What is not alike, shortened: histograms are long."""
    if "failed" not in (got[0], want[0]):
        for name, value, other in zip(job.reducers, got[0], want[0]):
            if value != other:
                return f"{name}: {value!r:.500} is not {other!r:.500}"
    return f"{got!r:.1000} is not {want!r:.1000}"
