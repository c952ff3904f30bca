"""Rows out of a Parquet file in bounded memory, and their values as text: the same text from every engine."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_BATCH = 4096


def count(path: Path) -> int:
    """Number of rows, from the footer alone."""
    return pq.read_metadata(path).num_rows


def read(path: Path, columns: list[str] | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows in the file's order as Python values; ``columns`` picks some, in the order asked for."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH, columns=columns):
            names = columns or batch.schema.names
            yield from zip(*(batch.column(batch.schema.get_field_index(name)).to_pylist() for name in names), strict=True)


def text(value: Any) -> str:
    """One value, not None, exactly: decimals without exponent, times as ISO 8601 (instants in UTC with ``Z``),
    nested values as JSON, bytes as hexadecimal digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    return str(value)


def instant(value: datetime) -> str:
    """ISO 8601; with ``Z`` when it is an instant, without anything when it is a wall time."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _plain(value: Any) -> Any:
    """For JSON: numbers stay numbers only where JSON readers keep them exact."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return text(value)
