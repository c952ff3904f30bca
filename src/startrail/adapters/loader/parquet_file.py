"""Parquet as records: each row becomes a line of JSON in which nothing has lost a digit.

Booleans, integers and floating numbers stay JSON values; all else becomes text in ISO form, which the contract's
types then read exactly. Columns are matched by name; inner ones too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
from duckdb.sqltypes import DuckDBPyType

from startrail.adapters.loader.blocks import Block, Unreadable
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.model.contract import Contract

_ROWS = 256
_NATIVE = ("boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint")
_ISO = "%Y-%m-%dT%H:%M:%S.%f"


def parquet(path: Path, contract: Contract) -> Iterator[Block]:
    """Blocks of a Parquet file. Raises Unreadable when it is none, or lacks a required column."""
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "200MB"}) as connection:
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            reader = f"read_parquet({sql.text(str(path))})"
            columns = connection.sql(f"SELECT * FROM {reader}")
            _check(columns.columns, contract)
            pairs = zip(columns.columns, columns.types, strict=True)
            values = ", ".join(f"{_json(sql.quote(name), kind)} AS {sql.quote(name)}" for name, kind in pairs)
            result = connection.execute(f"SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT {values} FROM {reader}) AS r")
            while rows := result.fetchmany(_ROWS):
                yield Block("\n".join(row[0] for row in rows).encode() + b"\n")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(str(path), path.name)
            raise Unreadable(f"the Parquet file cannot be read: {printable(reason, 200)}") from error


def _check(names: list[str], contract: Contract) -> None:
    must = [field.name for field in contract.fields if field.required or field.name in contract.primary_key]
    missing = [name for name in must if name not in names]
    if missing:
        raise Unreadable(f"required columns are missing: {', '.join(missing)}; the file has {printable(', '.join(names))}")


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
