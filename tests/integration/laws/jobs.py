"""A job of one seed: its input, the words that ask for it, what must come of it."""

import os
import struct

import elements
import inputs
import wire
from exact import expected_of
from exact_floats import Column, dot

CARRIED = 4096  # elements that travel in the request, as all that runs inline does
TYPES = {name: number for number, name in enumerate(inputs.CODES, 1)}
NAN = {"propagate": 0, "skip": 1, "error": 2}
SOURCES = ("range", "values", "npy", "raw", "csv", "text", "stream of raw",
           "stream of csv", "stream of text", "memfd", "kept memfd")
FORMATS = {"npy": "npy", "raw": "raw", "csv": "csv", "text": "txt"}
QUANTILES = ["median", "quantile(0)", "quantile(0.1)", "quantile(0.25,lower)",
             "quantile(0.999,higher)", "quantile(0.5,nearest)", "quantile(1e-3,midpoint)"]


def policies(source, dtype):
    """(nan, missing): what is done of it, where there can be any; None: none is there."""
    nans = ("propagate", "skip", "error") if dtype in ("f32", "f64") else ("propagate",)
    cells = (None, "skip", "error") if source.endswith(("csv", "text")) else (None,)
    return [(nan, cell) for nan in nans for cell in cells
            if (nan, cell) != ("error", "error")]  # either error is right


def reducers_of(case, known):
    """All that the job can ask for. `known`: whether tally has a reducer of that name."""
    names = inputs.reducers_of(case.dtype)
    if known("median") and not case.source.startswith("stream"):
        names += QUANTILES
    if known("dot") and case.source.endswith("csv") and case.policy == ("propagate", None):
        names += ["dot(x,y)"]
    return names


class Job:
    """`parts`: the elements of each file, None where a cell is missing."""

    def __init__(self, rng, case, folder, known):
        self.source, self.dtype = case.source, case.dtype
        self.nan, self.missing = case.policy
        self.form = self.source.removeprefix("stream of ")
        self.words = ["--nan", self.nan]
        self.files = []
        self.stdin = b""    # where it is a stream
        self.memory = None  # or a memfd, and the request's source that names it
        names = reducers_of(case, known)
        self.reducers = rng.sample(names, {"all": len(names), "one": 1,
                                           "some": rng.randint(2, 6)}[case.reducers])
        if self.source == "range":
            self.parts = [elements.a_range(rng, case.size)]
        else:
            self.parts = self._split(rng, self._elements(rng, case))
        self.beside = None  # csv's column y, if there is one
        if self.form == "csv" and ("dot(x,y)" in self.reducers or rng.random() < 0.5):
            self.beside = self._elements(rng, case)
        if self.missing:
            self._lose_cells(rng)
            self.words += ["--missing", self.missing]
        self._put(rng, folder)

    def _elements(self, rng, case):
        return elements.of(rng, case.elements, case.size, self.dtype)

    def close(self):
        for path in self.files:
            path.unlink()
        if self.memory:
            os.close(self.memory[0])

    def _split(self, rng, values):
        """Into the files that they lie in; one may be empty."""
        if self.source not in FORMATS:
            return [values]
        cuts = sorted(rng.randint(0, len(values)) for _ in range(rng.choice((0, 0, 1, 4))))
        return [values[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(values)])]

    def _lose_cells(self, rng):
        for part in self.parts:
            for _ in range(rng.choice((1, 2, len(part) // 3))):
                if part:
                    part[rng.randrange(len(part))] = None

    # --- how it is asked for ---

    def names(self):
        """The reducers as the program takes them."""
        column = ":x" if self.form == "csv" else ""
        return ",".join(name if name.startswith("dot") else name + column
                        for name in self.reducers)

    def _put(self, rng, folder):
        if self.source == "range":
            r = self.parts[0]
            self.words += [f"--range={r.start}:{r.stop}:{r.step}"]
        elif self.source == "values":
            self.words += ["--values=" + ",".join(map(repr, self.parts[0])),
                           "--dtype", self.dtype]
        elif self.form in FORMATS:
            self.words += [] if self.form == "npy" else ["--dtype", self.dtype]
            self._write(getattr(self, "_" + self.form)(rng), folder)
        else:
            self.memory = self._memfd(rng)

    def _write(self, contents, folder):
        if self.form != self.source:
            self.stdin, = contents
            self.words += ["-", "--format", self.form]
            return
        self.files = [folder / f"{i}.{FORMATS[self.form]}" for i in range(len(contents))]
        for path, content in zip(self.files, contents):
            path.write_bytes(content)
        self.words += self.files

    def _npy(self, _):
        return [inputs.npy(part, self.dtype) for part in self.parts]

    def _raw(self, _):
        return [inputs.packed(part, self.dtype) for part in self.parts]

    def _csv(self, rng):
        """A line with nothing on it is no row, so that alone a missing cell is seen."""
        empty = "NA" if self.beside is None else rng.choice(("NA", ""))
        beside = iter(self.beside or ())
        tail = "" if self.beside is None else ",y"

        def row(value):
            cell = empty if value is None else repr(value)
            return f"{cell},{next(beside)!r}\n" if tail else f"{cell}\n"
        return [(f"x{tail}\n" + "".join(map(row, part))).encode() for part in self.parts]

    def _text(self, rng):
        between = rng.choice((" ", "\n", "\r\n", "\t \n"))
        return [between.join("NA" if value is None else repr(value)
                             for value in part).encode() for part in self.parts]

    def _memfd(self, rng):
        """Some elements lie before those that are reduced."""
        before = rng.choice((0, 1, 3, 8))
        values, = self.parts
        size = struct.calcsize(inputs.CODES[self.dtype])
        data = bytes(before * size) + inputs.packed(values, self.dtype)
        return wire.memfd(data), (f"memory = (type = {TYPES[self.dtype]}, descriptor = 0, "
                                  f"offsetBytes = {before * size}, "
                                  f"count = {len(values)})")

    def spec(self):
        """The reducers and the policy, as members of a request's spec."""
        reducers = []
        for reducer in self.reducers:
            name, _, args = reducer.rstrip(")").partition("(")
            args = ", ".join(f'"{arg}"' for arg in args.split(",") if args)
            reducers.append(f'(name = "{name}", args = [{args}], label = "{reducer}")')
        return f"reducers = [{', '.join(reducers)}], nan = {NAN[self.nan]}"

    # --- what must come of it ---

    def expected(self):
        """The values of the reducers and the counts; or ("failed", code, where)."""
        everything = [(file, index, value) for file, part in enumerate(self.parts)
                      for index, value in enumerate(part)]
        present = [item for item in everything if item[2] is not None]
        if self.missing == "error" and len(present) < len(everything):
            return ("failed", "missing_cell", None)
        kept = [item for item in present
                if self.nan == "propagate" or item[2] == item[2]]
        if self.nan == "error" and len(kept) < len(present):
            return ("failed", "nan_found", next(item[:2] for item in present
                                                if item[2] != item[2]))
        column = Column([value for _, _, value in kept], self.dtype)
        values = [self._value(reducer, column, kept) for reducer in self.reducers]
        return values, {"seen": len(everything), "kept": len(kept),
                        "missing": len(everything) - len(present),
                        "filtered": len(present) - len(kept)}

    def _value(self, reducer, column, kept):
        if reducer == "dot(x,y)":
            return dot(column, Column(self.beside, self.dtype))
        value = expected_of(column, reducer)
        return ("index", kept[value[1]][:2]) if value[0] == "index" else value
