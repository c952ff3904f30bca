"""Lines are found by counting where they would be if the bytes were taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.loader.blocks import Record
from startrail.adapters.loader.csv import places
from startrail.adapters.loader.csv.file import Row
from startrail.adapters.loader.csv.places import LineRecords, behind, repeated

lines = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"") + b"\n"), min_size=1, max_size=40)


@settings(max_examples=300, deadline=None)
@given(lines, st.data(), st.sampled_from([1, 5, 16, 2048]))
def test_a_line_stands_behind_all_before_it(found: list[bytes], data: st.DataObject, stride: int) -> None:
    first = data.draw(st.integers(0, len(found)))
    many = data.draw(st.integers(0, len(found) - first))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_STRIDE", stride)
        at = behind(b"".join(found), len(b"".join(found[:first])), many)
    assert at == len(b"".join(found[: first + many]))


@given(st.integers(0, 30), st.sampled_from([b"", b",", b",,\r\n", b",,,\n", b"\n"]), st.sampled_from([b"", b"\n", b",,,\n"]))
def test_a_unit_stands_so_many_times_in_a_row(times: int, end: bytes, before: bytes) -> None:
    assert repeated(b",,\n", before + b",,\n" * times + end, len(before)) == times


parts = st.lists(lines | st.binary(max_size=9).map(lambda raw: Row([], raw)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(parts, st.data())
def test_records_are_the_same_in_any_order(found: list[list[bytes] | Row], data: st.DataObject) -> None:
    plain: list[bytes | Row] = []
    firsts: list[int] = []
    for part in found:
        firsts.append(len(plain))
        plain += [part] if isinstance(part, Row) else [line[:-1] for line in part]
    joined = [part if isinstance(part, Row) else b"".join(part) for part in found]
    records = LineRecords(len(plain), joined, firsts, lambda each: Record(each if isinstance(each, bytes) else each.raw, b""))
    told = [each if isinstance(each, bytes) else each.raw for each in plain]
    for index in data.draw(st.lists(st.integers(0, max(len(plain) - 1, 0)), max_size=20)) if plain else ():
        assert records[index].line == told[index]
    assert [record.line for record in records] == told
    assert [record.line for record in records[1:3]] == told[1:3]
    with pytest.raises(IndexError):
        records[len(plain)]
