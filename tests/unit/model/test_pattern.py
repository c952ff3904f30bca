"""Patterns of names: which names they mean, and what the names say."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.model import source
from startrail.model.named import named
from startrail.model.pattern import NamePattern


@pytest.mark.parametrize(
    ("pattern", "name", "fields"),
    [
        ("sales_{date:%Y%m%d}_{store}.csv", "sales_20260501_07.csv", {"date": "2026-05-01", "store": "07"}),
        ("{date:%Y%m%d}_{store}.csv", "20260501_main_street.v2.csv", {"date": "2026-05-01", "store": "main_street.v2"}),
        ("{store}{date:%y%m%d}.csv", "st260501.csv", {"store": "st", "date": "2026-05-01"}),
        ("**/{year:%Y}/{day:%j}_{store}.csv", "a/b/2026/121_x.csv", {"year": "2026", "day": "121", "store": "x"}),
        ("{at:%Y%m%dT%H%M}.*", "20260501T1330.csv.gz", {"at": "2026-05-01T13:30:00"}),
        ("{at:%d%b%Y-%H}.csv", "01May2026-07.csv", {"at": "2026-05-01T07:00:00"}),
        ("{week:%G-W%V-%u}.csv", "2026-W18-5.csv", {"week": "2026-05-01"}),
        ("{month:%Y-%m}.csv", "2026-05.csv", {"month": "2026-05"}),
        ("{{{a}}}_[{}]?.csv", "{x}_{1.csv", {"a": "x"}),
        ("{a:100%%%m}.csv", "100%05.csv", {"a": "100%05"}),
        ("*.csv", "anything.csv", {}),
    ],
)
def test_a_name_says_what_its_pattern_asks(pattern: str, name: str, fields: dict[str, str]) -> None:
    read = NamePattern(pattern)
    assert read.matches(name)
    assert read.read(name).problem is None
    assert read.read(name).fields == fields


@pytest.mark.parametrize(
    ("pattern", "name", "why"),
    [
        ("s_{date:%Y%m%d}.csv", "s_20260230.csv", "says '20260230' for {date}, which is no %Y%m%d"),
        ("s_{date:%Y%m%d}.csv", "s_2026051.csv", "does not say {date}"),
        ("s_{date:%Y%m%d}.csv", "s_٢٠٢٦٠٥٠١.csv", "does not say {date}"),
        ("s_{store}.csv", "s_.csv", "does not say {store}"),
        ("{a}_{b}.csv", "x_y_z.csv", "can be read in two ways: {a} may be 'x' or 'x_y'"),
        ("*_{store}_*.csv", "a_b_c_d.csv", "can be read in two ways"),
        ("*{date:%Y%m%d}*", "20260501_20260502.csv", "can be read in two ways"),
        ("{a}", "x" * 501, "longer than"),
    ],
)
def test_a_name_that_does_not_say_it_is_told_and_never_guessed(pattern: str, name: str, why: str) -> None:
    read = NamePattern(pattern)
    assert read.matches(name)
    found = read.read(name)
    assert found.fields == {}
    assert found.problem is not None
    assert why in found.problem


@pytest.mark.parametrize(
    "pattern", ["{", "}", "a}", "{a b}", "{a}_{a}", "{a:%Q}", "{a:%}", "{a:}", "{1}", "{a:{b}}", "{a:%Y %Y}", "[z-a]"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"field|pattern|read"):
        NamePattern(pattern)


@given(st.dates(date(1000, 1, 1)), st.text("abc_.-07é ", min_size=1, max_size=12))
def test_what_was_written_is_read(day: date, store: str) -> None:
    name = f"sales_{day.year:04}{day:%m%d}_{store}.csv"
    found = NamePattern("sales_{date:%Y%m%d}_{store}.csv").read(name)
    assert found.fields == {"date": day.isoformat(), "store": store}


@given(st.lists(st.sampled_from(["a", "b", "_", "1", "*", "?", "{x}", "{y}"]), max_size=6), st.text("ab_1", max_size=7))
def test_a_reading_is_the_only_one_there_is(parts: list[str], name: str) -> None:
    try:
        pattern = NamePattern("".join(parts))
    except ValueError:
        return
    if not pattern.fields or not pattern.matches(name):
        return
    found = pattern.read(name)
    every = _all_readings(parts, name)
    if found.problem is None:
        assert [tuple(found.fields.values())] == every
    else:
        assert len(every) != 1


def _all_readings(parts: list[str], name: str) -> list[tuple[str, ...]]:
    """By trying every way to cut the name."""
    if not parts:
        return [] if name else [()]
    found: set[tuple[str, ...]] = set()
    for cut in range(len(name) + 1):
        own, rest = name[:cut], name[cut:]
        part = parts[0]
        fits = {"*": True, "?": cut == 1}.get(part, cut > 0 if part[0] == "{" else own == part)
        if fits:
            found |= {((own,) if part[0] == "{" else ()) + more for more in _all_readings(parts[1:], rest)}
    return sorted(found)


def test_a_hidden_file_needs_a_pattern_with_a_dot() -> None:
    assert not NamePattern("{name}.csv").matches(".x.csv")
    assert NamePattern(".{name}.csv").read(".x.csv").fields == {"name": "x"}


def test_a_name_that_had_to_be_shown_otherwise_says_nothing() -> None:
    far = source.Source("far", source.FolderFeed("in", "{store}.csv"), Span("s.yml"))
    for shown in ("a\\nb.csv", "x" * 180 + "…0123456789abcdef"):
        assert re.search("cannot be kept", str(named(far, shown).problem))


def test_of_an_http_file_the_last_part_counts() -> None:
    far = source.Source("far", source.HttpFeed("https://a.example/x/", links="{store}.csv"), Span("s.yml"))
    assert named(far, "x/2026/07.csv").fields == {"store": "07"}


@pytest.mark.parametrize("pattern", ["*_*_*_*.csv", "*{a}*{b}*{c}*{d}*.csv", "**/*_*_*/x", "{a}_{b}_{c}_{d:%Y%m%d}.csv"])
def test_no_name_keeps_us_busy(pattern: str) -> None:
    read = NamePattern(pattern)
    for name in ("_" * 8_000, "_" * 490 + ".csv", "x_" * 4_000 + "/", "_/" * 2_000, "x" * 480 + "_20261301.csv"):
        read.matches(name)
        read.read(name)


_MARKS = {"*": "[^/]*", "?": "[^/]", "[ab]": "[ab]", "{{": r"\{", ".": r"\.", "/": "/", "a": "a", "b": "b"}


@given(st.lists(st.sampled_from(sorted(_MARKS)), min_size=1, max_size=7), st.text("ab/{.", max_size=7))
def test_matching_is_as_trying_every_way(marks: list[str], name: str) -> None:
    text = "".join(marks)
    if text != text.strip("/") or "**" in text or "//" in text:
        return
    regex = "".join(_MARKS[mark] for mark in marks)
    shown = all(
        wanted.startswith(".") or not part.startswith(".") for wanted, part in zip(text.split("/"), name.split("/"), strict=False)
    )
    assert NamePattern(text).matches(name) == (re.fullmatch(regex, name) is not None and shown)
