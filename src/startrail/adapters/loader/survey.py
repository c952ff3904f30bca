"""What the staged rows say about the delivery as a whole: fields that nobody filled, and medians."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from startrail.adapters.loader.blocks import opened
from startrail.adapters.loader.engine import Engine, files_list
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.contract import Contract
from startrail.model.types import Decimal, Primitive
from startrail.ports.loader import LocalFile

_SAMPLED = 200_000
"""Rows from which medians are taken when there are more, in evenly spread runs."""
_RUN = 2048
_CHUNK = 1 << 20


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
    step = sum(file.rows for file in files) // _SAMPLED + 1
    some = f" WHERE (file_row_number // {_RUN}) % {step} = 0" if step > 1 else ""
    reader = files_list(files).removesuffix(")") + ", file_row_number = true)"
    (row,) = engine.rows(f"SELECT {', '.join(wanted.values())} FROM {reader}{some}")
    return {name: float(value) for name, value in zip(wanted, row, strict=True) if value is not None}


def _numeric(kind: object) -> bool:
    return isinstance(kind, Decimal) or (isinstance(kind, Primitive) and kind.name in ("int", "long", "float", "double"))
