"""Cron expressions in Amazon's words, held against the scheduler that runs them here."""

from __future__ import annotations

import calendar
import itertools
import re
from datetime import datetime, timedelta

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.capabilities.sources.bundle.aws_cron import NotForAws, aws_crons


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 3 * * *", ("cron(0 3 * * ? *)",)),
        ("*/15 6-20 * * MON-FRI", ("cron(0,15,30,45 6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 ? * 2,3,4,5,6 *)",)),
        ("30 4 1,15 * 5", ("cron(30 4 1,15 * ? *)", "cron(30 4 ? * 6 *)")),
        ("0 0 L * *", ("cron(0 0 L * ? *)",)),
        ("0 0 * JAN,jul 0", ("cron(0 0 ? 1,7 1 *)",)),
        ("0 0 * * 7", ("cron(0 0 ? * 1 *)",)),
        ("0 9 * * TUE#2", ("cron(0 9 ? * 3#2 *)",)),
        ("* * * * 0-7", ("cron(* * ? * * *)",)),
    ],
)
def test_each_field_is_said_as_amazon_says_it(cron: str, said: tuple[str, ...]) -> None:
    assert aws_crons(cron) == said


@pytest.mark.parametrize("cron", ["0 0 LW * *", "0 0 * * 5L", "0 0 */2 * 1", "0 0 1,L * *", "0 0 * * 1#1,2"])
def test_what_amazon_has_no_words_for_is_refused(cron: str) -> None:
    with pytest.raises(NotForAws):
        aws_crons(cron)


_fields = [(0, 59), (0, 23), (1, 28), (1, 12), (0, 7)]


@st.composite
def _crons(draw: st.DrawFn) -> str:
    parts = []
    for low, high in _fields:
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, high))
        parts.append(draw(st.sampled_from(["*", str(first), f"{first}-{last}", f"{first}-{last}/{step}", f"{first},{last}"])))
    return " ".join(parts)


@settings(deadline=None)
@given(_crons(), st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)))
def test_both_are_due_at_the_same_instants(cron: str, start: datetime) -> None:
    start = start.replace(second=0, microsecond=0)
    said = aws_crons(cron)
    coming = CronSim(cron, start)
    assert all(any(_matches(text, instant) for text in said) for instant in itertools.islice(coming, 4))
    window = [start + timedelta(minutes=minutes) for minutes in range(1, 1500)]
    due = set(itertools.takewhile(lambda instant: instant <= window[-1], CronSim(cron, start)))
    assert due == {instant for instant in window if any(_matches(text, instant) for text in said)}


def _matches(text: str, instant: datetime) -> bool:
    """Amazon's reading: all fields hold, ``?`` is never looked at, weekdays count from Sunday as 1."""
    match = re.fullmatch(r"cron\((.*)\)", text)
    assert match is not None
    minute, hour, day, month, weekday, _year = match[1].split()
    assert (day == "?") != (weekday == "?")
    values = [instant.minute, instant.hour, instant.day, instant.month, (instant.weekday() + 1) % 7 + 1]
    last = calendar.monthrange(instant.year, instant.month)[1]
    fields = [minute, hour, str(last) if day == "L" else day, month, weekday]
    return all(field in ("*", "?") or str(value) in field.split(",") for field, value in zip(fields, values, strict=True))
