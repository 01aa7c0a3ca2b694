"""The kernels of tests/kernels and of the examples, and what tally says of them."""

import json
import os
import pathlib


def kernel(name):
    """The shared object of that name, which CMake built."""
    return pathlib.Path(os.environ["TALLY_TEST_KERNELS_DIR"]) / f"{name}.so"


def error_of(done):
    """The error of a finished `tally ... --json`."""
    return json.loads(done.stdout)["error"]


def values_of(answer):
    """The results by label."""
    return {result["label"]: result["value"] for result in answer["results"]}
