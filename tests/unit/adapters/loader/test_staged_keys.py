"""The cheap ways to look at staged rows say what the plain queries say."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader import keys
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.queries import Queries
from startrail.capabilities.contracts.load import raw_schema
from startrail.ports.loader import LoadTask, LocalFile

PROMISED = contract(field("k", "long", required=True), field("name", "string"), key=("k",))
TASK = LoadTask("d", "landed", "ndjson", PROMISED, raw_schema(PROMISED))
QUERIES = Queries(TASK, "json")
Rows = list[tuple[int, int | None, str]]
"""Ordinal, key, name."""


def staged(engine: Engine, parts: list[Rows]) -> list[LocalFile]:
    files: list[LocalFile] = []
    for index, rows in enumerate(filter(None, parts)):
        values = ", ".join(f"({o}::BIGINT, {'NULL' if k is None else repr(str(k))}::BIGINT, '{name}')" for o, k, name in rows)
        files += engine.copy(f"SELECT * FROM (VALUES {values}) AS t(_ordinal, k, name)", f"part-{index}")
    return files


numbers = st.none() | st.integers(-5, 60) | st.sampled_from((-(2**63), 2**63 - 1, 10**12))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(numbers, st.sampled_from("abc")), max_size=40), st.integers(1, 40))
@example([(1, "a"), (1, "b")], 1)
@example([(-(2**63), "a"), (2**63 - 1, "b")], 2)
@example([(-(2**63), "a"), (2 - 2**63, "b")], 2)
@example([(2**63 - 1, "a"), (2**63 - 3, "b")], 2)
def test_keys_that_certainly_differ_do(found: list[tuple[int | None, str]], cut: int) -> None:
    rows: Rows = [(at, *one) for at, one in enumerate(found, 1)]
    with tempfile.TemporaryDirectory() as folder, closing(Engine(Path(folder), memory=100_000_000, threads=1)) as engine:
        files = staged(engine, [rows[:cut], rows[cut:]])
        if not files:
            return
        for columns in (("k",), ("name",), ("k", "name")):
            expected = engine.number(QUERIES.count_repeated(files, columns)) > 0
            assert keys.repeats(engine, QUERIES, files, columns) == expected
            assert not (expected and keys.differ(engine, QUERIES, files, columns))
        numbers = [k for k, _ in found if k is not None]
        if numbers and max(numbers) - min(numbers) < 64 and len(set(numbers)) == len(numbers):
            assert keys.differ(engine, QUERIES, files, ("k",)), "otherwise nothing is won"


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(1, 50)), st.integers(0, 3), st.integers(0, 50), st.booleans())
@example({3, 4}, 0, 1, False)
def test_missing_ordinals_are_those_that_no_row_has(there: set[int], more: int, cut: int, turned: bool) -> None:
    ordinals = sorted(there)
    last = max(there, default=0) + more
    rows: Rows = [(ordinal, 1, "a") for ordinal in ordinals]
    parts = [rows[:cut], rows[cut:]]
    with tempfile.TemporaryDirectory() as folder, closing(Engine(Path(folder), memory=100_000_000, threads=1)) as engine:
        files = staged(engine, parts[::-1] if turned else parts)
        assert list(keys.missing(engine, QUERIES, files, last)) == [o for o in range(1, last + 1) if o not in there]


def test_more_gaps_than_are_remembered_are_found_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_MOST_GAPS", 3)
    with closing(Engine(tmp_path, memory=100_000_000, threads=1)) as engine:
        files = staged(engine, [[(ordinal, 1, "a") for ordinal in range(2, 20, 2)]])
        assert list(keys.missing(engine, QUERIES, files, 20)) == [*range(1, 20, 2), 20]
