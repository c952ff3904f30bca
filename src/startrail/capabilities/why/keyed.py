"""The next best thing when a gap cannot be attributed: keys that one side counts, and keys that both count differently."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from startrail.capabilities.why.explain import Side
from startrail.lineage.gap.keyed import by_key, largest_query, summary_query
from startrail.lineage.metric.time import Window
from startrail.ports.warehouse import Query, Warehouse


class Keys(msgspec.Struct, frozen=True):
    """Some keys: how many, and what A and B count of them."""

    count: int = 0
    a: Decimal = Decimal(0)
    b: Decimal = Decimal(0)


class KeyRow(msgspec.Struct, frozen=True):
    """One key, in the order of :attr:`Keyed.key`; None = a side has no row or value of it."""

    key: tuple[str | None, ...]
    a: Decimal | None
    b: Decimal | None
    change: Decimal


class Keyed(msgspec.Struct, frozen=True):
    """Two numbers by key. ``additive``: whether the keys of a side sum to its number; by cause they never do."""

    a: str
    b: str
    key: tuple[str, ...]
    only_a: Keys
    only_b: Keys
    differing: Keys
    same: Keys
    largest: tuple[KeyRow, ...]
    additive: bool
    period: str | None = None


def keyed(a: Side, b: Side, key: Sequence[str], window: Window | None, warehouse: Warehouse, period: str | None = None) -> Keyed:
    """Both sides by ``key``, which both sources have. Raises what the metrics' SQL and the warehouse raise."""
    one, two = (by_key(side.metric, key, window, side.kinds) for side in (a, b))
    relations = tuple({each.name: each for each in (*a.relations, *b.relations)}.values())

    def fetched(sql: str) -> list[tuple[Any, ...]]:
        return warehouse.fetch(Query(sql, relations)).rows

    met = {row[0]: Keys(int(row[1]), _number(row[2]) or Decimal(0), _number(row[3]) or Decimal(0)) for row in fetched(
        summary_query(one, two, len(key))
    )}  # fmt: skip
    largest = tuple(_row(row, len(key)) for row in fetched(largest_query(one, two, len(key))))
    none = Keys()
    return Keyed(
        a=a.label or a.metric.name, b=b.label or b.metric.name, key=tuple(key), only_a=met.get("a", none),
        only_b=met.get("b", none), differing=met.get("differs", none), same=met.get("same", none), largest=largest,
        additive=a.metric.agg in ("sum", "count") and b.metric.agg in ("sum", "count"), period=period,
    )  # fmt: skip


def _row(row: Sequence[Any], keys: int) -> KeyRow:
    a, b = (_number(item) for item in row[keys:])
    words = tuple(None if item is None else str(item) for item in row[:keys])
    return KeyRow(words, a, b, (b or Decimal(0)) - (a or Decimal(0)))


def _number(item: object) -> Decimal | None:
    try:
        return None if item is None else Decimal(str(item))
    except InvalidOperation:
        return None
