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


@pytest.mark.parametrize("verified", [True, False])
@given(rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.text())))
def test_what_was_written_is_read(verified: bool, rows: list[tuple[int, str | None]]) -> None:
    data = FORM.write({"k": "v"}, [Record(*row) for row in rows])
    assert FORM.read(data, verified=verified) == [Record(*row) for row in rows]


def test_a_file_cut_off_anywhere_is_an_error_unless_its_whole_block_is_gone() -> None:
    whole = FORM.write({}, [Record(n, "x" * n) for n in range(20)])
    header = len(FORM.write({}, []))
    for size in range(len(whole)):
        if size != header:
            with pytest.raises(Exception):  # noqa: B017 - decoding damaged bytes may raise anything
                FORM.read(whole[:size], verified=False)


def test_a_changed_byte_is_an_error_or_leaves_the_number_of_records() -> None:
    whole = FORM.write({}, [Record(n, "x" * n) for n in range(20)])
    header = len(FORM.write({}, []))
    for at in range(header, len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        count = 20
        with contextlib.suppress(Exception):
            count = len(FORM.read(damaged, verified=False))
        assert count == 20
