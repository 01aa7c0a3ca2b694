"""Kernels against the installed tree: client/KERNELS.md's ten minutes, command by command,
and every example, built from an empty directory."""

import os
import pathlib
import re
import subprocess
import unittest

import install_test
from install_test import SETTINGS, cmake_project, folder, run
from tally_daemon import clean_environment

SOURCE = pathlib.Path(os.environ["TALLY_SOURCE_DIR"])


def setUpModule():
    install_test.setUpModule()


def tally(*words, code=0):
    done = subprocess.run([str(SETTINGS["prefix"] / "bin" / "tally"), *map(str, words)],
                          env=clean_environment("/nonexistent"), text=True, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != code:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


class TenMinutes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (SOURCE / "client" / "KERNELS.md").read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        place = folder("ten-minutes")
        env = clean_environment(place)
        env.update(PATH=f"{SETTINGS['prefix'] / 'bin'}:{os.environ['PATH']}",
                   CMAKE_PREFIX_PATH=str(SETTINGS["prefix"]),
                   CC=os.environ["CC"], CXX=os.environ["CXX"])
        cls.done = subprocess.run(["bash", "-exc", "".join(blocks)], cwd=place, env=env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=240)
        cls.text = cls.done.stdout

    def test_every_command_ends_as_it_should(self):
        self.assertEqual(self.done.returncode, 0, self.text)
        self.assertEqual(self.text.count("\nexit code 1\n"), 2, self.text)
        self.assertIn("\nthat is it\n", self.text)

    def test_the_new_kernel_keeps_the_laws_and_runs(self):
        self.assertIn("cmake -S rms -B rms/build -DCMAKE_PREFIX_PATH=", self.text)
        self.assertNotIn("FAIL", self.text)
        self.assertRegex(self.text, r"(?m)^rms +577350\.12")
        self.assertRegex(self.text, r"(?m)^mean +500000")

    def test_its_death_and_its_refusal_are_told_as_the_page_says(self):
        self.assertRegex(self.text, r"kernel 'rms' \(librms.so\) crashed in update, with "
                                    r"rows 122880 to 131071: .* SIG(ILL|TRAP)")
        self.assertIn("kernel 'rms' (librms.so): in update, with rows 122880 to 131071: "
                      "123456 is not wanted", self.text)

    def test_the_page_shows_the_kernel_that_is_written(self):
        page = (SOURCE / "client" / "KERNELS.md").read_text()
        shown = re.search(r"^```cpp\n(.*?)^```$", page, re.M | re.S)[1]
        place = folder("as-shown")
        subprocess.run([str(SETTINGS["prefix"] / "bin" / "tally"), "kernel", "new", "rms"],
                       cwd=place, check=True, stdout=subprocess.DEVNULL)
        written = (place / "rms" / "rms.cc").read_text()
        bare = [line.partition("//")[0].strip() for line in shown.splitlines()]
        for line in filter(None, bare):
            self.assertIn(line, written)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.built = folder("kernels")
        for source in sorted((SETTINGS["examples"] / "kernels").iterdir()):
            build = cls.built / source.name
            cmake_project(source, build, f"-DCMAKE_PREFIX_PATH={SETTINGS['prefix']}",
                          "-DCMAKE_C_FLAGS=" + install_test.WARNINGS,
                          "-DCMAKE_CXX_FLAGS=" + install_test.WARNINGS)
            run(os.environ["CMAKE"], "--build", build)

    def library(self, name):
        return self.built / name / f"lib{name}.so"

    def test_there_are_five(self):
        self.assertEqual(sorted(path.name for path in self.built.iterdir()),
                         ["bbox", "csum", "fragile", "geomean", "words"])

    def test_their_own_tests_pass(self):
        for name in ["bbox", "csum", "geomean", "words"]:
            text = run("ctest", "--test-dir", self.built / name)
            self.assertIn("100% tests passed", text)

    def test_each_gives_what_it_should(self):
        place = self.built.parent
        (place / "points.csv").write_text("x,y\n1,5\n-2,7\n3,-4\n")
        (place / "text.txt").write_text("to be or\nnot to be\n")
        for name, words, expected in [
                ("geomean", ["geomean", "--values", "1,10,100"], r"geomean +10\.0"),
                ("csum", ["csum", "--values", "1e16,1,-1e16"], r"csum +1\.0"),
                ("bbox", ["bbox(x,y)", place / "points.csv"], r"\.min_x +-2\.0\n"),
                ("words", ["words", place / "text.txt"], r"words\.most +be\n")]:
            self.assertRegex(tally("run", *words, "--kernel", self.library(name)), expected)

    def test_an_object_exports_one_function_of_tally(self):
        for name in ["bbox", "csum", "fragile", "geomean", "words"]:
            lines = run("nm", "-D", "--defined-only", self.library(name)).splitlines()
            names = [line.split()[-1] for line in lines]
            self.assertIn("tally_kernels", names)
            self.assertEqual([n for n in names if "tally6kernel" in n], [])
            # Unique symbols would be one for all kernels of a worker.
            self.assertNotRegex("\n".join(lines), r" u ")


if __name__ == "__main__":
    unittest.main()
