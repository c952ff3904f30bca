"""How often an FTP server is asked: on a long line every question is a wait."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer

from startrail.adapters.feed.ftp.feed import FtpFeed
from startrail.model import source
from startrail.ports.feed import Seen
from startrail.testing.clock import ManualClock


@pytest.fixture
def old_server(tmp_path: Path) -> Iterator[FtpServer]:
    (tmp_path / "old").mkdir()
    server = FtpServer(tmp_path / "old", mlsd=False)
    yield server
    server.close()


def _asked(server: FtpServer, names: list[str], **changes: Any) -> Counter[str]:
    for name in names:
        path = server.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (1_700_000_000, 1_700_000_000))
    clock = ManualClock()
    feed = FtpFeed(source.FtpFeed("127.0.0.1", port=server.port, user=USER, transfers=1, **changes), clock, password=PASSWORD)
    try:
        found = {offer.name: b"".join(feed.fetch(offer)) for offer in feed.offers(Seen(), clock.now())}
    finally:
        feed.close()
    assert found == {name: name.encode() for name in names}
    return Counter(server.asked)


def test_of_a_file_only_what_has_to_be_asked(ftp_server: FtpServer) -> None:
    asked = _asked(ftp_server, ["a.csv", "b.csv", "c.csv"])
    assert (asked["RETR"], asked["MDTM"], asked["SIZE"]) == (3, 3, 0)
    assert asked["MLSD"] == 2
    assert asked["TYPE"] == 2


def test_folders_are_listed_one_after_another_without_a_change_of_type(ftp_server: FtpServer) -> None:
    asked = _asked(ftp_server, [f"{letter}/x.csv" for letter in "abcd"], pattern="**")
    assert asked["MLSD"] == 2 * 5
    assert asked["TYPE"] == 2


def test_sizes_that_are_asked_for_one_by_one_change_it_once(old_server: FtpServer) -> None:
    asked = _asked(old_server, ["a.csv", "b.csv", "c.csv"])
    assert asked["SIZE"] == 6
    assert asked["TYPE"] <= 4
