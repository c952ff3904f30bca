"""What the values of typed columns show, by two plain queries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from startrail.ports.exchange import ColumnFacts

FEW = 12
"""So many different values are named."""


def column_facts(
    names: Sequence[str],
    nested: Collection[str],
    texts: Collection[str],
    source: str,
    quote: Callable[[str], str],
    run: Callable[[str], Sequence[Sequence[Any]]],
) -> tuple[ColumnFacts, ...]:
    """Rows and nulls of each column; of those that are not ``nested`` also how many values differ, and the values of
    ``texts`` when they are few. ``source`` is the FROM clause."""
    if not names:
        return ()
    parts = ["count(*)"]
    for name in names:
        column = quote(name)
        parts += [f"count({column})", "NULL" if name in nested else f"count(DISTINCT {column})"]
    # Every expression has a name of its own, since two columns that are alike would otherwise be one.
    row = run("SELECT " + ", ".join(f"{part} AS c{index}" for index, part in enumerate(parts)) + f" {source}")[0]
    found = []
    for index, name in enumerate(names):
        there, distinct = row[1 + 2 * index], row[2 + 2 * index]
        few: tuple[str, ...] = ()
        if name in texts and 0 < distinct <= FEW:
            column = quote(name)
            few = tuple(
                str(each[0]) for each in run(f"SELECT DISTINCT {column} AS c {source} WHERE {column} IS NOT NULL ORDER BY 1")
            )
        found.append(ColumnFacts(name, row[0], row[0] - there, distinct, few))
    return tuple(found)
