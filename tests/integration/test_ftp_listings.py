"""Listings of FTP servers without MLSD: their dialects, their zones, and how little is asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conformance.test_feed import FtpSite
from tests.fixtures.ftp import FtpServer
from tests.fixtures.landing import Place

from startrail.adapters.feed import listing
from startrail.adapters.feed.listing import TooManyNames
from startrail.ports.feed import FeedFailed, Seen

_AHEAD = timedelta(hours=2)
"""The clock of the servers, from UTC."""


def _there(state: os.stat_result) -> datetime:
    return datetime.fromtimestamp(state.st_mtime, UTC) + _AHEAD


def _is_folder(state: os.stat_result) -> bool:
    return stat.S_ISDIR(state.st_mode)


def unix(name: str, state: os.stat_result) -> str:
    time = _there(state)
    old = datetime.now(UTC) + _AHEAD - time > timedelta(days=180)
    shown = f"{time:%b %d  %Y}" if old else f"{time:%b %d %H:%M}"
    return f"{'d' if _is_folder(state) else '-'}rw-r--r--   1 ftp ftp {state.st_size:>12} {shown} {name}"


def windows(name: str, state: os.stat_result) -> str:
    size = "<DIR>         " if _is_folder(state) else f"{state.st_size:>20}"
    return f"{_there(state):%m-%d-%y  %I:%M%p}       {size} {name}"


def eplf(name: str, state: os.stat_result) -> str:
    return f"+i1.2,m{int(state.st_mtime)},{'/' if _is_folder(state) else 'r'},s{state.st_size},\t{name}"


def strange(name: str, state: os.stat_result) -> str:
    return f"{name.upper()};1   {state.st_size}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., FtpSite]]:
    servers: list[FtpServer] = []

    def serve(lines: Callable[[str, os.stat_result], str], *, mdtm: bool = True) -> FtpSite:
        (tmp_path / "far").mkdir()
        servers.append(FtpServer(tmp_path / "far", mlsd=False, lines=lines, mdtm=mdtm))
        return FtpSite(servers[0])

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def disk(disk: Place) -> Place:
    disk.clock.advance(-3600)
    return disk


NAMES = ["a.csv", "two words.csv", "a -> b.csv", "ü.csv", "sub/deep one.csv"]


@pytest.mark.parametrize("lines", [unix, windows, eplf])
@pytest.mark.parametrize("mdtm", [True, False])
def test_every_dialect_shows_the_same_files(
    lines: Callable[[str, os.stat_result], str], mdtm: bool, served: Callable[..., FtpSite], disk: Place
) -> None:
    site = served(lines, mdtm=mdtm)
    for name in NAMES:
        site.put(name, name.encode())
    landed = disk.land(site.feed(disk.clock))
    assert sorted(delivery.name for delivery in landed) == sorted(NAMES)
    assert disk.contents() == sorted(name.encode() for name in NAMES)
    known = [delivery.source_time for delivery in landed]
    if mdtm or lines is eplf:
        assert all(time is not None and abs(time - datetime.now(UTC)) < timedelta(minutes=5) for time in known)
    else:
        assert known == [None] * len(NAMES), "a time without a zone is no instant"
    assert disk.land(site.feed(disk.clock)) == ()


def test_names_alone_will_do_where_nobody_can_read_the_listing(served: Callable[..., FtpSite], disk: Place) -> None:
    site = served(strange)
    for name in ("a.csv", "b c.csv", "sub/x.csv"):
        site.put(name, name.encode())
    assert sorted(each.name for each in disk.land(site.feed(disk.clock, pattern="*"))) == ["a.csv", "b c.csv"]
    with pytest.raises(FeedFailed, match=r"cannot be read: A\.CSV;1"):
        disk.land(site.feed(disk.clock, pattern="**"))


@pytest.mark.parametrize("lines", [unix, windows])
@pytest.mark.parametrize("mdtm", [True, False])
def test_files_that_landed_long_ago_are_not_asked_for_one_by_one(
    lines: Callable[[str, os.stat_result], str], mdtm: bool, served: Callable[..., FtpSite], disk: Place
) -> None:
    site = served(lines, mdtm=mdtm)
    now = datetime.now(UTC).replace(second=20).timestamp()  # a second later it is the same minute
    for number, days in enumerate((1, 20, 30, 40, 100, 300)):
        site.put(f"{number}.csv", b"%d" % number)
        os.utime(site.root / f"{number}.csv", (now - days * 86_400, now - days * 86_400))
    assert len(disk.land(site.feed(disk.clock))) == 6
    site.server.asked.clear()
    assert disk.land(site.feed(disk.clock)) == ()
    assert site.server.asked.count("SIZE") == 1, "the one of yesterday, whose time is exact to the minute only"
    os.utime(site.root / "2.csv", (now - 30 * 86_400 + 60, now - 30 * 86_400 + 60))
    (site.root / "4.csv").write_bytes(b"other")
    os.utime(site.root / "4.csv", (now - 100 * 86_400, now - 100 * 86_400))
    (site.root / "0.csv").write_bytes(b"9")
    os.utime(site.root / "0.csv", (now - 86_400 + 1, now - 86_400 + 1))
    landed = disk.land(site.feed(disk.clock))
    assert {delivery.name for delivery in landed} == ({"4.csv", "0.csv"} if mdtm else {"4.csv"})


def test_in_an_unknown_zone_every_file_is_asked_for(served: Callable[..., FtpSite], disk: Place) -> None:
    site = served(unix)
    now = datetime.now(UTC).timestamp()
    for number in range(3):
        site.put(f"{number}.csv", b"%d" % number)
        os.utime(site.root / f"{number}.csv", (now - 40 * 86_400, now - 40 * 86_400))
    assert len(disk.land(site.feed(disk.clock))) == 3
    site.server.asked.clear()
    assert disk.land(site.feed(disk.clock)) == ()
    assert site.server.asked.count("MDTM") == 1, "one file tells the zone, the others are known by it"


def test_more_names_than_are_kept_are_refused_and_told(
    served: Callable[..., FtpSite], disk: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = served(unix)
    for number in range(12):
        site.put(f"{number:02}.csv", b"%d" % number)
    monkeypatch.setattr(listing, "MOST_NAMES", 10)
    with pytest.raises(TooManyNames, match=r"ST222 .* more than 10 names that match '\*\*'"):
        disk.land(site.feed(disk.clock))
    assert disk.contents() == []
    feed = site.feed(disk.clock, pattern="0*")
    assert len(list(feed.offers(Seen(), disk.clock.now()))) == 10
    feed.close()
