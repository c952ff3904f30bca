"""The command ends its process at once, and all the same as a Python program ends."""

from __future__ import annotations

import subprocess
import sys


def command(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    script = f"import sys\nsys.argv = ['startrail', *{list(arguments)!r}]\n{before}\nfrom startrail.cli import main\nmain()\n"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def test_what_was_printed_comes_through_a_pipe_as_a_whole() -> None:
    done = command("schema")
    assert done.returncode == 0
    assert done.stdout.endswith("}\n")
    assert len(done.stdout) > 10_000


def test_the_exit_code_is_that_of_the_command() -> None:
    done = command("status", "-C", "/nowhere/at/all")
    assert done.returncode == 2
    assert "startrail.yml" in done.stderr


def test_what_was_registered_for_the_end_is_done() -> None:
    done = command("--version", before="import atexit\natexit.register(print, 'done at the end')")
    assert done.stdout.splitlines()[1:] == ["done at the end"]


def test_threads_are_waited_for() -> None:
    before = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.5), print('a thread ended'))).start()"
    done = command("--version", before=before)
    assert "a thread ended" in done.stdout


def test_a_profiler_sees_the_end() -> None:
    done = command("--version", before="import cProfile\ncProfile.Profile().enable()\nimport atexit")
    assert done.returncode == 0
    assert done.stdout.startswith("startrail ")
