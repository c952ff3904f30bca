"""Names, patterns and listing lines."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from startrail.adapters.feed.ftp_listing import Item, from_list_line, from_mlsd, time_of
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


@given(st.text(_ALPHABET, min_size=1, max_size=8), st.text("abc-^!.", min_size=1, max_size=5))
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
        ("-rw-r--r--+  1 0 0 5 Jan  1  2025 -> x.csv", Item("-> x.csv", False, 5, "Jan  1  2025")),
        ("drwxr-xr-x 2 ftp ftp 4096 Oct 03 05:59 sub", Item("sub", True, 4096, "Oct 03 05:59")),
        ("lrwxrwxrwx 1 a b 4 Oct 03 05:59 l.csv -> /x", Item("l.csv", False, None, "Oct 03 05:59", True)),
        ("10-03-26  05:59AM       <DIR>          sub dir", Item("sub dir", True, None, "10-03-26  05:59AM")),
        ("10-03-2026  17:59                1024 x.csv", Item("x.csv", False, 1024, "10-03-2026  17:59")),
        ("total 12", None),
        ("", None),
        ("drwxr-xr-x 2 ftp ftp 4096 Oct 03 05:59 ..", None),
    ],
)
def test_list_lines_are_read(line: str, item: Item | None) -> None:
    assert from_list_line(line) == item


@given(st.text())
def test_no_line_breaks_the_reading(line: str) -> None:
    from_mlsd(line)
    from_list_line(line)
    time_of(line)


def test_times_are_utc() -> None:
    assert time_of("20261003055900") == datetime(2026, 10, 3, 5, 59, tzinfo=UTC)
    assert time_of("20261003055900.5") == datetime(2026, 10, 3, 5, 59, tzinfo=UTC)
    assert time_of("20261399000000") is None
    assert time_of("Oct 03 05:59") is None
