"""A file with a few broken lines is read where it lies: what becomes of each line is what the judge alone would say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import Loaded, contract, field, load_bytes

from startrail.adapters.loader import blocks, gate, in_place, spooled
from startrail.adapters.loader.native.library import CHOICE
from startrail.model.contract import Contract

FIELDS = (
    field("id", "long"),
    field("amount", "decimal(10,2)"),
    field("status", "string", enum=("paid", "lost")),
    field("at", "timestamptz"),
    field("who", "struct<id: int, name: string>"),
    field("tags", "map<string, int>"),
)
LOOSE = contract(*FIELDS)
STRICT = contract(field("key", "long", required=True), *FIELDS, key=("key",))
MEMBERS = (
    '"id":1', '"amount":"1.50"', '"amount":2.5', '"status":"paid"', '"at":"2026-10-03T14:05:00Z"', '"who":{"id":1,"name":"a, b"}',
    '"tags":{"a":1,"b":2}', '"id":null',
)  # fmt: skip
ODD = (
    '"id":1.5', '"id":"x"', '"amount":"N/A"', '"status":"other"', '"at":"2026-10-03T14:05:00.1234567Z"', '"who":{"id":1,"vat":2}',
    '"tags":{"a":1,"a":2}', '"new":[1]', '"id":1,"id":1', '"who":{"id":1,"id":1}', '"who":5', '"status":"\\ud800"', '"id":1e400',
    '"_ordinal":7', '"_extra":"x"', '"amount":1.100000000000000001', '"status":"\\u0000"',
)  # fmt: skip
BROKEN = (
    b"", b"  ", b"\r", b"x", b"[]", b"1", b"null", b"{", b'{"id":1}{"id":2}', b'{"id":1} {"id":2}', b'{"id":\n1}',
    b'{"status":"\xff"}', b"{}", b'{"id":null}', b'\xef\xbb\xbf{"id":1}', b'{"id":1},', b'{"id":1}\x0b',
)  # fmt: skip
odd_lines = st.sampled_from(ODD).map(lambda odd: ("{" + odd + "}").encode()) | st.sampled_from(BROKEN)


@pytest.fixture(autouse=True, scope="module")
def many_small_blocks() -> Iterator[None]:
    """So that a few lines are a file of many blocks, and nearly all limits are met. Of the two readers it is the one
    without the library that is meant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CHOICE, "msgspec")
        patch.setattr(blocks, "BLOCK", 160)
        patch.setattr(gate, "_WATCHED", 700)
        patch.setattr(in_place, "_MOST_WAITING", 200)
        yield


@st.composite
def deliveries(draw: st.DrawFn) -> bytes:
    """Mostly good lines, whose keys rarely repeat."""
    texts: list[bytes] = []
    share = draw(st.sampled_from((0, 1, 1, 4)))
    for number in range(draw(st.integers(0, 40))):
        if draw(st.integers(0, 9)) < share:
            texts.append(draw(odd_lines))
            continue
        members = draw(st.lists(st.sampled_from(MEMBERS), max_size=6, unique_by=lambda member: member.split(":")[0]))
        key = draw(st.integers(0, 9)) if draw(st.integers(0, 9)) == 0 else number
        texts.append(("{" + ",".join([f'"key":{key}', *members]) + "}").encode())
    return b"\n".join(texts) + draw(st.sampled_from((b"", b"\n", b"\n\n")))


def told(loaded: Loaded) -> tuple[object, ...]:
    rows = loaded.rows("COLUMNS(* EXCLUDE (_extra)), CAST(json(_extra) AS VARCHAR) AS e")
    return loaded.counts, loaded.held, loaded.kept, loaded.refused(), list(map(str, rows))


def both(root: Path, data: bytes, promised: Contract, *, copied: bool | None = None) -> Loaded:
    """What the quick way makes of it, which is what the careful way makes of it. ``copied``: whether lines were."""
    spools: list[str] = []
    real = spooled.Spool

    def spool(engine: Any, query: Any, name: str, schema: Any) -> Any:
        spools.append(name)
        return real(engine, query, name, schema)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled, "Spool", spool)
        quick = load_bytes(root, data, promised)
    assert copied is None or bool(spools) == copied
    assert told(quick) == told(load_bytes(root, data, promised, careful=True))
    return quick


@pytest.mark.parametrize("promised", [LOOSE, STRICT], ids=["loose", "strict"])
@pytest.mark.parametrize("at_first", [2, 50])
@settings(deadline=None, max_examples=5)
@given(data=deliveries())
@example(data=b"\n".join([b'{"key":1}', *BROKEN, *[("{" + odd + "}").encode() for odd in ODD], b'{"key":2}']))
@example(data=b'{"key":1}\n{"key":2}{"key":3}\n{"key":4}\n{"key":5,"id":1.5}\n{"key":\n6}\n')
def test_in_place_or_copied_each_line_goes_where_the_judge_says(at_first: int, promised: Contract, data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(in_place, "_AT_FIRST", at_first)
        both(Path(folder), data, promised)


def good(count: int, start: int = 0) -> list[bytes]:
    return [b'{"key":%d,"id":1,"who":{"id":2,"name":"x"}}' % number for number in range(start, start + count)]


def test_nothing_is_copied_for_a_few_broken_lines(tmp_path: Path) -> None:
    lines = [*good(5), b'{"key":5,"id":1.5}', b"{", *good(90, 10), b'{"key":100,"id":1,"id":1}', b'{"key":101,"status":"other"}']
    loaded = both(tmp_path, b"\n".join(lines), STRICT, copied=False)
    assert loaded.counts == (99, 95, 4, 0)
    assert "careful" not in loaded.output.note


def test_a_line_with_two_values_beside_a_broken_one_gives_way_to_the_judge(tmp_path: Path) -> None:
    lines = [b"{", *good(2), b'{"key":7}{"key":8}', b"", *good(3, 10)]
    assert both(tmp_path, b"\n".join(lines), STRICT).counts == (7, 5, 2, 0)


def test_where_many_lines_are_broken_the_others_are_copied(tmp_path: Path) -> None:
    lines = [line for number in range(200) for line in (*good(2, 2 * number), b'{"key":1.5}')]
    loaded = both(tmp_path, b"\n".join(lines), STRICT, copied=True)
    assert loaded.counts == (600, 400, 200, 0)
    assert "careful" not in loaded.output.note


def test_a_key_that_stands_twice_far_behind_the_first_broken_line_is_found(tmp_path: Path) -> None:
    lines = [b"{", *good(100), b'{"key":200,"who":{"id":1,"id":1}}', *good(3, 300)]
    assert both(tmp_path, b"\n".join(lines), STRICT, copied=False).rules() == {
        1: [("$", "malformed")],
        102: [("$", "duplicate_key")],
    }


def test_a_line_that_breaks_after_keys_were_no_longer_watched_is_found_all_the_same(tmp_path: Path) -> None:
    lines = [*good(100), b'{"key":200,"id":1,"id":1}', b"{", *good(3, 300)]
    assert both(tmp_path, b"\n".join(lines), STRICT).rules() == {101: [("$", "duplicate_key")], 102: [("$", "malformed")]}


def test_a_mark_at_the_start_and_blank_lines_count_for_nothing(tmp_path: Path) -> None:
    lines = [b"\xef\xbb\xbf" + good(1)[0], b"", b"  ", b"{", *good(50, 1), b"", b'{"key":99,"amount":"N/A"}', b""]
    assert both(tmp_path, b"\n".join(lines), STRICT, copied=False).counts == (53, 51, 2, 0)
