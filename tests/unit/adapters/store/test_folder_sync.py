"""A folder's names on the disk: nobody goes on before a sync that began after the name was given."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from startrail.adapters.store import folder_sync
from startrail.adapters.store.folder_sync import FolderSync


class Disk:
    """Syncs that take as long as a test wants, and what had its name when each began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.named: set[int] = set()
        self.safe: set[int] = set()
        self.syncs = 0
        self.broken = False
        self.goes_on = threading.Event()
        self.begun = threading.Event()
        monkeypatch.setattr(folder_sync, "sync_folder", self._sync)

    def _sync(self, _: Path) -> None:
        seen = set(self.named)
        self.syncs += 1
        self.begun.set()
        self.goes_on.wait(240)
        if self.broken:
            raise OSError("the disk is gone")
        self.safe |= seen


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_those_who_come_while_one_goes_on_share_the_next(disk: Disk, tmp_path: Path) -> None:
    sync, wrong, waiting = FolderSync(tmp_path), list[int](), list[threading.Thread]()

    def name(number: int) -> None:
        disk.named.add(number)
        sync()
        if number not in disk.safe:
            wrong.append(number)

    def begin(number: int) -> None:
        waiting.append(threading.Thread(target=name, args=(number,)))
        waiting[-1].start()

    begin(0)
    assert disk.begun.wait(240)
    for number in range(1, 20):
        begin(number)
    while sync._asked < 20:
        time.sleep(0.001)
    disk.goes_on.set()
    for thread in waiting:
        thread.join(240)
    assert wrong == []
    assert disk.syncs == 2


def test_one_after_another_each_has_its_own(disk: Disk, tmp_path: Path) -> None:
    disk.goes_on.set()
    sync = FolderSync(tmp_path)
    for _ in range(3):
        sync()
    assert disk.syncs == 3


def test_a_sync_that_fails_serves_nobody(disk: Disk, tmp_path: Path) -> None:
    disk.goes_on.set()
    disk.broken = True
    sync = FolderSync(tmp_path)
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            sync()
    assert disk.syncs == 2


def test_a_real_folder_is_synced(tmp_path: Path) -> None:
    FolderSync(tmp_path)()
    with pytest.raises(FileNotFoundError):
        FolderSync(tmp_path / "none")()
