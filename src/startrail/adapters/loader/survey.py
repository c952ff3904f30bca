"""What the staged rows say about the delivery as a whole: fields that nobody filled, medians, and where dates lie."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from startrail.adapters.loader.blocks import opened
from startrail.adapters.loader.engine import Engine, files_list
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.contract import Contract, Field
from startrail.model.step import Dates
from startrail.model.types import Decimal, Primitive
from startrail.ports.loader import LocalFile

_SAMPLED = 200_000
"""Rows from which medians are taken when there are more, in evenly spread runs."""
_RUN = 2048
_CHUNK = 1 << 20
_FEW_ROWS = 10


def empty_columns(engine: Engine, files: list[LocalFile], contract: Contract) -> list[str]:
    """Optional fields that are null in every staged row, by the footers of the files alone."""
    if not files:
        return []
    paths = "[" + ", ".join(sql.text(str(file.path)) for file in files) + "]"
    query = (
        "SELECT path_in_schema FROM parquet_metadata(" + paths + ") GROUP BY path_in_schema "
        "HAVING bool_and(stats_null_count IS NOT NULL) AND sum(stats_null_count) = sum(num_values)"
    )
    null = {path for (path,) in engine.rows(query)}
    return [field.name for field in contract.fields if field.name in null]


def unnamed(path: Path, media: str, names: Iterable[str]) -> list[str]:
    """Those of the names that stand nowhere in the delivery's bytes as a JSON text."""
    left = {name: {json.dumps(name).encode(), json.dumps(name, ensure_ascii=False).encode("utf-8", "replace")} for name in names}
    if not left:
        return []
    longest = max(len(text) for texts in left.values() for text in texts)
    tail = b""
    with opened(path, media) as file:
        while left and (chunk := file.read(_CHUNK)):
            data = tail + chunk
            left = {name: texts for name, texts in left.items() if not any(text in data for text in texts)}
            tail = data[-longest:]
    return list(left)


def medians(engine: Engine, files: list[LocalFile], contract: Contract, *, lengths: bool) -> dict[str, float]:
    """The median of each numeric column that is no key; ``lengths``: also of the lengths of texts."""
    wanted: dict[str, str] = {}
    for field in contract.fields:
        name = sql.quote(field.name)
        if _numeric(field.type) and not field.unique and field.name not in contract.primary_key:
            wanted[field.name] = f"median(CAST({name} AS DOUBLE))"
        elif lengths and field.type == Primitive("string"):
            wanted[f"length({field.name})"] = f"median(length({name}))"
    if not wanted or not files:
        return {}
    (row,) = engine.rows(f"SELECT {', '.join(wanted.values())} FROM {_sample(files, contract)}")
    return {name: float(value) for name, value in zip(wanted, row, strict=True) if value is not None}


def dates(
    engine: Engine, files: list[LocalFile], contract: Contract, *, texts: bool
) -> tuple[dict[str, Dates], dict[str, Dates]]:
    """Where the days of dates lie that are written as numbers in some order; and where they would lie the other way
    round, for those columns in which that is possible throughout and another day at least once. ``texts``: dates come as
    text, so that those in ISO order may be turned as well, which takes a few rows to look like it."""
    few = sum(file.rows for file in files) < _FEW_ROWS
    fields = [field for field in contract.fields if _ordered(field, iso=texts)]
    if not fields or not files:
        return {}, {}
    sample = _sample(files, contract)
    (row,) = engine.rows(f"SELECT {', '.join(_days(sql.quote(field.name)) for field in fields)} FROM {sample}")
    found = {field.name: Dates(*days) for field, days in zip(fields, row[::2], strict=True) if _known(days)}
    likely = [
        field.name
        for field, either in zip(fields, row[1::2], strict=True)
        if either and field.name in found and not (few and field.format.pattern is None)
    ]
    if not likely:
        return found, {}
    (row,) = engine.rows(f"SELECT {', '.join(_turned_days(sql.quote(name)) for name in likely)} FROM {sample}")
    return found, {name: Dates(*days) for name, days in zip(likely, row, strict=True) if _known(days)}


def _sample(files: list[LocalFile], contract: Contract) -> str:
    """What to read: all rows, or evenly spread runs of them when there are many."""
    step, reader = sum(file.rows for file in files) // _SAMPLED + 1, files_list(files)
    if step == 1 or contract.field("file_row_number") is not None:  # that name can stand for one thing only
        return reader
    return reader.removesuffix(")") + f", file_row_number = true) WHERE (file_row_number // {_RUN}) % {step} = 0"


def _ordered(field: Field, *, iso: bool) -> bool:
    pattern = field.format.pattern
    timed = isinstance(field.type, Primitive) and field.type.name in ("date", "timestamp", "timestamptz")
    return timed and (iso if pattern is None else "%d" in pattern and "%m" in pattern)


def _days(column: str) -> str:
    """Days as declared, and whether all could be turned and some would be another day."""
    day = f"CAST({column} AS DATE)"
    either = f"coalesce(max(day({day})) <= 12 AND bool_or(day({day}) != month({day})), false)"
    return f"{_tenths(day)}, {either}"


def _turned_days(column: str) -> str:
    day = f"CAST({column} AS DATE)"
    made = f"make_date(year({day}), CAST(day({day}) AS BIGINT), CAST(month({day}) AS BIGINT))"
    return _tenths(f"CASE WHEN day({day}) <= 12 THEN {made} END")  # a TRY takes a hundred times as long where it catches


def _tenths(day: str) -> str:
    return f"quantile_cont(CAST({day} - DATE '1970-01-01' AS DOUBLE), [0.1, 0.5, 0.9])"


def _known(days: list[float | None] | None) -> bool:
    return days is not None and None not in days


def _numeric(kind: object) -> bool:
    return isinstance(kind, Decimal) or (isinstance(kind, Primitive) and kind.name in ("int", "long", "float", "double"))
