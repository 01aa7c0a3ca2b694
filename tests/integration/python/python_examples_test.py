"""The examples run, as a script and as a notebook, and say what they should."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

EXAMPLES = pathlib.Path(os.environ["TALLY_EXAMPLES"])
N = 2_000_000
PATIENCE_S = 100
sys.path.insert(0, str(EXAMPLES))

WAYS = ["Python, one thread", "Python, two threads", "Python, two processes as written",
        "Python, two processes", "tally, one thread", "tally, two threads",
        "tally, two processes"]


def surroundings(folder):
    """Small sums; the kernel's files go to `folder`."""
    return {**os.environ, "TALLY_EXAMPLE_N": str(N), "HOME": folder,
            "JUPYTER_RUNTIME_DIR": folder, "IPYTHONDIR": folder,
            "JUPYTER_PREFER_ENV_PATH": "0"}


def outputs_of(notebook):
    """What the cells printed, and the errors that ended them."""
    text, errors = "", []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                errors.append(output["ename"])
            text += "".join(output.get("text", ""))
    return text, errors


class ThreeWaysTest(unittest.TestCase):
    def check(self, text, count):
        """Every way's answer, right but for the one that cannot be."""
        expected = count * (count - 1) // 2
        totals = re.findall(r"^(.*): [0-9.]+ s, total (\d+) \((right|WRONG)", text, re.M)
        self.assertEqual([way for way, _, _ in totals], WAYS)
        for way, total, verdict in totals:
            wrong = way == "Python, two processes as written"
            self.assertEqual((int(total), verdict),
                             (0, "WRONG") if wrong else (expected, "right"), way)
        self.assertIn("exit codes: 1 1", text)
        self.assertRegex(text, r"finished in [0-9.]+ s, total 0, exit codes 1 1")
        self.assertIn(f"{count} elements seen", text)
        self.assertIn("total 199999999990000000000 is right", text)

    def test_the_script_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, EXAMPLES / "three_ways.py"],
                                  env=surroundings(folder), text=True,
                                  capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, done)
        self.check(done.stdout, N)

    def test_the_notebook_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder) / "result.ipynb"
            done = subprocess.run(
                [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute",
                 "--ExecutePreprocessor.timeout=90", f"--output={result}",
                 str(EXAMPLES / "three_ways.ipynb")], env=surroundings(folder), text=True,
                capture_output=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 0, done)
            text, errors = outputs_of(json.loads(result.read_text(encoding="utf-8")))
        self.assertEqual(errors, [])
        self.check(text, N)

    def test_the_notebook_is_the_script_s(self):
        import make_notebook
        script = (EXAMPLES / "three_ways.py").read_text(encoding="utf-8")
        notebook = json.loads((EXAMPLES / "three_ways.ipynb").read_text(encoding="utf-8"))
        self.assertEqual([(cell["cell_type"], "".join(cell["source"]))
                          for cell in notebook["cells"]], make_notebook.cells_of(script))

    def test_the_notebook_s_saved_outputs_are_of_the_whole_sum(self):
        notebook = json.loads((EXAMPLES / "three_ways.ipynb").read_text(encoding="utf-8"))
        text, errors = outputs_of(notebook)
        self.assertEqual(errors, [])
        self.check(text, 500_000_000)


if __name__ == "__main__":
    unittest.main()
