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
           "stream of csv", "stream of text", "memfd", "kept memfd", "pair of npy",
           "pair of raw", "pair of memfd", "pair of kept memfd")
FORMATS = {"npy": "npy", "raw": "raw", "csv": "csv", "text": "txt"}
QUANTILES = ["median", "quantile(0)", "quantile(0.1)", "quantile(0.25,lower)",
             "quantile(0.999,higher)", "quantile(0.5,nearest)", "quantile(1e-3,midpoint)"]


def policies(source, dtype):
    """(nan, missing): what is done of it, where there can be any; None: none is there."""
    nans = ("propagate", "skip", "error") if dtype in ("f32", "f64") else ("propagate",)
    cells = (None, "skip", "error") if source.endswith(("csv", "text")) else (None,)
    return [(nan, cell) for nan in nans for cell in cells
            if (nan, cell) != ("error", "error")]  # either error is right


def partners(source):
    """How elements can be paired with others."""
    has_pairs = source.startswith("pair") or source.endswith("csv")
    return tuple(elements.PARTNERS) if has_pairs else ("none",)


def reducers_of(case, known):
    """All that the job can ask for. `known`: whether tally has a reducer of that name."""
    names = inputs.reducers_of(case.dtype)
    if known("median") and not case.source.startswith("stream"):
        names += QUANTILES
    if known("dot") and case.source.endswith("csv"):
        names += ["dot(x,y)"]
    return names


class Job:
    """`parts`: the elements of each file, None where a cell is missing. `beside`: those of
    all files that they are paired with: csv's column y, or the second array."""

    def __init__(self, rng, case, folder, known):
        self.source, self.dtype = case.source, case.dtype
        self.nan, self.missing = case.policy
        self.form = self.source.removeprefix("stream of ").removeprefix("pair of ")
        self.arrays = self.source.startswith("pair")
        self.words = ["--nan", self.nan]
        self.files = []
        self.stdin = b""    # where it is a stream
        self.memory = None  # or memfds, and the request's source that names them
        if self.arrays:  # the job is one of pairs as it has a dot
            self.reducers = ["dot"] if case.reducers == "one" else ["dot", "count"]
        else:
            names = reducers_of(case, known)
            self.reducers = rng.sample(names, {"all": len(names), "one": 1,
                                               "some": rng.randint(2, 6)}[case.reducers])
        self.pairs = self.arrays or "dot(x,y)" in self.reducers
        if self.source == "range":
            self.parts = [elements.a_range(rng, case.size)]
        else:
            values = elements.of(rng, case.elements, case.size, self.dtype)
            self.parts = self._split(rng, values)
        self.beside = None
        if self.pairs or self.form == "csv" and rng.random() < 0.5:
            self.beside = self._beside(rng, case.partners, values)
        if self.missing:
            self._lose_cells(rng)
            self.words += ["--missing", self.missing]
        self._put(rng, folder)

    def _beside(self, rng, how, values):
        """Of two columns with NaNs it is open which one's is told of: only one has any."""
        found = elements.partners_of(rng, how, values, self.dtype)
        if self.nan == "error" and any(value != value for value in values):
            found = [1.0 if value != value else value for value in found]
        return found

    def close(self):
        for path in self.files:
            path.unlink()
        if self.memory:
            for descriptor in self.memory[0]:
                os.close(descriptor)

    def _split(self, rng, values):
        """Into the files that they lie in; one may be empty."""
        if self.source not in FORMATS:
            return [values]
        cuts = sorted(rng.randint(0, len(values)) for _ in range(rng.choice((0, 0, 1, 4))))
        return [values[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(values)])]

    def _lose_cells(self, rng):
        for part in [*self.parts, *([self.beside] if self.pairs else ())]:
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
            self.memory = self._memory(rng)

    def _write(self, contents, folder):
        if self.source.startswith("stream"):
            self.stdin, = contents
            self.words += ["-", "--format", self.form]
            return
        self.files = [folder / f"{i}.{FORMATS[self.form]}" for i in range(len(contents))]
        for path, content in zip(self.files, contents):
            path.write_bytes(content)
        self.words += self.files

    def _npy(self, _):
        return [inputs.npy(part, self.dtype) for part in self._packed_parts()]

    def _raw(self, _):
        return [inputs.packed(part, self.dtype) for part in self._packed_parts()]

    def _packed_parts(self):
        return [*self.parts, self.beside] if self.arrays else self.parts

    def _csv(self, rng):
        """A line with nothing on it is no row, so that alone a missing cell is seen."""
        empty = "NA" if self.beside is None else rng.choice(("NA", ""))
        beside = iter(self.beside or ())
        tail = "" if self.beside is None else ",y"

        def cell(value):
            return empty if value is None else repr(value)

        def row(value):
            return f"{cell(value)},{cell(next(beside))}\n" if tail else f"{cell(value)}\n"
        return [(f"x{tail}\n" + "".join(map(row, part))).encode() for part in self.parts]

    def _text(self, rng):
        between = rng.choice((" ", "\n", "\r\n", "\t \n"))
        return [between.join("NA" if value is None else repr(value)
                             for value in part).encode() for part in self.parts]

    def _memory(self, rng):
        """Some elements lie before those that are reduced. Two arrays lie in an object
        each, or in one, which is one array where they are equal."""
        before = bytes(rng.choice((0, 1, 3, 8)) * struct.calcsize(inputs.CODES[self.dtype]))
        objects = [before + inputs.packed(part, self.dtype) for part in self._packed_parts()]
        source = self._array(0, len(before))
        if self.arrays:
            second = (1, len(before))
            if objects[0] == objects[1]:
                second = (0, len(before))
                objects = objects[:rng.choice((1, 2))]  # and one that nobody needs
            elif rng.random() < 0.3:
                second = (0, len(objects[0]) + len(before))
                objects = [b"".join(objects)]
            source += f", second = ({self._array(*second)})"
        return list(map(wire.memfd, objects)), f"memory = ({source})"

    def _array(self, descriptor, offset):
        return (f"type = {TYPES[self.dtype]}, descriptor = {descriptor}, "
                f"offsetBytes = {offset}, count = {len(self.parts[0])}")

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
        columns = [[(file, index, value) for file, part in enumerate(self.parts)
                    for index, value in enumerate(part)]]
        if self.pairs:
            later = 1 if self.arrays and self.files else 0  # it is the second file
            columns.append([(file + later, index, value) for (file, index, _), value
                            in zip(columns[0], self.beside)])
        everything = [item for column in columns for item in column]
        if self.missing == "error" and any(item[2] is None for item in everything):
            return ("failed", "missing_cell", None)
        nans = [item[:2] for item in everything if item[2] != item[2]]
        if self.nan == "error" and nans:
            return ("failed", "nan_found", nans[0])
        counts = [self._counts([item[2:] for item in column]) for column in columns]
        kept = [item for item in columns[0] if self._is_kept(item[2:])]
        pairs = []
        if self.pairs:
            rows = [(x, y) for (_, _, x), (_, _, y) in zip(*columns)]
            counts.append(self._counts(rows))
            pairs = list(filter(self._is_kept, rows))
        column = Column([value for _, _, value in kept], self.dtype)
        values = [self._value(reducer, column, kept, pairs) for reducer in self.reducers]
        return values, min(counts, key=lambda one: one["kept"])

    def _is_kept(self, row):
        return None not in row and (self.nan == "propagate" or
                                    all(value == value for value in row))

    def _counts(self, rows):
        kept, missing = sum(map(self._is_kept, rows)), sum(None in row for row in rows)
        return {"seen": len(rows), "kept": kept, "missing": missing,
                "filtered": len(rows) - kept - missing}

    def _value(self, reducer, column, kept, pairs):
        if reducer.startswith("dot"):
            return dot(*(Column([row[side] for row in pairs], self.dtype)
                         for side in (0, 1)))
        if self.arrays:  # a count, of pairs
            return ("int", len(pairs))
        value = expected_of(column, reducer)
        return ("index", kept[value[1]][:2]) if value[0] == "index" else value
