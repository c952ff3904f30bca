"""Landing is killed for real, and goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.adapters.store.local import LocalStore

SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from startrail.adapters.clock import SystemClock
    from startrail.adapters.feed.folder import FolderFeed
    from startrail.adapters.ledger.sqlite import open_ledger
    from startrail.adapters.store.local import LocalStore
    from startrail.base import crash
    from startrail.base.span import Span
    from startrail.capabilities.sources.land import land
    from startrail.model import source
    from startrail.model.run import Run

    root, point, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    passed = 0

    def die(name):
        global passed
        passed += name == point
        if name == point and passed == count:
            os.kill(os.getpid(), signal.SIGKILL)

    crash.hook = die
    folder = source.FolderFeed("in", pattern="*.csv", transfers=int(sys.argv[4]))
    declared = source.Source("shop", folder, Span("sources/shop.yml"))
    clock, ledger = SystemClock(), open_ledger(root / "ledger.sqlite")
    lease = ledger.acquire("runner", "same", 3600, clock.now())
    ledger.start_run(Run(f"run-{point}-{count}-{os.getpid()}", clock.now()), lease)
    landed = land(declared, FolderFeed(declared.feed, root, clock), ledger=ledger, store=LocalStore(root / "store"),
                  lease=lease, run=f"run-{point}-{count}-{os.getpid()}", clock=clock, emit=lambda event: None)
    ledger.close()
    print(len(landed))
"""


def _run(root: Path, point: str, count: int, lanes: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT), str(root), point, str(count), str(lanes)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("point", ["before land", "after landing bytes", "after recording delivery"])
def test_a_killed_landing_is_continued_and_nothing_is_lost_or_doubled(tmp_path: Path, point: str, lanes: int) -> None:
    (tmp_path / "in").mkdir()
    contents = [f"id\n{number}\n".encode() * 50_000 for number in range(4)]
    for number, content in enumerate([*contents, contents[0]]):
        (tmp_path / "in" / f"{number}.csv").write_bytes(content)
    assert _run(tmp_path, point, 3, lanes).returncode == -signal.SIGKILL
    again = _run(tmp_path, point, 1, lanes)  # of several lanes all may have been recorded at once
    assert again.returncode == -signal.SIGKILL or (lanes > 1 and again.stdout == "0\n")
    done = _run(tmp_path, "never", 0, lanes)
    assert done.returncode == 0, done.stderr
    ledger, store = open_ledger(tmp_path / "ledger.sqlite"), LocalStore(tmp_path / "store")
    assert sorted(store.get(delivery.key) for delivery in ledger.deliveries("shop")) == sorted(contents)
    assert len(list(store.list("landing/"))) == len(contents)
    ledger.close()
    assert _run(tmp_path, "never", 0, lanes).stdout == "0\n"
