"""Names, patterns and listing lines."""

from __future__ import annotations

import contextlib
import fnmatch
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from startrail.adapters.feed.ftp.listing import Item, ServerZone, Unlisted, Wall, from_list_line, from_mlsd, time_of, wall_of
from startrail.adapters.feed.listing import matcher, safe_name
from startrail.ports.feed import FeedFailed

_NAMES = st.text(st.characters(), max_size=300)


@given(_NAMES)
def test_a_safe_name_is_one_short_printable_line(name: str) -> None:
    shown = safe_name(name)
    assert len(shown) <= 200
    assert shown.isprintable()
    shown.encode()


@given(_NAMES, _NAMES)
def test_two_names_are_never_shown_alike(one: str, other: str) -> None:
    assume(one != other)
    assert safe_name(one) != safe_name(other)


@pytest.mark.parametrize(("one", "other"), [("a\nb", "a\\nb"), ("x" * 300, "x" * 299 + "y"), ("\udcff", "\\udcff")])
def test_names_that_look_alike_are_told_apart(one: str, other: str) -> None:
    assert safe_name(one) != safe_name(other)


def test_an_ordinary_name_stays_as_it_is() -> None:
    assert safe_name("sales 2026-10-03_Málaga.csv.gz") == "sales 2026-10-03_Málaga.csv.gz"


_ALPHABET = st.sampled_from("ab.*?[]!-^c")


@given(st.text(_ALPHABET, min_size=1, max_size=8), st.text("abc-^!.]", min_size=1, max_size=5))
@example("[]?", "^")
@example("[]?", "[]a")
@example("[!]?", "a")
@example("[]a]", "]")
def test_within_a_folder_patterns_match_as_those_of_a_shell(pattern: str, name: str) -> None:
    assume(not name.startswith(".") and not pattern.startswith(".") and "**" not in pattern)
    try:
        matches = matcher(pattern)
    except FeedFailed:
        return
    assert matches(name) == fnmatch.fnmatchcase(name, pattern)


def test_no_pattern_leaves_its_folder() -> None:
    for pattern in ("*", "**", "?*", "*/*", "[!a]*", "**/*"):
        matches = matcher(pattern)
        for name in ("../x", "..", "a/../b", "/etc/passwd", "a//b", "./a"):
            assert not matches(name), (pattern, name)


def test_mlsd_lines_are_read() -> None:
    line = "Type=file;Size=12;Modify=20261003055900.123;UNIX.mode=0644;  two  spaces .csv"
    assert from_mlsd(line) == Item(" two  spaces .csv", False, 12, "20261003055900.123")
    assert from_mlsd("type=dir;modify=20261003055900; sub") == Item("sub", True, None, "20261003055900")
    for other in (
        "type=cdir;modify=x; .",
        "type=pdir; ..",
        "type=OS.unix=slink:/x; y",
        "",
        "half of a name",
        "type=file;size=1;",
    ):
        assert from_mlsd(other) is None


@pytest.mark.parametrize(
    ("line", "item"),
    [
        (
            "-rw-r--r--   1 ftp      ftp           123 Oct 03 05:59 a  b.csv",
            Item("a  b.csv", False, 123, "Oct 03 05:59"),
        ),
        ("-rw-r--r--+  1 0 0 5 Jan  1  2025 -> x.csv", Item("-> x.csv", False, 5, "Jan 1 2025")),
        ("drwxr-xr-x 2 ftp ftp 4096 Oct 03 05:59 sub", Item("sub", True, None, "Oct 03 05:59")),
        ("lrwxrwxrwx 1 a b 4 Oct 03 05:59 l.csv -> /x", Item("l.csv", False, None, "Oct 03 05:59", True)),
        ("10-03-26  05:59AM       <DIR>          sub dir", Item("sub dir", True, None, "10-03-26 05:59AM")),
        ("10-03-2026  17:59                1024 x.csv", Item("x.csv", False, 1024, "10-03-2026 17:59")),
        ("-rw-r--r-- 1 owner 123 Oct  3 05:59 no group.csv", Item("no group.csv", False, 123, "Oct 3 05:59")),
        ("-rw-r--r-- 1 DOM\\a user grp 77 Oct  3 05:59 x.csv", Item("x.csv", False, 77, "Oct 3 05:59")),
        ("-rwxrwxrwx   1 a  b   12 2026-10-03 05:59 iso.csv", Item("iso.csv", False, 12, "2026-10-03 05:59")),
        (
            "-rw-rw-r-- 1 a b 12 2026-10-03 05:59:01.000000 +0200 f.csv",
            Item("f.csv", False, 12, "2026-10-03 05:59:01.000000 +0200"),
        ),
        ("-rw-r--r-- 1 a b 9 3. Okt 05:59 de.csv", Item("de.csv", False, 9, "3. Okt 05:59")),
        ("-rw-r--r-- 1 a b 9 Oct 03 05:59  leading space", Item(" leading space", False, 9, "Oct 03 05:59")),
        ("-rw-r--r-- 1 a b 9 Oct 03 05:59 12 Oct 03 05:59 y", Item("12 Oct 03 05:59 y", False, 9, "Oct 03 05:59")),
        ("-rw------- 1 a b 9 Oct 03 05:59 a -> b.csv", Item("a -> b.csv", False, 9, "Oct 03 05:59")),
        ("prw-r--r-- 1 a b 0 Oct 03 05:59 pipe", None),
        ("srwxr-xr-x 1 a b 0 Oct 03 05:59 socket", None),
        ("crw-rw-rw- 1 root root 1, 3 Oct 03 05:59 null", None),
        ("10-03-26  05:59PM            1,234,567 grouped.csv", Item("grouped.csv", False, 1234567, "10-03-26 05:59PM")),
        ("2026-10-03  05:59       <DIR>          d", Item("d", True, None, "2026-10-03 05:59")),
        ("10-03-26  05:59PM       <JUNCTION>     j", Item("j", False, None, "10-03-26 05:59PM", True)),
        ("+i8388621.48594,m825718503,r,s280,\tdjb.html", Item("djb.html", False, 280, "19960301221503")),
        ("+i8388621.50690,m824255907,/,\t514", Item("514", True, None, "19960213235827")),
        ("+,\tneither", None),
        ("total 12", None),
        ("Total 0", None),
        ("", None),
        ("drwxr-xr-x 2 ftp ftp 4096 Oct 03 05:59 ..", None),
    ],
)
def test_list_lines_are_read(line: str, item: Item | None) -> None:
    assert from_list_line(line) == item


@given(st.text())
def test_no_line_breaks_the_reading(line: str) -> None:
    from_mlsd(line)
    time_of(line)
    wall_of(line, NOW)
    with contextlib.suppress(Unlisted):
        from_list_line(line)


@pytest.mark.parametrize(
    "line", ["hello.csv", "-rw-r--r-- 1 a b 12 yesterday x.csv", "X.DAT;1  5/10  1-MAY-2026 10:00 [A] (RWED)", "x" * 10_000]
)
def test_a_line_of_another_form_is_told_since_a_file_may_be_lost(line: str) -> None:
    with pytest.raises(Unlisted):
        from_list_line(line)


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Apr 30 05:59", Wall(datetime(2026, 4, 30, 5, 59))),
        ("May 2 05:59", Wall(datetime(2026, 5, 2, 5, 59))),
        ("May 3 05:59", Wall(datetime(2025, 5, 3, 5, 59))),
        ("30 Apr 05:59", Wall(datetime(2026, 4, 30, 5, 59))),
        ("Feb 29 05:59", None),
        ("Oct 3 2025", Wall(datetime(2025, 10, 3), to_the_minute=False)),
        ("10-03-26 05:59PM", Wall(datetime(2026, 10, 3, 17, 59))),
        ("10-03-99 12:00AM", Wall(datetime(1999, 10, 3, 0, 0))),
        ("10-03-2026 17:59", Wall(datetime(2026, 10, 3, 17, 59))),
        ("2026-10-03 05:59", Wall(datetime(2026, 10, 3, 5, 59))),
        ("Okt 3 05:59", None),
        ("13-13-26 05:59PM", None),
        ("", None),
    ],
)
def test_times_of_listings_are_read_or_unknown(text: str, shown: Wall | None) -> None:
    assert wall_of(text, NOW) == shown


@given(st.integers(-56, 56), st.datetimes(datetime(2026, 1, 1), datetime(2026, 4, 30)))
def test_a_zone_is_learnt_from_one_file_and_recognises_others(quarters: int, instant: datetime) -> None:
    zone, offset = ServerZone(), timedelta(minutes=15 * quarters)
    shown = Wall(instant.replace(second=0, microsecond=0) + offset)
    at = instant.replace(tzinfo=UTC)
    assert zone.offset is None
    assert not zone.agrees(shown, at)
    zone.learn(shown, at)
    assert zone.offset == offset
    assert zone.agrees(shown, at)
    assert zone.agrees(Wall(shown.time + timedelta(hours=1)), at), "summer time"
    assert not zone.agrees(Wall(shown.time + timedelta(minutes=1)), at)
    assert zone.agrees(Wall(datetime(shown.time.year, shown.time.month, shown.time.day), to_the_minute=False), at)


def test_what_files_say_against_each_other_is_no_zone() -> None:
    zone = ServerZone()
    at = datetime(2026, 4, 1, 12, tzinfo=UTC)
    zone.learn(Wall(datetime(2026, 4, 1, 12, 7)), at)
    assert zone.offset is None, "no zone is seven minutes off"
    zone.learn(Wall(datetime(2026, 4, 1, 14)), at)
    zone.learn(Wall(datetime(2026, 4, 1, 13)), at)
    assert zone.offset == timedelta(hours=1)
    zone.learn(Wall(datetime(2026, 4, 1, 9)), at)
    assert zone.offset is None


def test_times_are_utc() -> None:
    assert time_of("20261003055900") == datetime(2026, 10, 3, 5, 59, tzinfo=UTC)
    assert time_of("20261003055900.5") == datetime(2026, 10, 3, 5, 59, tzinfo=UTC)
    assert time_of("20261399000000") is None
    assert time_of("Oct 03 05:59") is None
