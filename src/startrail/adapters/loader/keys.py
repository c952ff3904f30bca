"""What of staged rows is found out in the cheapest way: whether their keys differ, and which records are not among them."""

from __future__ import annotations

from collections.abc import Iterator

from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.queries import Queries
from startrail.ports.loader import LocalFile

_MOST_BITS = 200_000_000
_MOST_GAPS = 1_000_000
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


def missing(engine: Engine, queries: Queries, files: list[LocalFile], rows: int) -> Iterator[int]:
    """Ordinals from 1 to ``rows`` that no staged row has, ascending. Staged rows mostly stand in order."""
    if not files:
        yield from range(1, rows + 1)
        return
    gaps = _gaps(engine, queries, files, rows)
    if gaps is None:
        yield from (ordinal for (ordinal,) in engine.each(queries.missing(files, rows)))
    else:
        for start, stop in gaps:
            yield from range(start, stop)


def _gaps(engine: Engine, queries: Queries, files: list[LocalFile], rows: int) -> list[tuple[int, int]] | None:
    """None where rows do not ascend, or there are too many gaps to remember."""
    found: list[tuple[int, int]] = []
    last = 0
    for before, here in engine.each(queries.gaps(files)):
        if here <= before or before < last or len(found) == _MOST_GAPS:
            return None
        found.append((before + 1, here))
        last = here
    found.append((engine.number(queries.last(files)) + 1, rows + 1))
    many = sum(stop - start for start, stop in found)
    return found if many == rows - sum(file.rows for file in files) else None
