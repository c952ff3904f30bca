"""Parquet as records: each row becomes a line of JSON in which nothing has lost a digit.

Booleans, integers and floating numbers stay JSON values; all else becomes text in ISO form, which the contract's
types then read exactly. Columns are matched by name; inner ones too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import msgspec
from duckdb.sqltypes import DuckDBPyType

from startrail.adapters.loader.blocks import Block, Unreadable
from startrail.adapters.loader.shape import Shape
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.model.contract import Contract, Field

_ROWS = 256
_NATIVE = ("boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint")
_ISO = "%Y-%m-%dT%H:%M:%S.%f"


def parquet(path: Path, contract: Contract, shape: Callable[[Shape], None]) -> Iterator[Block]:
    """Blocks of a Parquet file; ``shape`` is told its columns first. Raises Unreadable when it is none, or lacks a
    required column."""
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "200MB"}) as connection:
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            reader = f"read_parquet({sql.text(str(path))})"
            columns = connection.sql(f"SELECT * FROM {reader}")
            found = Shape.of(columns.columns, contract)
            found.require(contract, "the file")
            shape(msgspec.structs.replace(found, widened=_widened(found.names, columns.types, contract)))
            values = ", ".join(
                f"{_column(sql.quote(given), kind, contract.field(name))} AS {sql.quote(name)}"
                for given, name, kind in zip(columns.columns, found.names, columns.types, strict=True)
            )
            result = connection.execute(f"SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT {values} FROM {reader}) AS r")
            while rows := result.fetchmany(_ROWS):
                yield Block("\n".join(row[0] for row in rows).encode() + b"\n")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(str(path), path.name)
            kind = "truncated" if "too small" in reason or "magic bytes" in reason or "footer" in reason else "unreadable"
            raise Unreadable(f"the Parquet file cannot be read: {printable(reason, 200)}", kind) from error


def _widened(names: tuple[str, ...], kinds: Sequence[DuckDBPyType], contract: Contract) -> tuple[tuple[str, str], ...]:
    """Columns whose type in the file holds more than the declared one, and those that are read losslessly into it."""
    found = []
    for name, kind in zip(names, kinds, strict=True):
        field = contract.field(name)
        if field is not None and (str(field.type), kind.id) in _WIDER:
            found.append((name, kind.id))
    return tuple(found)


_WIDER = {
    ("int", "bigint"), ("int", "hugeint"), ("int", "uinteger"), ("long", "hugeint"), ("long", "ubigint"),
    ("float", "double"), ("timestamp", "date"),
}  # fmt: skip
"""(declared, in the file)."""


def _column(source: str, kind: DuckDBPyType, field: Field | None) -> str:
    """A date where a timestamp is declared is its midnight."""
    if field is not None and str(field.type) == "timestamp" and kind.id == "date" and field.format.pattern is None:
        return _text(f"CAST({source} AS TIMESTAMP)", "timestamp")
    return _json(source, kind)


def _json(source: str, kind: DuckDBPyType, depth: int = 0) -> str:
    """An expression whose JSON is exact."""
    name = kind.id
    inner = dict(kind.children) if name in ("struct", "list", "array", "map") else {}
    if name in _NATIVE:
        return source
    if name in ("float", "double"):
        return _floating(source)
    if name == "struct":
        parts = ", ".join(
            f"{sql.text(label)}: {_json(f'{source}.{sql.quote(label)}', _kind(part), depth)}" for label, part in inner.items()
        )
        return f"CASE WHEN {source} IS NOT NULL THEN {{{parts}}} END"
    if name in ("list", "array"):
        variable = f"x{depth}"
        return f"list_transform({source}, lambda {variable}: {_json(variable, _kind(inner['child']), depth + 1)})"
    if name == "map":
        variable = f"x{depth}"
        value = _json(f"{variable}.value", _kind(inner["value"]), depth + 1)
        entry = f"{{'key': CAST({variable}.key AS VARCHAR), 'value': {value}}}"
        made = f"map_from_entries(list_transform(map_entries({source}), lambda {variable}: {entry}))"
        return f"CASE WHEN {source} IS NOT NULL THEN {made} END"
    return _text(source, name)


def _text(source: str, name: str) -> str:
    match name:
        case "timestamp with time zone":
            return f"strftime(make_timestamp(epoch_us({source})), '{_ISO}') || 'Z'"
        case "timestamp" | "timestamp_s" | "timestamp_ms":
            return f"strftime(CAST({source} AS TIMESTAMP), '{_ISO}')"
        case "blob":
            return f"to_base64({source})"
        case _:
            return f"CAST({source} AS VARCHAR)"


def _floating(source: str) -> str:
    """By its shortest digits, so that a 32-bit number is not its 64-bit neighbour; what is not a number as text."""
    text = f"CAST({source} AS VARCHAR)"
    return f"CASE WHEN isfinite({source}) THEN to_json(CAST({text} AS DOUBLE)) WHEN {source} IS NOT NULL THEN to_json({text}) END"


def _kind(part: object) -> DuckDBPyType:
    assert isinstance(part, DuckDBPyType)
    return part
