"""What the fault tests run: a range job of 8 chunks, and how to find it in mid-job."""

from tally_daemon import wait_until

CHUNK = 1 << 20
CHUNKS = 8


def range_job(chunks=CHUNKS, *options):
    """`tally` words of a sum over `chunks` chunks on the process path."""
    return ("run", "sum", "--range", f"0:{chunks * CHUNK}", "--chunk", CHUNK,
            "--path", "process", *options)


def range_sum(chunks=CHUNKS):
    n = chunks * CHUNK
    return str(n * (n - 1) // 2)


def value_of(answer):
    (result,) = answer["results"]
    return result["value"]


def held_worker(daemon):
    """Waits until one worker alone is busy and nothing waits: it hangs in its chunk."""
    def held():
        status = daemon.status()
        busy = [w for w in status["workers"] if w["state"] == "busy"]
        others = [w for w in status["workers"] if w["state"] == "idle"]
        waiting = status["queue"]["chunks_waiting"]
        return busy[0] if len(busy) == 1 and others and waiting == 0 else None
    return wait_until(held, "one worker is held in a chunk")


def pids(workers):
    return {worker["pid"] for worker in workers}
