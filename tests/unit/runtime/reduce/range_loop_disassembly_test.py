#!/usr/bin/env python3
"""Looks at what the compiler made of the range sum's inner loop.

Usage: range_loop_disassembly_test.py BINARY    (an object, archive or program)

At every SIMD level that BINARY holds, tally::reduce::N_*::RangeSumLoop must have one
loop, in registers only, that does what visiting every element takes: one vector
addition per lane group into the sums and one to make the next elements; no multiply,
by which a closed form would give itself away. Exit code 0, 1, or 77 (nothing to look
at on this machine: not x86-64).
"""

import platform
import re
import subprocess
import sys

LEVELS = {  # namespace -> (instruction, register)
    "N_SSSE3": ("paddq", "xmm"),
    "N_SSE4": ("paddq", "xmm"),
    "N_AVX2": ("vpaddq", "ymm"),
    "N_AVX3": ("vpaddq", "zmm"),
    "N_AVX3_DL": ("vpaddq", "zmm"),
}
SKIPPED = 77

FUNCTION = re.compile(r"^[0-9a-f]+ <tally::reduce::(N_\w+)::RangeSumLoop\(.*>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
TARGET = re.compile(r"^([0-9a-f]+) <")


def functions(binary):
    """{namespace: [(address, mnemonic, operands)]}"""
    text = subprocess.run(["objdump", "-d", "-C", "-w", "--no-show-raw-insn", binary],
                          check=True, capture_output=True, text=True).stdout
    found, current = {}, None
    for line in text.splitlines():
        if line.endswith(">:"):
            match = FUNCTION.match(line)
            current = found.setdefault(match.group(1), []) if match else None
        elif current is not None and (match := INSTRUCTION.match(line)):
            current.append((int(match.group(1), 16), match.group(2), match.group(3)))
    return found


def loops(code):
    """The instructions of each loop: from a jump's target back to the jump."""
    for address, mnemonic, operands in code:
        target = TARGET.match(operands)
        if mnemonic.startswith("j") and target:
            begin = int(target.group(1), 16)
            if code[0][0] <= begin <= address:
                yield [i for i in code if begin <= i[0] <= address]


def problems(namespace, code):
    add, register = LEVELS[namespace]
    vector_loops = [loop for loop in loops(code)
                    if any(m == add and register in o for _, m, o in loop)]
    if len(vector_loops) != 1:
        return [f"{len(vector_loops)} loops with {add} on {register}, not 1"]
    loop = vector_loops[0]
    found = []
    adds = [o for _, m, o in loop if m == add]
    # AT&T order: the last operand is written. Sums and elements: two additions a group.
    written = {o.split(",")[-1] for o in adds}
    if len(adds) < 8 or len(adds) % 2 != 0:
        found.append(f"{len(adds)} vector additions in the loop")
    if len(written) != len(adds):
        found.append(f"{len(adds)} additions into only {len(written)} registers")
    found += [f"multiplies: {m} {o}" for _, m, o in loop if "mul" in m]
    found += [f"goes to memory: {m} {o}" for _, m, o in loop
              if "(" in o and not m.startswith("j")]
    counting = [m for _, m, _ in loop if m != add and not m.startswith(("j", "nop"))]
    if len(counting) > 4:
        found.append(f"more than counting beside the additions: {counting}")
    return found


def main(binary):
    if platform.machine() not in ("x86_64", "AMD64"):
        print("not x86-64: nothing to look at")
        return SKIPPED
    levels = {name: code for name, code in functions(binary).items() if name in LEVELS}
    if not levels:
        print(f"{binary} has no RangeSumLoop at any SIMD level")
        return 1
    failed = False
    for name, code in sorted(levels.items()):
        found = problems(name, code)
        print(f"{name}: {'; '.join(found) or 'visits every element'}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
