"""Whether the keys of staged rows differ, found out in the cheapest way."""

from __future__ import annotations

from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.queries import Queries
from startrail.ports.loader import LocalFile

_MOST_BITS = 200_000_000
_SPARSE = 64
"""Bits for a row: where whole numbers are spread wider, sorting them out takes less memory."""


def repeats(engine: Engine, queries: Queries, files: list[LocalFile], columns: tuple[str, ...]) -> bool:
    """Whether a key stands in two rows; null is never a repetition."""
    return not differ(engine, queries, files, columns) and engine.number(queries.count_repeated(files, columns)) > 0


def differ(engine: Engine, queries: Queries, files: list[LocalFile], columns: tuple[str, ...]) -> bool:
    """True when all keys certainly differ, which is quick to see of whole numbers that lie close together."""
    if not queries.whole_numbers(columns):
        return False
    ((low, high, rows),) = engine.rows(queries.bounds(files, columns[0]))
    if not rows:
        return True
    if high - low >= min(_MOST_BITS, _SPARSE * rows):
        return False
    return engine.number(queries.different(files, columns[0], low, high)) == rows
