# %% [markdown]
# # The sum of 0 … 499,999,999, three ways
#
# A notebook once compared three ways to add up half a billion numbers in Python: one
# thread, two threads, two processes. It found 13.96 s, 14.7 s and **0.08 s**, and
# concluded that processes are 180 times faster. This is that notebook again, with every
# answer checked and every unit right, beside the same three ways in tally.
#
# It runs on Linux with Python 3.10 or later and needs tally, but no daemon. The numbers
# that it adds are fewer if the environment says so: `TALLY_EXAMPLE_N=1000000`.

# %%
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import tally

N = int(os.environ.get("TALLY_EXAMPLE_N", 500_000_000))
EXPECTED = N * (N - 1) // 2  # what the loops have to give

# %% [markdown]
# Forked processes have this notebook's functions; those that are spawned (the default on
# macOS and Windows, and on Linux from Python 3.14 on something like it) have not.

# %%
fork = multiprocessing.get_context("fork")


def resident_mib():
    """Of this process, now: MiB, which is 2**20 bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024  # the kernel's kB are KiB
    raise LookupError("VmRSS")


def children_peak_mib():
    """The largest that any child has been: MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


seconds = {}


def timed(way, add):
    """Runs it, and checks what it gives."""
    start = time.perf_counter()
    total = add()
    seconds[way] = time.perf_counter() - start
    verdict = "right" if total == EXPECTED else f"WRONG, {EXPECTED} expected"
    print(f"{way}: {seconds[way]:.2f} s, total {total} ({verdict}); "
          f"this process {resident_mib():.0f} MiB")
    return total


# %% [markdown]
# ## In Python
#
# The loop is the original's. A list has `append`, and threads share it.

# %%
def work(start, end, result):
    total = 0
    for i in range(start, end):
        total += i
    result.append(total)


def with_threads(count):
    result = []
    threads = [Thread(target=work, args=(N * i // count, N * (i + 1) // count, result))
               for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(result)


# %% [markdown]
# ### One thread

# %%
assert timed("Python, one thread", lambda: with_threads(1)) == EXPECTED

# %% [markdown]
# ### Two threads
#
# Only one of them runs at a time: the interpreter lock is held by whoever executes Python.

# %%
assert timed("Python, two threads", lambda: with_threads(2)) == EXPECTED

# %% [markdown]
# ### Two processes, as they were written
#
# The original handed the same `work` a `multiprocessing.Queue`. A queue has `put` and
# `get`, and no `append`: each child adds up its half and then fails. Here their tracebacks
# are left out; the exit codes tell.

# %%
def quietly(target, *args):
    sys.stderr = open(os.devnull, "w")  # in the child
    target(*args)


def processes_as_written():
    result = fork.Queue()
    processes = [fork.Process(target=quietly, args=(work, N * i // 2, N * (i + 1) // 2,
                                                    result)) for i in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    result.put("STOP")
    total = 0
    while (part := result.get()) != "STOP":
        total += part
    print("exit codes:", *(process.exitcode for process in processes))
    return total


assert timed("Python, two processes as written", processes_as_written) == 0

# %% [markdown]
# ### The same where processes are spawned
#
# A spawned child imports the program anew and looks for `work` in it. A notebook is no
# program that can be imported, so the child ends before it has added anything.

# %%
SPAWNED = f"""
import multiprocessing, time
multiprocessing.set_start_method("spawn")
def work(start, end, result):
    total = 0
    for i in range(start, end):
        total += i
    result.append(total)
start = time.perf_counter()
result = multiprocessing.Queue()
processes = [multiprocessing.Process(target=work, args=({N} * i // 2, {N} * (i + 1) // 2,
                                                        result)) for i in range(2)]
for process in processes:
    process.start()
for process in processes:
    process.join()
result.put("STOP")
total = 0
while (part := result.get()) != "STOP":
    total += part
print(f"finished in {{time.perf_counter() - start:.2f}} s, total {{total}}, exit codes",
      *(process.exitcode for process in processes))
"""
done = subprocess.run([sys.executable], input=SPAWNED, text=True, capture_output=True)
print(done.stdout, end="")
assert "total 0, exit codes 1 1" in done.stdout

# %% [markdown]
# ### What most likely went wrong in the original
#
# The cell cannot have worked. `work` calls `append` on a `Queue`, which has none, so no
# child could hand a result back; the total, which would have been 0, was never printed,
# and nothing was compared with anything. The 0.08 s say more: forked children would have
# looped for seconds before they failed, as above. Most likely the children were spawned,
# on macOS or Windows, could not find `work` in a notebook, and died at once. The parent
# joins a process that failed just as it joins one that succeeded, and went on. So what was
# measured is how fast two processes can start and fail. The memory figures have the same
# fault twice over: they were MiB under the name KB (63.8 "KB" for a Python interpreter),
# and only the parent's, where the children hold what the work needs.

# %% [markdown]
# ### Two processes, repaired
#
# With `put`, and with the results taken before the processes are joined.

# %%
def work_and_put(start, end, result):
    total = 0
    for i in range(start, end):
        total += i
    result.put(total)


def processes_repaired():
    result = fork.Queue()
    processes = [fork.Process(target=work_and_put, args=(N * i // 2, N * (i + 1) // 2,
                                                         result)) for i in range(2)]
    for process in processes:
        process.start()
    total = sum(result.get() for _ in processes)
    for process in processes:
        process.join()
    return total


assert timed("Python, two processes", processes_repaired) == EXPECTED
print(f"the largest child: {children_peak_mib():.0f} MiB")

# %% [markdown]
# On two idle cores that is twice as fast, not 180 times. But `result.get()` waits for ever if a child
# dies before it puts: the repaired cell trades a silent zero for a silent hang.

# %% [markdown]
# ## In tally
#
# The same three ways. Every element is visited here as well: there is no closed form
# behind it. `tally.embedded()` runs the whole runtime inside this process;
# `tally.connect()` would use a daemon. An answer carries its own account: which path ran,
# where the time went, what was in memory, in named units.

# %%
client = tally.embedded(workers=2)
client.run("sum", range(1_000_000), path="process")  # its workers are up now
answers = []


def with_tally(way, **options):
    def add():
        answers.append(client.run("sum", range(N), **options))
        return answers[-1].value

    assert timed(way, add) == EXPECTED
    answer = answers[-1]
    peak = answer.memory["peak_rss_bytes"]
    print(f"  {answer.path} path, {answer.json['workers']} at work, "
          f"{answer.json['chunks']} chunks, {answer.elements['seen']} elements seen")
    print(f"  run {answer.time['run_ns'] / 1e6:.1f} ms of {answer.time['total_ns'] / 1e6:.1f}"
          f" ms in all, CPU {answer.time['cpu_user_ns'] / 1e6:.1f} ms")
    print("  a worker at most: " + (f"{peak / 2**20:.1f} MiB" if peak else
                                    "not measured on this path"))


# %%
with_tally("tally, one thread", path="thread", workers=1)

# %%
with_tally("tally, two threads", path="thread", workers=2)

# %%
with_tally("tally, two processes", path="process", workers=2)

# %% [markdown]
# In tally there is no interpreter lock: two threads are as fast as two processes. What a
# process buys is isolation, and what happens when one dies is what the original notebook
# could not tell. Here it is no silence. Killing a worker costs one attempt at one chunk:

# %%
LONG = 20_000_000_000  # about a second's work

victim = answers[-1].json["worker_usage"][0]["pid"]
job = client.submit("sum", range(LONG), path="process")
time.sleep(0.1)
os.kill(victim, signal.SIGKILL)
answer = job.result()
assert answer.value == LONG * (LONG - 1) // 2
print(f"worker {victim} was killed; total {answer.value} is right, "
      f"{answer.json['retries']} retry")

# %% [markdown]
# ## All of them

# %%
client.close()
for way, taken in seconds.items():
    print(f"{way:34} {taken:9.3f} s")
