"""Drifted files and two clean ones, each with what its producer meant.

A file is the seventh of its feed; six ordinary ones came before, so that there is a past to hold it against. ``meant``
says for each record what its values mean, or None for a record that has no meaning under the contract.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

ROWS = 1000
COLUMNS = ("id", "name", "amount", "placed_on", "quantity", "status", "email")
_STATUS = ("new", "paid", "sent")

Row = dict[str, Any]
Meant = dict[str, "Row | None"]


class Case(NamedTuple):
    """``form`` is csv or ndjson. ``kept``: a field that the contract does not know, which must not be lost."""

    name: str
    form: str
    data: bytes
    meant: dict[int, Row | None]
    kept: str | None = None
    harmless: bool = False
    """Nothing is wrong with it, and a tool need not say a word."""


def row(number: int) -> Row:
    """An ordinary record; the amount is text, so that a file can be written from it exactly."""
    return {
        "id": number,
        "name": f"customer {number}",
        "amount": f"{10 + number % 90}.{number % 100:02d}",
        "placed_on": f"2026-10-{number % 28 + 1:02d}",
        "quantity": number % 9 + 1,
        "status": _STATUS[number % 3],
        "email": f"c{number}@example.net",
    }


def ordinary(form: str, day: int, count: int = ROWS) -> bytes:
    """A file as promised; ids do not repeat from day to day."""
    made = [row(number) for number in range(day * 1_000_000, day * 1_000_000 + count)]
    return _csv(made) if form == "csv" else _ndjson(made)


def cases() -> list[Case]:
    """All of them, on the seventh day."""
    found = [_changed("as promised", form, lambda each: each)._replace(harmless=True) for form in ("csv", "ndjson")]
    for form in ("csv", "ndjson"):
        found += [
            _changed("new field", form, lambda each: each | {"tier": "gold"}, kept="tier"),
            _changed("required field missing", form, lambda each: _without(each, "amount"), lost=True),
            _changed("renamed field", form, lambda each: _renamed(each, "email", "e_mail"), meaning=lambda each: each),
            _some("null in a required field", form, {"amount": None if form == "ndjson" else ""}),
            _some("1.5 in a whole number", form, {"quantity": 1.5}),
            _some("text in a number", form, {"quantity": "two"}),
            _some("unknown enum value", form, {"status": "void"}),
            _some("impossible date", form, {"placed_on": "2026-02-30"}),
            _some("amount with three decimals", form, {"amount": "12.345"}),
            _changed("cents for euros", form, _in_cents, meaning=lambda each: each),
            _repeated(form),
        ]
    made = [row(number) for number in _numbers()]
    clean = _csv(made)
    found += [
        Case("other column order", "csv", _csv(made, (*COLUMNS[2:], *COLUMNS[:2])), _meant(made), harmless=True),
        Case("other delimiter", "csv", clean.replace(b",", b";"), _meant(made)),
        Case("no header", "csv", clean.split(b"\n", 1)[1], _meant(made)),
        _changed(
            "decimal comma", "csv", lambda each: each | {"amount": each["amount"].replace(".", ",")}, meaning=lambda each: each
        ),
        _changed("month before day, days up to 12", "csv", _swapped, meaning=_early),
        Case("empty file", "csv", b"", _meant(made)),
        Case("cut in the middle", "ndjson", _ndjson(made)[: _cut(made)], _half(made)),
    ]
    return found


def _numbers() -> range:
    return range(7_000_000, 7_000_000 + ROWS)


def _meant(made: list[Row]) -> dict[int, Row | None]:
    return {each["id"]: each for each in made}


def _changed(
    name: str,
    form: str,
    change: Callable[[Row], Row],
    *,
    kept: str | None = None,
    lost: bool = False,
    meaning: Callable[[Row], Row] | None = None,
) -> Case:
    """Every record changed. ``lost``: none of them has a meaning any more."""
    made = [row(number) for number in _numbers()]
    sent = [change(each) for each in made]
    meant: dict[int, Row | None] = {}
    for each, new in zip(made, sent, strict=True):
        meant[each["id"]] = None if lost else (meaning or (lambda _, new=new: new))(each)
    return Case(name, form, _csv(sent) if form == "csv" else _ndjson(sent), meant, kept)


def _some(name: str, form: str, values: Row) -> Case:
    """Ten of the thousand have these values, which have no meaning under the contract."""
    made = [row(number) for number in _numbers()]
    sent = [each | values if each["id"] % 100 == 7 else each for each in made]
    meant = {each["id"]: None if each["id"] % 100 == 7 else each for each in made}
    return Case(name, form, _csv(sent) if form == "csv" else _ndjson(sent), meant)


def _repeated(form: str) -> Case:
    """Ten records come twice under one key, the second time with another amount: nobody knows which is right."""
    made = [row(number) for number in _numbers()]
    again = [each | {"amount": "1.00"} for each in made if each["id"] % 100 == 7]
    sent = made + again
    return Case("key that comes twice", form, _csv(sent) if form == "csv" else _ndjson(sent), _meant(made))


def _without(each: Row, name: str) -> Row:
    return {key: value for key, value in each.items() if key != name}


def _renamed(each: Row, old: str, new: str) -> Row:
    return {new if key == old else key: value for key, value in each.items()}


def _in_cents(each: Row) -> Row:
    return each | {"amount": each["amount"].replace(".", "").lstrip("0") + ".00"}


def _early(each: Row) -> Row:
    """The meaning of :func:`_swapped`: days of October up to the twelfth."""
    return each | {"placed_on": f"2026-10-{each['id'] % 12 + 1:02d}"}


def _swapped(each: Row) -> Row:
    year, month, day = _early(each)["placed_on"].split("-")
    return each | {"placed_on": f"{year}-{day}-{month}"}


def _half(made: list[Row]) -> dict[int, Row | None]:
    count = _ndjson(made)[: _cut(made)].count(b"\n")
    return {each["id"]: each if at < count else None for at, each in enumerate(made)}


def _cut(made: list[Row]) -> int:
    """About half, and not where a record ends."""
    return len(_ndjson(made)) // 2 - 20


def _ndjson(made: list[Row]) -> bytes:
    return b"".join(json.dumps(_as_json(each)).encode() + b"\n" for each in made)


def _as_json(each: Row) -> Row:
    """An amount is a number in JSON."""
    amount = each.get("amount")
    return each if amount is None else each | {"amount": float(amount)}


def _csv(made: list[Row], columns: tuple[str, ...] | None = None) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(made[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue().encode()
