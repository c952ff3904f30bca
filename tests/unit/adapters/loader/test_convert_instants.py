"""Instants that passed the gate: what SQL finds fine is what the specification says, to the microsecond."""

from __future__ import annotations

from datetime import datetime
from itertools import product

import duckdb
import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader.convert import conversion
from startrail.adapters.loader.gate import Gate
from startrail.model import exact

INSTANT = field("at", "timestamptz")
DAYS = ("2026-01-01", "2024-02-29", "0001-01-01", "0001-01-04", "9999-12-31", "2026-02-29", "0999-12-31")
FRACTIONS = ("", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".1234567", ".12345678", ".123456000")
ZONES = ("Z", "z", "+02:00", "-09:30", "+0200", "-0000", "+00:00", "-00:00", "+23:59", "+14:00", "")
TEXTS = ["".join(parts) for parts in product(DAYS, "T t", ("10:00:00", "23:59:00", "00:00:59"), FRACTIONS, ZONES)]


def judged(texts: list[str]) -> list[tuple[str, bool, object]]:
    """Of the texts that the gate lets pass: whether they are fine, and the microseconds that they are."""
    gate = Gate(contract(INSTANT))
    passed = [text for text in texts if gate.passes(msgspec.json.encode({"at": text}) + b"\n") is not None]
    found = conversion(INSTANT, "s", "json")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE texts (s VARCHAR)")
        if passed:
            connection.execute("INSERT INTO texts SELECT UNNEST(?)", [passed])
        made = f"SELECT s, {found.value} AS v FROM texts"
        query = f"SELECT s, coalesce({found.fine_of('v', 's')}, false), epoch_us(v) FROM ({made})"
        return connection.execute(query).fetchall()


def microseconds(instant: datetime) -> int:
    since = instant - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def agrees(text: str, fine: bool, value: object) -> bool:
    """What is not fine goes to the judge, and may be anything."""
    return not fine or microseconds(exact.scalar(text, INSTANT)) == value


def test_every_way_to_write_an_instant() -> None:
    found = judged(TEXTS)
    assert len(found) > 1000
    assert [text for text, fine, value in found if not agrees(text, fine, value)] == []


def test_the_usual_ways_need_no_judge() -> None:
    usual = [f"2026-01-01T10:00:00{tail}" for tail in ("Z", ".123Z", ".123456Z", "+02:00", ".123456+05:30", "-09:30")]
    assert all(fine for _, fine, _ in judged(usual))


@given(
    st.from_regex(
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:00(\.[0-9]{1,9})?([zZ]|[+-][0-2][0-9]:?[0-5]0)", fullmatch=True
    )
)
@example("2026-01-01T10:00:00.1234567+0200")
@example("2026-01-01T10:00:00.123456+02:00")
@settings(deadline=None, max_examples=40)
def test_any_instant(text: str) -> None:
    assert all(agrees(*each) for each in judged([text]))
