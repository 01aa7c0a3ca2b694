"""The installed tally under a real systemd, in namespaces of its own.

`boot` brings it up once for a test program: the tree that `cmake --install` makes, set
up as systemd/README.md tells an administrator to. systemd-testbed beside this file says
what it changes on the machine (nothing that outlives `down`) and exits with 77 where
the machine cannot do it.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time

SKIPPED = 77
PATIENCE_S = 30  # for what takes a moment, on a machine that is busy
_SCRIPT = pathlib.Path(__file__).with_name("systemd-testbed")
CONFIG = "/etc/tally/tallyd.toml"


def wait_until(condition, what):
    """Asks until it is so. For what has no event to wait for."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.05)


def _testbed(*words, **options):
    return subprocess.run([str(_SCRIPT), *words], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def unable():
    """Why this machine cannot run it, or None."""
    prefix = os.environ["TALLY_PREFIX"]
    if prefix not in ("/usr", "/usr/local"):
        return f"systemd does not look into the prefix {prefix}"
    done = _testbed("check")
    if done.returncode == SKIPPED:
        return done.stderr.strip()
    assert done.returncode == 0, done
    return None


def boot():
    _testbed("down")  # what an earlier run may have left
    done = _testbed("up")
    assert done.returncode == 0, done
    prefix = os.environ["TALLY_PREFIX"]
    with tempfile.TemporaryDirectory(prefix="tally-stage-") as stage:
        subprocess.run([os.environ["CMAKE_COMMAND"], "--install",
                        os.environ["TALLY_BUILD_DIR"], "--prefix", prefix],
                       env={**os.environ, "DESTDIR": stage}, check=True,
                       stdout=subprocess.DEVNULL)
        done = _testbed("push", stage + prefix, prefix)
        assert done.returncode == 0, done
    # As systemd/README.md has it.
    sh("systemd-sysusers && systemd-tmpfiles --create tally.conf && "
       "systemctl daemon-reload && systemctl enable --now tallyd.socket")
    # ada is in the group, bob is not.
    sh("useradd --create-home ada && usermod --append --groups tally ada && "
       "useradd --create-home bob")
    sh(f"cp {CONFIG} {CONFIG}.installed")


def push(source, target):
    """Copies a file of the machine inside."""
    sh(f"mkdir -p {pathlib.PurePath(target).parent}")
    done = _testbed("push", str(source), str(target))
    assert done.returncode == 0, done


def shut_down():
    done = _testbed("down")
    assert done.returncode == 0, done


def run(*words, user=None, environment=()):
    """Runs a program inside; the result, whatever its exit code."""
    words = ["env", *environment, *map(str, words)]
    if user is not None:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words]
    return _testbed("exec", *words, timeout=4 * PATIENCE_S)


def start(*words, user=None):
    """Runs a program inside, in the background; the caller waits for it."""
    if user is not None:
        words = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words)
    return subprocess.Popen([str(_SCRIPT), "exec", *words], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def sh(script, **options):
    """Runs a shell script that must succeed; what it prints."""
    done = run("sh", "-c", script, **options)
    assert done.returncode == 0, f"{script}: {done}"
    return done.stdout


def tally(*words, user, **options):
    return run("tally", *words, user=user, **options)


def tally_json(*words, user, **options):
    done = tally(*words, "--json", user=user, **options)
    assert done.returncode == 0, f"{words}: {done}\n{journal()}"
    return json.loads(done.stdout)


def unit(property_name):
    return sh(f"systemctl show --property={property_name} --value tallyd.service").strip()


_cursor = None


def forget_journal():
    """From here on journal() tells only what comes after."""
    global _cursor
    shown = sh("journalctl --no-pager --quiet --lines=1 --show-cursor")
    _cursor = shown.rpartition("-- cursor: ")[2].strip()


def journal():
    """What the service has logged since forget_journal()."""
    return sh("journalctl --no-pager --quiet --output=cat --unit=tallyd.service "
              f"--after-cursor='{_cursor}'")


def wait_logged(text):
    wait_until(lambda: text in journal(), f"the log says {text!r}")


def configure(text):
    """Puts `text` in place of the configuration that was installed."""
    quoted = text.replace("'", "'\\''")
    sh(f"printf '%s' '{quoted}' >{CONFIG}")
