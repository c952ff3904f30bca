"""Column bounds: pyiceberg reads them as values on the right side of every value in the file."""

from __future__ import annotations

import decimal
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.conversions import from_bytes
from pyiceberg.types import BinaryType, DecimalType, StringType

from startrail.adapters.tables.bounds import in_order, lower_bound, upper_bound
from startrail.model.types import Decimal, Primitive

STRING, BINARY = Primitive("string"), Primitive("binary")


@given(st.text())
def test_text_lies_between_its_bounds(text: str) -> None:
    lower, upper = lower_bound(STRING, text.encode()), upper_bound(STRING, text.encode())
    assert lower is not None
    assert from_bytes(StringType(), lower).encode() <= text.encode()
    assert len(from_bytes(StringType(), lower)) <= 16
    if upper is not None:
        assert text.encode() <= upper
        assert len(from_bytes(StringType(), upper)) <= 16


@given(st.binary())
def test_bytes_lie_between_their_bounds(value: bytes) -> None:
    lower, upper = lower_bound(BINARY, value), upper_bound(BINARY, value)
    assert lower is not None
    assert from_bytes(BinaryType(), lower) <= value
    if upper is not None:
        assert value <= upper
        assert len(upper) <= 16


@pytest.mark.parametrize(
    ("kind", "value"), [(STRING, ("\U0010ffff" * 17).encode()), (BINARY, b"\xff" * 17), (STRING, b"\xff\xfe")]
)
def test_without_a_greater_text_there_is_no_upper_bound(kind: Primitive, value: bytes) -> None:
    assert upper_bound(kind, value) is None


def test_an_upper_bound_steps_over_the_surrogates() -> None:
    assert upper_bound(STRING, ("a" * 15 + "\ud7ff" + "b").encode()) == ("a" * 15 + "\ue000").encode()


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_a_decimal_is_its_own_bound_however_parquet_holds_it(unscaled: int) -> None:
    kind = Decimal(38, 2)
    raw = in_order(kind, unscaled.to_bytes(16, "big", signed=True))
    assert raw == in_order(kind, unscaled) == unscaled
    bound = lower_bound(kind, raw)
    assert bound is not None
    with decimal.localcontext(prec=50):
        assert from_bytes(DecimalType(38, 2), bound) == decimal.Decimal(unscaled).scaleb(-2)
    size = len(bound)
    assert size == 1 or not -(1 << (8 * size - 9)) <= unscaled < 1 << (8 * size - 9), "not the shortest form"


def test_nan_bounds_nothing() -> None:
    assert lower_bound(Primitive("double"), float("nan")) is None


def test_an_int_in_a_long_column_has_the_bound_of_a_long() -> None:
    assert lower_bound(Primitive("long"), 7) == struct.pack("<q", 7)
