"""The installed tree, as other projects use it: found by CMake and by pkg-config, moved
to another place, its examples built and run against the installed daemon."""

import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import tempfile
import unittest

from tally_daemon import TallyDaemon

HERE = pathlib.Path(__file__).parent
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
LOADING_AT_MOST_S = 0.005
SETTINGS = {}


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}\n"
                             f"{done.stderr}")
    return done.stdout


def setUpModule():
    temporary = tempfile.TemporaryDirectory(prefix="tally-install-")
    unittest.addModuleCleanup(temporary.cleanup)
    root = pathlib.Path(temporary.name)
    # Staged, as packages are made: what lies in root/opt/tally was told it is /opt/tally.
    run(os.environ["CMAKE"], "--install", os.environ["TALLY_BUILD_DIR"], "--prefix",
        "/opt/tally", env={**os.environ, "DESTDIR": str(root)})
    prefix = root / "opt" / "tally"
    SETTINGS.update(root=root, prefix=prefix,
                    folders=[entry.name for entry in root.iterdir()],
                    library=next(prefix.glob("**/libtally.so")),
                    embed=next(prefix.glob("**/libtally-embed.so")),
                    examples=next(prefix.glob("share/doc/**/examples")))
    os.environ.update(TALLY_BIN=str(prefix / "bin" / "tally"),
                      TALLYD_BIN=str(prefix / "bin" / "tallyd"))


def folder(name):
    made = SETTINGS["root"] / name
    made.mkdir()
    return made


def cmake_project(source, build, *words):
    run(os.environ["CMAKE"], "-S", source, "-B", build, "-G", "Ninja",
        f"-DCMAKE_C_COMPILER={os.environ['CC']}",
        f"-DCMAKE_CXX_COMPILER={os.environ['CXX']}",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *words)


def pkg_config(*words, package="tally"):
    found = SETTINGS["library"].parent / "pkgconfig"
    return shlex.split(run("pkg-config", *words, package,
                           env={**os.environ, "PKG_CONFIG_PATH": str(found)}))


def compile_with_pkg_config(source, program, *words, package="tally"):
    compiler = os.environ["CC" if source.suffix == ".c" else "CXX"]
    library = SETTINGS["library"].parent
    run(compiler, *words, *pkg_config("--cflags", package=package), source,
        *pkg_config("--libs", package=package),
        f"-Wl,-rpath,{library}", "-pthread", "-o", program)
    return program


class Library(unittest.TestCase):
    def test_exports_the_c_functions_and_nothing_else(self):
        for library, symbols in (("library", "symbols.txt"),
                                 ("embed", "symbols-embed.txt")):
            lines = run("nm", "-D", "--defined-only", SETTINGS[library]).splitlines()
            names = sorted(line.split()[-1] for line in lines)
            self.assertEqual(names, (HERE / symbols).read_text().splitlines())

    def test_declares_what_it_exports(self):
        for header, symbols in (("tally.h", "symbols.txt"),
                                ("tally_embed.h", "symbols-embed.txt")):
            text = (SETTINGS["prefix"] / "include/tally" / header).read_text()
            for name in (HERE / symbols).read_text().split():
                plain = name.partition("@")[0]
                if plain.startswith("tally_"):
                    self.assertIn(f"{plain}(", text)

    def test_is_named_by_its_abi_version(self):
        dynamic = run("readelf", "-d", SETTINGS["library"])
        self.assertIn("Library soname: [libtally.so.0]", dynamic)
        self.assertNotIn("RUNPATH", dynamic)
        dynamic = run("readelf", "-d", SETTINGS["embed"])
        self.assertIn("Library soname: [libtally-embed.so.0]", dynamic)
        self.assertIn("Library runpath: [$ORIGIN]", dynamic)

    def test_is_loaded_in_five_milliseconds(self):
        program = folder("loading") / "load_time"
        run(os.environ["CC"], "-O2", HERE / "consumer" / "load_time.c", "-o", program)
        # Each in a fresh process; the fastest is the one that nobody disturbed.
        fastest = min(int(run(program, SETTINGS["library"])) for _ in range(40)) / 1e9
        print(f"loading libtally.so: {fastest * 1e3:.2f} ms")
        self.assertLessEqual(fastest, LOADING_AT_MOST_S)


class Prefix(unittest.TestCase):
    """What `cmake --install --prefix` names is where everything goes, and is named."""

    def test_holds_all_that_is_installed(self):
        self.assertEqual(SETTINGS["folders"], ["opt"])

    def test_is_what_the_units_name(self):
        place = SETTINGS["prefix"] / "lib"
        for name in ("systemd/system/tallyd.service", "systemd/user/tallyd.service"):
            started = re.findall(r"^ExecStart=(\S+)", (place / name).read_text(), re.M)
            self.assertEqual(started, ["/opt/tally/bin/tallyd"], name)
        self.assertIn(" /opt/tally/share/tally/tallyd-system.toml\n",
                      (place / "tmpfiles.d/tally.conf").read_text())


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = folder("examples")
        shutil.copytree(SETTINGS["examples"], cls.place / "source")
        cls.build = cls.place / "build"
        cmake_project(cls.place / "source", cls.build,
                      f"-DCMAKE_PREFIX_PATH={SETTINGS['prefix']}",
                      f"-DCMAKE_C_FLAGS={WARNINGS} -std=c99",
                      f"-DCMAKE_CXX_FLAGS={WARNINGS}")
        run(os.environ["CMAKE"], "--build", cls.build)
        cls.csv = cls.place / "weather.csv"
        cls.csv.write_text("day,temp\nmon,1\ntue,3.5\nwed,\n")

    def example(self, daemon, name, *words):
        return run(self.build / name, *words, env=daemon.env)

    def test_run_against_the_installed_daemon(self):
        self.csv.with_name("whole.csv").write_text("temp\n1\n3.5\n")
        with TallyDaemon(workers=2) as daemon:
            self.assertTrue(self.example(daemon, "sum", "temp",
                                         self.csv.with_name("whole.csv"))
                            .startswith("sum 4.5\nmean 2.25\n"))
            self.assertEqual(self.example(daemon, "event_loop", 1000),
                             f"{sum(n * (n + 1) // 2 for n in range(1, 1001))}\n")
            self.assertEqual(self.example(daemon, "summary", "temp", self.csv, self.csv),
                             f"{self.csv}: count 2, mean 2.25, min 1.0, max 3.5\n" * 2)
            self.assertEqual(self.example(daemon, "asio_loop", 4), "sum "
                             "2.0833333333333335\nmax 1.0\n")
            self.assertEqual(self.example(daemon, "array", 100).splitlines()[2:],
                             ["written: sum 2525.0, 0 bytes copied",
                              "written: max 50.0, 0 bytes copied",
                              "copied: sum 10.0, 800 bytes copied",
                              "copied: max 0.1, 800 bytes copied"])

    def test_run_with_no_daemon_at_all(self):
        said = run(self.build / "embed", 500_000_000)
        self.assertTrue(said.startswith("124999999750000000\nby 2 workers, "), said)

    def test_name_every_place_where_no_worker_program_is(self):
        prefix = SETTINGS["prefix"]
        worker = prefix / "libexec" / "tally" / "tally-worker"
        worker.rename(worker.with_suffix(".away"))
        try:
            done = subprocess.run([self.build / "embed", "1"], text=True, timeout=30,
                                  stderr=subprocess.PIPE)
        finally:
            worker.with_suffix(".away").rename(worker)
        self.assertEqual(done.returncode, 2)
        self.assertIn("(no_worker_program)", done.stderr)
        for place in (SETTINGS["embed"].parent / "tally-worker", worker,
                      self.build / "tally-worker",
                      self.build.parent / "libexec" / "tally" / "tally-worker"):
            self.assertIn(str(place), done.stderr)

    def test_say_so_when_nobody_serves(self):
        nowhere = {**os.environ, "TALLY_SOCKET": str(self.place / "nobody.sock")}
        for words in (["sum", "a", __file__], ["event_loop", "1"], ["summary", "a", "b"],
                      ["asio_loop", "1"], ["array", "1"]):
            done = subprocess.run([self.build / words[0], *words[1:]], env=nowhere,
                                  text=True, stderr=subprocess.PIPE, timeout=30)
            self.assertEqual((done.returncode, "is tallyd running" in done.stderr),
                             (2, True), done)


class Python(unittest.TestCase):
    """The package, where it was installed and where pip puts it. Debian's Python, which
    is the one that has Debian's numpy."""

    program = re.search("```python\n(.*?)```", (
        pathlib.Path(os.environ["TALLY_SOURCE_DIR"]) / "client/python/README.md").read_text(
            encoding="utf-8"), re.DOTALL).group(1)

    def printed(self, daemon, **env):
        clean = {name: value for name, value in daemon.env.items()
                 if name != "PYTHONPATH"}
        return run("/usr/bin/python3", "-c", self.program, env={**clean, **env})

    def check(self, printed):
        lines = printed.splitlines()
        self.assertEqual(lines[0], "124999999750000000")
        self.assertEqual(lines[-1], str([25000.0] * 4))

    def test_runs_what_its_readme_shows_and_finds_the_library_beside_it(self):
        installed = SETTINGS["prefix"] / "share/tally/python"
        with TallyDaemon(workers=2) as daemon:
            self.check(self.printed(daemon, PYTHONPATH=str(installed)))

    def test_is_found_embedded_without_any_setting(self):
        place = folder("embedded")
        env = {"PYTHONPATH": str(SETTINGS["prefix"] / "share/tally/python"),
               "XDG_RUNTIME_DIR": str(place)}
        self.assertEqual(run("/usr/bin/python3", "-c",
                             "import tally; print(tally.sum(range(10**7), hint='cpu'))",
                             env=env), f"{sum(range(10**7))}\n")

    def test_is_installed_by_pip_without_a_network(self):
        place = folder("pip")
        shutil.copytree(SETTINGS["prefix"] / "share/tally/python", place / "source")
        run("/usr/bin/python3", "-m", "pip", "install", "--no-index",
            "--no-build-isolation", "--no-warn-script-location", "--target",
            place / "site", place / "source",
            env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "HOME": str(place)})
        with TallyDaemon(workers=2) as daemon:
            self.check(self.printed(daemon, PYTHONPATH=str(place / "site"),
                                    TALLY_LIBRARY=str(SETTINGS["library"])))


class OtherProjects(unittest.TestCase):
    def test_build_by_pkg_config_and_use_all_of_the_cpp_header(self):
        program = compile_with_pkg_config(HERE / "consumer" / "cpp_check.cc",
                                          folder("cpp") / "cpp_check", "-std=c++20",
                                          *WARNINGS.split())
        with TallyDaemon(workers=2) as daemon:
            self.assertEqual(run(program, env=daemon.env), "all is as it should be\n")

    def test_run_what_the_readme_shows(self):
        text = (pathlib.Path(os.environ["TALLY_SOURCE_DIR"]) / "client" /
                "README.md").read_text()
        place = folder("readme")
        printed = {}
        with TallyDaemon(workers=2) as daemon:
            for section, language, name, standard, package in (
                    ("C", "c", "app.c", "c99", "tally"),
                    ("C++", "cpp", "app.cc", "c++20", "tally"),
                    ("Embedding", "c", "embed.c", "c99", "tally-embed"),
                    ("Arrays without a copy", "cpp", "array.cc", "c++20", "tally")):
                shown = text.partition(f"\n## {section}\n")[2]
                code = re.search(f"```{language}\n(.*?)```", shown, re.DOTALL).group(1)
                (place / name).write_text(code)
                program = compile_with_pkg_config(
                    place / name, (place / name).with_suffix(f".{language}.out"),
                    f"-std={standard}", *WARNINGS.split(), package=package)
                printed[section] = run(program, env=daemon.env)
        self.assertEqual(printed, {"C": "124999999750000000\n", "C++": "0.6\n",
                                   "Embedding": "249999999.5\n",
                                   "Arrays without a copy": "4.9999995e+13\n"})

    def test_compile_the_header_as_c99_and_as_old_cpp(self):
        place = folder("header")
        for name, compiler, standard in (("a.c", "CC", "c99"), ("a.cc", "CXX", "c++11")):
            (place / name).write_text("#include <tally/tally_embed.h>\n")
            run(os.environ[compiler], f"-std={standard}", *WARNINGS.split(),
                *pkg_config("--cflags"), "-fsyntax-only", place / name)

    def test_are_told_that_another_version_is_not_there(self):
        place = folder("version")
        (place / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(outer C)\n"
            "find_package(tally 99 REQUIRED)\n")
        with self.assertRaisesRegex(AssertionError, 'requested version "99"'):
            cmake_project(place, place / "build",
                          f"-DCMAKE_PREFIX_PATH={SETTINGS['prefix']}")

    def test_keep_their_settings_when_they_take_the_source_in(self):
        build = folder("subdirectory")
        cmake_project(HERE / "consumer", build, "-DCMAKE_BUILD_TYPE=Debug",
                      f"-DTALLY_SOURCE_DIR={os.environ['TALLY_SOURCE_DIR']}")
        commands = (build / "compile_commands.json").read_text()
        outer = [line for line in commands.splitlines()
                 if '"command"' in line and "outer.c" in line]
        self.assertEqual(len(outer), 2)  # with tally::tally, with tally::embed
        for ours in ("-Wconversion", "-fvisibility", "-ffp-contract", "-O2", "ccache"):
            self.assertNotIn(ours, outer[0])
        self.assertNotIn("gtest", commands)
        targets = run("ninja", "-C", build, "-t", "targets", "all")
        self.assertIn("outer: ", targets)
        self.assertNotIn("_test: ", targets)
        # Nothing of tally's would be installed with the outer project.
        self.assertNotIn("tally", run(os.environ["CMAKE"], "--install", build, "--prefix",
                                      build / "installed"))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main()
