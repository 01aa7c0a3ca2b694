"""Makes a notebook of a script with `# %%` cells: make_notebook.py SCRIPT [NOTEBOOK].

The script is the source; the notebook is made from it and then executed:

    python3 make_notebook.py three_ways.py
    python3 -m nbconvert --to notebook --execute --inplace three_ways.ipynb
"""

import hashlib
import json
import pathlib
import sys


def cells_of(script):
    """(kind, text) of each cell."""
    cells = []
    for line in script.splitlines():
        if line.startswith("# %%"):
            cells.append(("markdown" if "[markdown]" in line else "code", []))
        elif cells:
            cells[-1][1].append(line)
    return [(kind, _text(kind, lines)) for kind, lines in cells]


def _text(kind, lines):
    if kind == "markdown":
        lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
    return "\n".join(lines).strip("\n")


def notebook_of(script):
    cells = []
    for number, (kind, text) in enumerate(cells_of(script)):
        cell = {"cell_type": kind, "metadata": {}, "source": text.splitlines(True),
                "id": hashlib.sha256(f"{number}{text}".encode()).hexdigest()[:8]}
        if kind == "code":
            cell.update(execution_count=None, outputs=[])
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4,
            "nbformat_minor": 5}


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else \
        source.with_suffix(".ipynb")
    target.write_text(json.dumps(notebook_of(source.read_text(encoding="utf-8")),
                                 indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
