"""Seeded NDJSON orders: 15 columns with a nested object, a list of objects, decimals as text and timestamps."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

NEW_FIELD_FROM = 20_481
"""The first record that carries ``loyalty_tier``: one past the rows that engines sample when they infer a schema."""

_BATCH = 4_096
_CITIES = ("Madrid", "Sevilla", "Ávila", "A Coruña", "München", "Łódź", "Lyon", "Porto", "Gdańsk", "Zürich")
_TIERS = ("none", "silver", "gold")
_ORDER = (
    '{"order_id":%d,"status":"%s","placed_at":"%sT%sZ","updated_at":"%sT%s.%06d+02:00","delivery_day":"%s","store":%d,'
    '"currency":"%s","total":"%s","tax":"%s","discount":%s,"weight_kg":%s,"gift":%s,"note":%s,'
    '"customer":{"id":%d,"name":"Customer %d","city":"%s","country":"ES"},"items":[%s]%s}\n'
)


def lines(seed: int = 7, new_field_from: int = NEW_FIELD_FROM) -> Iterator[bytes]:
    """Endless NDJSON lines. From record ``new_field_from`` on, every record has one more field."""
    source = random.Random(seed)
    pools = _Pools(source)
    number = 0
    while True:
        for row in zip(*pools.columns(source), strict=True):
            number += 1
            tier = f',"loyalty_tier":"{source.choice(_TIERS)}"' if number >= new_field_from else ""
            yield (_ORDER % (number, *row, tier)).encode()


def write(path: Path, megabytes: int, *, seed: int = 7, new_field_from: int = NEW_FIELD_FROM) -> int:
    """Write about ``megabytes`` of orders; returns the number of records."""
    records, size, target = 0, 0, megabytes * 1_000_000
    with path.open("wb", buffering=1 << 20) as file:
        for line in lines(seed, new_field_from):
            records += 1
            size += file.write(line)
            if size >= target:
                return records
    raise AssertionError("unreachable: there is always another order")


def spoil(source: Path, target: Path, *, seed: int = 3) -> dict[str, int]:
    """Copy a file and break one record in a hundred, in ten ways that take turns by chance; returns how many by each."""
    random_source = random.Random(seed)
    told = dict.fromkeys(_SPOILS, 0)
    with source.open("rb") as whole, target.open("wb", buffering=1 << 20) as spoiled:
        for line in whole:
            if random_source.random() < 0.01:
                name = random_source.choice(list(_SPOILS))
                told[name] += 1
                line = _SPOILS[name](line)
            spoiled.write(line)
    return told


_SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "text in a number": lambda line: line.replace(b'"total":"', b'"total":"N/A', 1),
    "null in a required field": lambda line: re.sub(rb'"status":"[a-z]+"', b'"status":null', line, count=1),
    "unknown value": lambda line: re.sub(rb'"status":"[a-z]+"', b'"status":"lost"', line, count=1),
    "fraction in a whole number": lambda line: re.sub(rb'"store":([0-9]+)', rb'"store":\1.5', line, count=1),
    "another date format": lambda line: re.sub(
        rb'"delivery_day":"(....)-(..)-(..)"', rb'"delivery_day":"\3/\2/\1"', line, count=1
    ),
    "new field in an object": lambda line: line.replace(b'"country":"ES"', b'"country":"ES","vat":"X1"', 1),
    "key twice": lambda line: line.replace(b'"gift":', b'"gift":true,"gift":', 1),
    "cut": lambda line: line[:-30] + b"\n",
    "new field": lambda line: line[:-2] + b',"loyalty":3}\n',
    "wrong type": lambda line: line.replace(b'"weight_kg":', b'"weight_kg":"heavy","was":', 1),
}
_HARMLESS = frozenset({"new field in an object", "new field"})


def refused(told: dict[str, int]) -> int:
    """How many records the contract must refuse of those that were broken."""
    return sum(count for name, count in told.items() if name not in _HARMLESS)


class _Pools:
    """Values to draw from, written once: formatting each of twenty million values would take longer than loading."""

    def __init__(self, source: random.Random) -> None:
        self.days = [f"2026-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
        self.clocks = [f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}" for second in range(86_400)]
        self.totals = [f"{cents / 100:.2f}" for cents in source.sample(range(100, 10_000_000), 200_000)]
        self.taxes = [f"{cents / 100:.2f}" for cents in range(100_000)]
        self.discounts = ["null"] * 7 + [f'"{cents / 100:.2f}"' for cents in source.sample(range(10_000), 3)]
        self.weights = [repr(round(source.random() * 20, 3)) for _ in range(20_000)]
        self.notes = ["null"] * 4 + [json.dumps("leave at the door — ring twice", ensure_ascii=False)]
        self.items = [
            f'{{"sku":"SKU-{source.randrange(50_000):05d}","quantity":{source.randrange(1, 6)},'
            f'"unit_price":"{source.randrange(100, 20_000) / 100:.2f}"}}'
            for _ in range(200_000)
        ]

    def columns(self, source: random.Random) -> tuple[list[object], ...]:
        """One batch, a list per place of the template between the number and the late field."""

        def draw(pool: object) -> list[object]:
            return source.choices(pool, k=_BATCH)  # type: ignore[arg-type]

        days, clocks = draw(self.days), draw(self.clocks)
        return (
            draw(("placed", "paid", "shipped", "returned")),
            days, clocks, days, clocks, draw(range(1_000_000)), days,
            draw(range(1, 400)), draw(("EUR", "USD", "GBP")), draw(self.totals), draw(self.taxes), draw(self.discounts),
            draw(self.weights), draw(("false", "false", "false", "true")), draw(self.notes),
            draw(range(1_000_000)), draw(range(100_000)), draw(_CITIES),
            [",".join(source.choices(self.items, k=source.randrange(1, 4))) for _ in range(_BATCH)],
        )  # fmt: skip
