#!/usr/bin/env python3
"""Checks who includes whom: includes.py ROOT. Exit code 1 and a line for each breach.

A file belongs to the room with the longest matching folder. A room names the folders
of ours and the foreign libraries that its files may include; what links to what (CMake)
enforces the rest. ARCHITECTURE.md has the picture.
"""

import pathlib
import re
import sys
import tempfile

BASE, MODEL = "ipc/base", "ipc/model"
LOW = ["runtime/account", "runtime/kernel", "runtime/plan", "runtime/reduce",
       "runtime/source"]
MIDDLE = ["runtime/exec", "runtime/merge"]

# room: (folders or files of ours besides the room itself, foreign libraries)
ROOMS = {
    "ipc/base": ([], []),
    "ipc/model": ([BASE], []),
    "ipc": ([], ["asio", "capnp"]),
    # The C header is its second face, for kernels.
    "ipc/sync": ([BASE, "client/include/tally/tally_sync.h"], []),
    "config": ([BASE], ["toml++"]),
    # Pure: kernels, plans and the scheduler know neither sockets nor messages.
    "runtime/reduce": ([BASE, MODEL], ["hwy"]),
    "runtime/source": ([BASE, MODEL, "runtime/reduce"], ["hwy", "fast_float"]),
    # Runs what users bring; of the ABI it knows the one header.
    "runtime/kernel": ([BASE, MODEL, "runtime/reduce", "runtime/source",
                        "runtime/exec/chunk_page.h",
                        "client/include/tally/tally_kernel.h"], ["hwy"]),
    "runtime/plan": ([BASE, MODEL, "runtime/reduce", "runtime/source"], ["hwy"]),
    "runtime/merge": ([BASE, MODEL] + LOW, ["hwy"]),
    "runtime/sched": ([BASE, MODEL, "config/config.h"] + LOW + MIDDLE, []),
    "runtime/account": ([BASE, MODEL], []),
    # The two paths meet at exec/path.h and never include each other.
    "runtime/exec": (["ipc", "config/config.h", "runtime/merge"] + LOW,
                     ["asio", "capnp", "spdlog"]),
    "runtime/exec/thread": (["ipc", "config/config.h", "runtime/exec/*", "runtime/merge"]
                            + LOW, ["asio", "capnp", "spdlog"]),
    "runtime/exec/process": (["ipc", "config/config.h", "runtime/exec/*",
                              "runtime/merge"] + LOW, ["asio", "capnp", "spdlog"]),
    "runtime": (["ipc", "config/config.h"], ["asio", "capnp", "spdlog"]),
    "daemon": (["ipc", "config", "runtime"], ["asio", "capnp", "spdlog", "CLI"]),
    "client/include": ([], []),
    "client/examples": (["client/include"], ["asio"]),
    "client": (["ipc"], ["asio", "capnp"]),
    "client/check": ([BASE, MODEL, "ipc/sync", "client/include",
                      "runtime/exec/chunk_page.h", "runtime/kernel",
                      "runtime/source"], []),
    # The daemon's own core, inside other programs and inside the CLI.
    "client/embed": (["client", "daemon", "ipc", "config"], ["asio", "capnp"]),
    "client/cli": (["client", "daemon", "ipc", "config", "runtime/reduce/reducers.h",
                    "runtime/source"],
                   ["asio", "capnp", "spdlog", "CLI"]),
}
FOREIGN = {"asio.hpp": "asio", "asio": "asio", "capnp": "capnp", "kj": "capnp",
           "toml++": "toml++", "spdlog": "spdlog", "fmt": "spdlog", "hwy": "hwy",
           "CLI": "CLI", "fast_float": "fast_float"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def inside(path, folder):
    if folder.endswith("/*"):  # the files of a folder, not its subfolders
        return path.rpartition("/")[0] == folder[:-2]
    return path == folder or path.startswith(folder + "/")


def room_of(path):
    return max((r for r in ROOMS if inside(path, r)), key=len, default=None)


def breach(root, path, mark, included):
    """Why `path` may not include `included`, or None."""
    room = room_of(path)
    ours, foreign = ROOMS[room]
    library = FOREIGN.get(included.split("/")[0])
    if library:
        return None if library in foreign else f"{room} may not use {library}"
    target = "client/include/" + included if included.startswith("tally/") else included
    if room_of(target) is None:  # a system header, or not named from the root
        return None if mark == "<" else "is neither named from the root nor known"
    source = target.removesuffix(".h") if target.endswith(".capnp.h") else target
    if not (root / source).is_file():
        return "does not exist"
    if room_of(target) == room or any(inside(target, folder) for folder in ours):
        return None
    # A room's own subrooms are its own, except where they are named apart on purpose.
    if inside(target, room) and not room.startswith("runtime/exec"):
        return None
    return f"{room} may not include {room_of(target)}"


def breaches(root):
    files = sorted(f for room in sorted({r.split("/")[0] for r in ROOMS})
                   for f in (root / room).rglob("*") if f.suffix in (".h", ".cc", ".c",
                                                                    ".hpp", ".inc"))
    found = []
    for file in files:
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            why = breach(root, path, *match.groups())
            if why:
                line = text.count("\n", 0, match.start(2)) + 1
                found.append(f"{path}:{line}: {match.group(2)}: {why}")
    return files, found


# What must be allowed (None) and refused: a checker that finds nothing proves nothing.
SAMPLES = [
    ("config/load.cc", '"ipc/base/result.h"', None),
    ("config/load.cc", "<toml++/toml.h>", None),
    ("config/load.cc", "<vector>", None),
    ("config/load.cc", '"ipc/frame.h"', "config may not include ipc"),
    ("config/load.cc", "<asio.hpp>", "config may not use asio"),
    ("ipc/frame.h", '"runtime/engine.h"', "ipc may not include runtime"),
    ("ipc/frame.h", '"frame.h"', "is neither named from the root nor known"),
    ("ipc/frame.h", '"ipc/gone.h"', "does not exist"),
    ("ipc/sync/lock.h", '"ipc/base/result.h"', None),
    ("ipc/sync/lock.h", '"ipc/frame.h"', "ipc/sync may not include ipc"),
    ("ipc/sync/lock.h", '"tally/tally_sync.h"', None),
    ("ipc/sync/lock.h", '"tally/tally.h"', "ipc/sync may not include client/include"),
    ("runtime/engine.h", '"runtime/exec/thread/pool.h"', None),
    ("runtime/engine.h", '"daemon/session.h"', "runtime may not include daemon"),
    ("runtime/exec/thread/pool.h", '"runtime/exec/path.h"', None),
    ("runtime/exec/thread/pool.h", '"runtime/exec/process/pool.h"',
     "runtime/exec/thread may not include runtime/exec/process"),
    ("daemon/session.h", '"tally/tally.h"', "daemon may not include client/include"),
    ("client/call.h", '"daemon/session.h"', "client may not include daemon"),
    ("client/cli/main.cc", '"daemon/session.h"', None),
    ("client/cli/main.cc", '"tally/tally.h"', None),
]


def check_self():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path in ["ipc/base/result.h", "ipc/frame.h", "runtime/engine.h",
                     "runtime/exec/path.h", "runtime/exec/thread/pool.h",
                     "runtime/exec/process/pool.h", "daemon/session.h",
                     "client/include/tally/tally.h",
                     "client/include/tally/tally_sync.h"]:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        for path, included, expected in SAMPLES:
            mark, name = included[0], included[1:-1]
            why = breach(root, path, mark, name)
            assert why == expected, f"{path} includes {name}: {why!r}, not {expected!r}"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: includes.py ROOT")
    check_self()
    files, found = breaches(pathlib.Path(sys.argv[1]))
    if not files:
        found = [f"{sys.argv[1]}: no sources found"]
    print("\n".join(found) or f"{len(files)} files keep to the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
