"""Text and JSON values become typed values exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.contracts.exact import JsonNumber, convert
from startrail.model.contract import Field, Format
from startrail.model.types import parse_type
from startrail.ports.loader import Violation


def value(text: object, kind: str, **form: Any) -> Any:
    found = convert(text, Field("x", parse_type(kind), format=Format(**form)))
    return found.rule if isinstance(found, Violation) else found


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("7", "int", 7), ("-0", "int", 0), ("7.00", "int", 7), ("1.5", "int", "inexact"), ("1e3", "int", "wrong_type"),
        ("+1", "int", "wrong_type"), (" 1 ", "int", "wrong_type"), ("007", "int", "wrong_type"), ("1.", "int", "wrong_type"),
        (".5", "double", "wrong_type"), ("0x10", "int", "wrong_type"), ("1_000", "int", "wrong_type"),
        ("\uff11", "int", "wrong_type"),
        ("2147483648", "int", "out_of_range"), ("9223372036854775807", "long", 2**63 - 1), ("9" * 500, "long", "out_of_range"),
        ("12.345", "decimal(10,2)", "inexact"), ("12.340", "decimal(10,2)", Decimal("12.34")),
        ("12.3", "decimal(10,2)", Decimal("12.30")),
        ("-0.00", "decimal(10,2)", Decimal("0.00")), ("100000000.00", "decimal(10,2)", "out_of_range"),
        ("9" * 39, "decimal(38,0)", "out_of_range"), ("9" * 38, "decimal(38,0)", Decimal("9" * 38)),
        ("1e400", "double", "out_of_range"), ("9007199254740993", "double", "inexact"), ("9007199254740992", "double", 2.0**53),
        ("16777217", "float", "inexact"), ("NaN", "double", "wrong_type"), ("Infinity", "double", "wrong_type"),
        ("1e22", "double", 1e22),
        ("true", "boolean", True), ("TRUE", "boolean", "wrong_format"), ("1", "boolean", "wrong_format"),
        ("yes", "boolean", "wrong_format"),
        ("2026-10-03", "date", date(2026, 10, 3)), ("2026-02-29", "date", "wrong_format"),
        ("2026-13-01", "date", "wrong_format"),
        ("0000-01-01", "date", "wrong_format"), ("10000-01-01", "date", "wrong_format"), ("03/10/2026", "date", "wrong_format"),
        ("14:05:00.5", "time", time(14, 5, 0, 500_000)), ("24:00:00", "time", "wrong_format"),
        ("23:59:60", "time", "wrong_format"),
        ("2026-10-03T14:05:00", "timestamp", datetime(2026, 10, 3, 14, 5)),
        ("2026-10-03 14:05:00", "timestamp", datetime(2026, 10, 3, 14, 5)),
        ("2026-10-03T14:05:00Z", "timestamp", "wrong_format"), ("2026-10-03T14:05:00", "timestamptz", "wrong_format"),
        ("2026-10-03T14:05:00+02:00", "timestamptz", datetime(2026, 10, 3, 12, 5, tzinfo=UTC)),
        ("2026-10-03T14:05:00+00:60", "timestamptz", "wrong_format"),
        ("2026-10-03T14:05:00.123456789Z", "timestamptz", "inexact"),
        ("2026-10-03T14:05:00.123456000Z", "timestamptz", datetime(2026, 10, 3, 14, 5, 0, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", "timestamptz", "wrong_format"),
        ("a\0b", "string", "malformed"), ("\ud800", "string", "malformed"), ("e\u0301", "string", "e\u0301"),
        ("123e4567-e89b-12d3-a456-426614174000", "uuid", UUID("123e4567-e89b-12d3-a456-426614174000")),
        ("123e4567e89b12d3a456426614174000", "uuid", "wrong_format"), ("YWI=", "binary", b"ab"),
        ("YWI", "binary", "wrong_format"),
        ("YWJ=", "binary", "wrong_format"),
    ],
)  # fmt: skip
def test_text_is_taken_only_when_it_is_exact(text: str, kind: str, expected: object) -> None:
    found = value(text, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("1e3", "int", 1000), ("1.0", "int", 1), ("1e-3", "int", "inexact"), ("9007199254740993.0", "long", 9007199254740993),
        ("9007199254740993", "double", "inexact"), ("1e999999999999", "decimal(10,2)", "out_of_range"),
        ("1.2e1", "decimal(3,1)", Decimal("12.0")),
        ("5", "string", "wrong_type"), ("1", "boolean", "wrong_type"), ("20261003", "date", "wrong_type"),
    ],
)  # fmt: skip
def test_a_json_number_is_taken_by_its_value_and_never_as_text(text: str, kind: str, expected: object) -> None:
    assert value(JsonNumber(text), kind) == expected


def test_a_json_boolean_is_only_a_boolean() -> None:
    assert value(True, "boolean") is True
    assert value(True, "int") == "wrong_type"
    assert value(True, "string") == "wrong_type"


def test_declared_forms_replace_the_iso_form() -> None:
    assert value("03/10/2026", "date", pattern="%d/%m/%Y") == date(2026, 10, 3)
    assert value("2026-10-03", "date", pattern="%d/%m/%Y") == "wrong_format"
    assert value("31/02/2026", "date", pattern="%d/%m/%Y") == "wrong_format"
    assert value("12,5", "decimal(10,2)", decimal_separator=",") == Decimal("12.50")
    assert value("12.5", "decimal(10,2)", decimal_separator=",") == "wrong_format"
    assert value("ja", "boolean", true_words=("ja",), false_words=("nein",)) is True


def test_a_wall_time_becomes_an_instant_only_where_clocks_show_it_once() -> None:
    madrid = {"timezone": "Europe/Madrid"}
    assert value("2026-10-03T14:05:00", "timestamptz", **madrid) == datetime(2026, 10, 3, 12, 5, tzinfo=UTC)
    assert value("2026-10-25T02:30:00", "timestamptz", **madrid) == "wrong_format", "shown twice"
    assert value("2026-03-29T02:30:00", "timestamptz", **madrid) == "wrong_format", "skipped"


def test_a_violation_says_what_was_expected_and_shows_what_came() -> None:
    found = convert("1.5\x1b[31m", Field("amount", parse_type("int")), "$.amount")
    assert isinstance(found, Violation)
    assert found.path == "$.amount"
    assert "int" in found.expected
    assert "\x1b" not in found.got


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_a_decimal_is_never_changed(number: Decimal) -> None:
    found = value(f"{number:f}", "decimal(18,2)")
    assert found == "inexact" or found == number
    assert value(f"{number:f}", "decimal(18,4)") == number


@given(st.integers(-(2**70), 2**70))
def test_an_integer_is_itself_or_out_of_range(number: int) -> None:
    found = value(str(number), "long")
    assert found == number if -(2**63) <= number < 2**63 else found == "out_of_range"


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
def test_an_instant_in_iso_form_comes_back(moment: datetime) -> None:
    assert value(moment.isoformat() + "+00:00", "timestamptz") == moment.replace(tzinfo=UTC)
    assert value(moment.isoformat(sep=" "), "timestamp") == moment


@given(
    st.text(),
    st.sampled_from(["int", "double", "decimal(10,2)", "date", "time", "timestamp", "timestamptz", "uuid", "binary", "boolean"]),
)
def test_any_text_is_taken_or_refused_but_never_an_error(text: str, kind: str) -> None:
    value(text, kind)
    value(JsonNumber(text), kind)
