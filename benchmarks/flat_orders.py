"""Seeded flat orders as CSV, NDJSON and Parquet, as promised or with a known number of departures of each kind."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.orders import _Pools

Row = dict[str, Any]
Truth = Counter[tuple[str, str]]
"""(kind, path) -> rows."""

NAMES = (
    "order_id", "status", "placed_at", "updated_at", "delivery_day", "store", "currency", "total", "tax", "weight_kg", "gift",
    "note",
)  # fmt: skip
TYPES = {
    "order_id": "BIGINT", "status": "VARCHAR", "placed_at": "TIMESTAMPTZ", "updated_at": "TIMESTAMPTZ", "delivery_day": "DATE",
    "store": "INTEGER", "currency": "VARCHAR", "total": "DECIMAL(12,2)", "tax": "DECIMAL(12,2)", "weight_kg": "DOUBLE",
    "gift": "BOOLEAN", "note": "VARCHAR",
}  # fmt: skip
_BROKEN = (
    ("wrong_type", "store", "x1"), ("inexact", "total", "12.345"), ("wrong_format", "delivery_day", "2026-02-30"),
    ("wrong_format", "updated_at", "2026-02-28 25:00:00Z"), ("unknown_value", "status", "lost"),
    ("out_of_range", "total", "-1.00"), ("wrong_length", "currency", "EURO"), ("null_in_required", "currency", None),
)  # fmt: skip
_TYPED = ("unknown_value", "out_of_range", "wrong_length", "null_in_required")
"""Kinds that a file whose columns have the declared types can show."""


def rows(count: int, truth: Truth, share: float, typed: bool, seed: int = 7) -> Iterator[tuple[Row, str]]:
    """Each with what is wrong with its line as such: nothing, or ``malformed``."""
    source = random.Random(seed)
    broken = [one for one in _BROKEN if not typed or one[0] in _TYPED]
    kinds: list[Any] = [*broken, "duplicate_key"] + ([] if typed else ["malformed"])
    for number, row in enumerate(_good(source, count), 1):
        if source.random() >= share or number == 1:
            yield row, ""
            continue
        kind = source.choice(kinds)
        if kind == "malformed":
            truth["malformed", "$"] += 1
            yield row, kind
        elif kind == "duplicate_key":
            truth["duplicate_key", "$.order_id"] += 1
            yield row | {"order_id": 1}, ""
        else:
            rule, name, value = kind
            truth[rule, f"$.{name}"] += 1
            yield row | {name: value}, ""


def _good(source: random.Random, count: int) -> Iterator[Row]:
    pools = _Pools(source)
    number = 0
    while number < count:
        for drawn in zip(*pools.columns(source), strict=True):
            status, day, clock, day_2, clock_2, micro, due, store, currency, total, tax, _, weight, gift, note, *_ = drawn
            number += 1
            yield {
                "order_id": number, "status": status, "placed_at": f"{day}T{clock}Z",
                "updated_at": f"{day_2}T{clock_2}.{micro:06d}+02:00", "delivery_day": due, "store": store, "currency": currency,
                "total": total, "tax": tax, "weight_kg": weight, "gift": gift,
                "note": None if note == "null" else json.loads(str(note)),
            }  # fmt: skip
            if number == count:
                return


def write_csv(path: Path, count: int, share: float = 0.0) -> Truth:
    truth: Truth = Counter()

    def line(row: Row, wrong: str) -> str:
        texts = ["" if row[name] is None else str(row[name]) for name in NAMES]
        return ",".join([*texts, "more"] if wrong else texts) + "\n"

    with path.open("w", encoding="utf-8") as out:
        out.write(",".join(NAMES) + "\n")
        out.writelines(line(row, wrong) for row, wrong in rows(count, truth, share, typed=False))
    return truth


def write_ndjson_gz(path: Path, count: int, share: float = 0.0) -> Truth:
    truth: Truth = Counter()
    with gzip.open(path, "wb", compresslevel=1) as out:
        for row, wrong in rows(count, truth, share, typed=False):
            out.write((_json(row) + ("," if wrong else "") + "\n").encode())
    return truth


def write_parquet(path: Path, count: int, share: float = 0.0) -> Truth:
    import duckdb

    truth: Truth = Counter()
    lines = path.with_suffix(".ndjson")
    with lines.open("w", encoding="utf-8") as out:
        out.writelines(_json(row) + "\n" for row, _ in rows(count, truth, share, typed=True))
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in TYPES.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT * FROM read_json('{lines}', columns = {{{columns}}}, format = 'newline_delimited')) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
    lines.unlink()
    return truth


def _json(row: Row) -> str:
    """Numbers of binary types as JSON numbers, decimals as text."""
    bare = {"weight_kg": row["weight_kg"], "gift": row["gift"]}
    told = json.dumps({name: value for name, value in row.items() if name not in bare}, ensure_ascii=False, separators=(",", ":"))
    return told[:-1] + "".join(f',"{name}":{value}' for name, value in bare.items()) + "}"


WRITERS: dict[str, tuple[str, Callable[[Path, int, float], Truth]]] = {
    "csv": ("csv", write_csv),
    "ndjson.gz": ("ndjson+gzip", write_ndjson_gz),
    "parquet": ("parquet", write_parquet),
}
"""File ending -> media type and writer."""
