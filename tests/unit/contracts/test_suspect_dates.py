"""Dates with day and month turned, where every row reads both ways: the source's past tells. Ordinary files are not suspected."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from statistics import quantiles

import pytest
from tests.fixtures.loading import contract, field

from startrail.base.span import Span
from startrail.capabilities.contracts.suspect import Past, landed_on, suspicions
from startrail.model.contract import Format
from startrail.model.delivery import Delivery
from startrail.model.source import FolderFeed, Source
from startrail.model.step import Dates
from startrail.ports.loader import LoadOutcome

DUE = contract(field("due", "date", format=Format(pattern="%d/%m/%Y")))
SOURCE = Source("orders", FolderFeed("in"), Span("sources/orders.yml"))
Sent = tuple[date, list[date]]
"""On which day a delivery came, and its dates."""


def turned(day: date) -> date:
    return date(day.year, day.day, day.month)


def where(days: list[date]) -> Dates:
    numbers = [float((day - date(1970, 1, 1)).days) for day in days]
    low, *_, high = quantiles(numbers, n=10, method="inclusive") if len(numbers) > 1 else (numbers[0], numbers[0])
    return Dates(low, quantiles(numbers, n=2, method="inclusive")[0] if len(numbers) > 1 else numbers[0], high)


def outcome(days: list[date]) -> LoadOutcome:
    """As the loader would see it, under the declared order."""
    either = all(day.day <= 12 for day in days) and any(day.day != day.month for day in days)
    return LoadOutcome(len(days), dates={"due": where(days)}, turned={"due": where([turned(d) for d in days])} if either else {})


def suspected(sent: Sent, history: list[Sent]) -> bool:
    landed, days = sent
    past = tuple(
        Past(len(earlier), dates=landed_on(outcome(earlier).dates, datetime.combine(at, time(), UTC)), stream="f_#")
        for at, earlier in reversed(history)
    )
    delivery = Delivery("d", "orders", "f_1", "ab" * 32, 1, datetime.combine(landed, time(4), UTC), "csv", "r")
    return [d.kind for d in suspicions(outcome(days), DUE, SOURCE, delivery, True, past)] == ["date_order"]


def alarms(series: Iterable[Sent]) -> list[Sent]:
    """Those of a series that would have been suspected when they came, with a memory of sixty deliveries."""
    seen: list[Sent] = []
    found: list[Sent] = []
    for sent in series:
        if suspected(sent, seen[-60:]):
            found.append(sent)
        seen.append(sent)
    return found


def daily(start: date = date(2026, 1, 1), days: int = 365) -> Iterator[Sent]:
    for n in range(days):
        day = start + timedelta(days=n)
        yield day + timedelta(days=1), [day] * 3


def monthly_to_date() -> Iterator[Sent]:
    for landed, (day, *_) in daily():
        yield landed, [day.replace(day=n) for n in range(1, day.day + 1)]


def weekly() -> Iterator[Sent]:
    for n in range(52):
        first = date(2026, 1, 5) + timedelta(days=7 * n)
        yield first + timedelta(days=7), [first + timedelta(days=d) for d in range(7)]


def of_birth() -> Iterator[Sent]:
    source = random.Random(3)
    for landed, _ in daily():
        yield landed, [date(source.randrange(1940, 2008), source.randrange(1, 13), source.randrange(1, 29)) for _ in range(2)]


def ahead() -> Iterator[Sent]:
    """Payments that are due within three months."""
    source = random.Random(4)
    for landed, _ in daily():
        yield landed, [landed + timedelta(days=source.randrange(0, 90)) for _ in range(source.randrange(1, 5))]


def at_once() -> Iterator[Sent]:
    """A year of daily files that all land on one day."""
    for _, days in daily():
        yield date(2027, 3, 1), days


def with_silences() -> Iterator[Sent]:
    for n, sent in enumerate(daily()):
        if n < 20 or n % 50 < 15:
            yield sent


@pytest.mark.parametrize("series", [daily, monthly_to_date, weekly, of_birth, ahead, at_once, with_silences])
def test_a_year_of_ordinary_files_is_never_suspected(series) -> None:
    assert alarms(series()) == []


@pytest.mark.parametrize("memory", [6, 60])
def test_a_turned_file_in_a_daily_series_is_suspected_on_every_day_that_can_be_turned(memory: int) -> None:
    sent = list(daily())
    for n in range(memory, 365):
        landed, days = sent[n]
        if days[0].day <= 12 and days[0].day != days[0].month:
            assert suspected((landed, [turned(day) for day in days]), sent[n - memory : n]), days[0]


def test_a_turned_file_is_suspected_where_all_the_past_landed_at_once() -> None:
    sent = list(at_once())
    found = [n for n in range(10, 365) if sent[n][1][0].day <= 12 and sent[n][1][0].day != sent[n][1][0].month]
    hit = [n for n in found if suspected((sent[n][0], [turned(day) for day in sent[n][1]]), sent[n - 8 : n])]
    assert len(hit) > 0.9 * len(found)


def test_a_month_to_date_that_comes_turned_is_spread_over_the_year_and_suspected() -> None:
    history = list(monthly_to_date())[:59]
    days = [turned(date(2026, 3, n)) for n in range(1, 13)]
    assert suspected((date(2026, 3, 13), days), history)


def test_a_short_past_tells_nothing() -> None:
    sent = list(daily(date(2026, 3, 1)))
    assert not suspected((sent[4][0], [turned(day) for day in sent[4][1]]), sent[:4])
