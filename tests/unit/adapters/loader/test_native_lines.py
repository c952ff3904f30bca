"""Bytes to whole lines, whatever the size of a block."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startrail.adapters.loader import blocks
from startrail.adapters.loader.blocks import BOM, Block, Unreadable, ndjson
from startrail.adapters.loader.native import lines as native_lines
from startrail.adapters.loader.native.lines import Lines, lines_from, lines_of

texts = st.lists(st.sampled_from((b"a", b"bb", b"\n", b"\n", b"\r\n", b"x" * 30, b"y" * 70, BOM)), min_size=1).map(b"".join)


def given_back(found: list[Lines | Block]) -> list[bytes]:
    """Lines and records beyond the limit, in order; a sentinel stands behind each block of lines."""
    made: list[bytes] = []
    for block in found:
        if isinstance(block, Block):
            made.append(b"too long: " + block.raws[0])
            continue
        lines = bytes(block.buffer[block.start : block.start + block.size])
        assert block.buffer[block.start + block.size] == ord("\n")
        assert len(block.buffer) - block.start - block.size > 64
        assert block.whole == lines.endswith(b"\n")
        made += lines.split(b"\n")[:-1] if block.whole else lines.split(b"\n")
    return made


@given(texts, st.integers(8, 100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_line_comes_once_and_in_order(monkeypatch: pytest.MonkeyPatch, data: bytes, size: int) -> None:
    monkeypatch.setattr(native_lines, "CHUNK", size)
    lines = data.removeprefix(BOM).split(b"\n")
    assert given_back(list(lines_from(io.BytesIO(data)))) == (lines if lines[-1] else lines[:-1])


@given(texts, st.integers(8, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_same_records_are_too_long_for_both_readers(monkeypatch: pytest.MonkeyPatch, data: bytes, size: int) -> None:
    for module in (blocks, native_lines):
        monkeypatch.setattr(module, "LONGEST", 60)
    monkeypatch.setattr(blocks, "KEPT", 10)
    monkeypatch.setattr(native_lines, "CHUNK", size)
    monkeypatch.setattr(blocks, "BLOCK", size)
    ours = [line for line in given_back(list(lines_from(io.BytesIO(data)))) if line.strip()]
    theirs = [
        line
        for block in ndjson(io.BytesIO(data))
        for line in ([b"too long: " + block.raws[0]] if block.own else block.lines.split(b"\n"))
        if line.strip()
    ]
    assert ours == theirs


def test_nothing_at_all_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="empty"):
        list(lines_from(io.BytesIO(b"")))


def test_blocks_in_memory_get_their_sentinel_and_those_of_our_own_making_stay() -> None:
    own = Block(b"{}\n", (b"raw",))
    found = list(lines_of(iter([Block(b"{}"), own])))
    assert given_back(found[:1]) == [b"{}"]
    assert found[1] is own
