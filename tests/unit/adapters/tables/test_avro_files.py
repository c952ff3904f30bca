"""Avro files: read back as written, and never shorter than they were."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField, StringType

from startrail.adapters.tables.avro import Form

FORM: Form[Record] = Form(
    "pair",
    Schema(NestedField(1, "n", LongType(), required=True), NestedField(2, "s", StringType(), required=False)),
    {-1: Record},
    {},
)


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.text())))
def test_what_was_written_is_read(rows: list[tuple[int, str | None]]) -> None:
    assert FORM.read(FORM.write({"k": "v"}, [Record(*row) for row in rows])) == [Record(*row) for row in rows]


def test_a_file_cut_off_anywhere_is_an_error_or_has_lost_its_only_block() -> None:
    whole = FORM.write({}, [Record(n, "x" * n) for n in range(20)])
    header = len(FORM.write({}, []))
    for size in range(len(whole)):
        if size == header:
            continue
        with pytest.raises(Exception):  # noqa: B017 - a decoder of arbitrary bytes may raise anything; `reading` turns it into ST551
            FORM.read(whole[:size])


def test_a_byte_changed_in_the_block_never_goes_unnoticed_as_other_counts() -> None:
    whole = FORM.write({}, [Record(n, "x") for n in range(20)])
    header = len(FORM.write({}, []))
    for at in range(header, len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        with contextlib.suppress(Exception):
            assert len(FORM.read(damaged)) == 20
