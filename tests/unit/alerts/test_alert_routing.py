"""Who is told of what, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.base.time import zone
from startrail.capabilities.alerts.quiet import quiet_until
from startrail.capabilities.alerts.routing import change_rows, rows_of, safe_key
from startrail.model.alert import IncidentChange, OutboxRow, Quiet, Route

NOON = datetime(2026, 10, 3, 12, tzinfo=UTC)
NIGHT = datetime(2026, 10, 3, 23, 30, tzinfo=UTC)
MORNING = datetime(2026, 10, 4, 7, tzinfo=UTC)
QUIET = Quiet("22:00", "07:00")


def route(*to: str, **more: Any) -> Route:
    return Route(to or ("chat",), Span("incidents/routes.yml"), **more)


def incident(**more: Any) -> IncidentChange:
    fields: dict[str, Any] = {"incident": "i1", "key": "k", "change": "opened", "severity": "error", "title": "held", "at": NOON}
    return IncidentChange(**(fields | more))


def rows(change: IncidentChange, *routes: Route, now: datetime = NOON) -> tuple[OutboxRow, ...]:
    return rows_of([change], {str(number): each for number, each in enumerate(routes)}, now, source="shop")


def told(change: IncidentChange, *routes: Route, now: datetime = NOON) -> dict[str, datetime]:
    return {row.endpoint: row.due_at for row in rows(change, *routes, now=now)}


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        ({}, True),
        ({"severity": "error"}, True),
        ({"severity": "page"}, False),
        ({"owners": ("finance",)}, True),
        ({"owners": ("growth",)}, False),
        ({"openers": ("* held",)}, True),
        ({"openers": ("delivery held", "x")}, True),
        ({"openers": ("held",)}, False),
        ({"owners": ("finance",), "openers": ("report late",)}, False),
    ],
)
def test_a_route_tells_what_it_names(wanted: dict[str, Any], is_told: bool):
    change = incident(owner="finance", opener="delivery held")
    assert bool(rows(change, route(**wanted))) is is_told


def test_two_routes_to_one_endpoint_are_one_alert_at_the_earlier_time():
    assert told(incident(at=NIGHT), route(quiet=QUIET), route(), now=NIGHT) == {"chat": NIGHT}


def test_quiet_hours_delay_and_drop_nothing():
    assert told(incident(), route(quiet=QUIET), now=NIGHT) == {"chat": MORNING}
    assert told(incident(), route(quiet=QUIET), now=NOON) == {"chat": NOON}


def test_a_page_breaks_quiet_hours():
    assert told(incident(severity="page"), route(quiet=QUIET), now=NIGHT) == {"chat": NIGHT}


def test_the_end_goes_to_everybody_who_may_know_of_the_beginning():
    """Whatever the severity and owner are by now; the outbox leaves out who was never told."""
    over = incident(change="resolved", severity="info", owner=None)
    assert set(told(over, route("pager", severity="page"), route("chat", owners=("finance",)))) == {"chat", "pager"}


def test_the_same_change_is_the_same_row_and_another_one_another():
    (first,), (same,), (other,) = (rows(incident(title=title), route()) for title in ("a", "a", "b"))
    assert first.id == same.id != other.id
    assert len({row.id for row in rows(incident(), route("chat", "pager"))}) == 2


HOSTILE = "@everyone <!channel> [x](http://evil.example) \x1b[2J\u202e"


def test_no_text_of_a_change_reaches_anybody_as_it_is():
    change = incident(
        incident=HOSTILE, title=HOSTILE, text=HOSTILE, owner=HOSTILE, opener=HOSTILE, key=HOSTILE,
        details={HOSTILE: HOSTILE}, link=HOSTILE,
    )  # fmt: skip
    routes = {"r": route(changes=True)}
    for row in (*rows(change, route()), *change_rows(HOSTILE, HOSTILE, routes, NOON, source=HOSTILE, link="javascript:alert(1)")):
        shown = msgspec.json.encode(row.alert).decode()
        for bad in ("@", "<", "](", "://", "\\u001b", "\u202e", "javascript"):
            assert bad not in shown, bad


def test_an_alert_never_has_an_empty_title():
    ((row),) = rows(incident(title="\n"), route())
    assert row.alert.title


@pytest.mark.parametrize(
    ("link", "kept"), [("https://h/x?a=1#b", True), ("ftp://h", False), ("https://h/<x>", False), ("x", False)]
)
def test_only_a_plain_http_link_is_passed_on(link: str, kept: bool):
    (row,) = rows(incident(link=link), route())
    assert (row.alert.link is not None) is kept


@given(st.text())
def test_any_key_becomes_one_that_every_endpoint_can_hold(key: str):
    safe = safe_key(key)
    assert 0 < len(safe) <= 200
    assert safe.isascii()
    assert safe.isprintable()


def test_changes_go_only_where_they_are_wanted():
    found = change_rows("deployed", "", {"a": route("chat", changes=True), "b": route("pager")}, NOON, source="shop")
    assert [(row.endpoint, row.alert.action, row.alert.severity) for row in found] == [("chat", "change", "info")]


# -- quiet hours -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (Quiet("22:00", "07:00", "Europe/Madrid"), "2026-10-03T20:00Z", "2026-10-04T05:00Z"),
        (Quiet("22:00", "07:00", "Europe/Madrid"), "2026-10-03T19:59Z", None),
        (Quiet("22:00", "07:00", "Europe/Madrid"), "2026-10-04T05:00Z", None),
        (Quiet("12:00", "13:00"), "2026-10-03T12:30Z", "2026-10-03T13:00Z"),
        (Quiet("12:00", "13:00"), "2026-10-03T13:00Z", None),
        # the clock goes from 02:00 to 03:00: half past two is when that hour would have passed
        (Quiet("22:00", "02:30", "Europe/Madrid"), "2026-03-28T23:00Z", "2026-03-29T01:30Z"),
        # the night has an hour more
        (Quiet("22:00", "07:00", "Europe/Madrid"), "2026-10-24T21:00Z", "2026-10-25T06:00Z"),
        # half past two comes twice: the first counts; in the second nobody waits any more
        (Quiet("22:00", "02:30", "Europe/Madrid"), "2026-10-24T23:00Z", "2026-10-25T00:30Z"),
        (Quiet("22:00", "02:30", "Europe/Madrid"), "2026-10-25T01:10Z", "2026-10-25T01:10Z"),
    ],
)
def test_quiet_hours_end_when_the_clock_of_their_zone_says(quiet: Quiet, now: str, until: str | None):
    expected = None if until is None else datetime.fromisoformat(until)
    assert quiet_until(quiet, datetime.fromisoformat(now)) == expected


TIMES = st.times().map(lambda time: f"{time:%H:%M}")
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(TIMES, TIMES, ZONES, st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))
def test_quiet_hours_end_within_a_day_and_then_it_is_not_quiet(after: str, until: str, name: str, now: datetime):
    quiet = Quiet(after, until, name)
    end = quiet_until(quiet, now)
    if after == until or end is None:
        return
    assert 0 <= (end - now).total_seconds() <= 26 * 3600
    wall = f"{end.astimezone(zone(name)):%H:%M}"
    assert end == now or wall >= until
