"""Parquet without records: columns go from file to file, and only rows that are not fine are read as JSON.

A row's ordinal is its number in the file. Rows whose JSON might be too long for a record are left to the judge too.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import msgspec

from startrail.adapters.loader.blocks import LONGEST
from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.engine import Engine, NotTaken
from startrail.adapters.loader.parquet import json as parquet_json
from startrail.adapters.loader.parquet.convert import Column, converted, size
from startrail.adapters.loader.parquet.file import ROW, Columns, columns, json_object, reader
from startrail.adapters.loader.shape import Shape
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.ports.loader import LoadTask

_LONGEST = LONGEST // 16
"""Bytes of values; as JSON in JSON they may grow to twelve times as many."""
_MOST_UNKNOWN = 500
_FEW = 1_000
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Direct(msgspec.Struct, frozen=True):
    """How a file goes direct. ``rows`` there are; ``query`` gives those that are fine as ``v0``, ``v1`` and so on for the
    contract's fields, with ``extra`` and ``ordinal``; ``samples`` are first values of the undeclared columns.
    ``repeated``: rows with a key that an earlier row has; the query leaves them out, so that no file need be written again
    for them. None: there are too many, or they cannot be told, and the query has them."""

    shape: Shape
    rows: int
    query: str
    samples: dict[str, str]
    repeated: frozenset[int] | None = None


def direct(engine: Engine, path: Path, task: LoadTask, keys: list[tuple[str, ...]]) -> Direct:
    """``keys``: groups of columns whose values may stand only once.

    Raises NotTaken when the file's rows must be read as records, Unreadable when it lacks a required column."""
    try:
        found = columns(engine.connection, path, task.contract)
        rows = _rows(engine, path)
        unknown = _unknown(found, task)
        samples = _samples(engine, path, unknown) if unknown and rows else {}
    except duckdb.Error as error:
        raise NotTaken(str(error)) from error
    made, fine = _made(path, task, found, unknown)
    repeated = _repeated(engine, made, task, keys, most=rows // 50 + _FEW)
    if repeated:
        fine += f" AND ordinal NOT IN (SELECT unnest([{', '.join(map(str, sorted(repeated)))}]))"
    return Direct(found.shape, rows, f"SELECT * FROM ({made}) WHERE {fine}", samples, repeated)


def _repeated(engine: Engine, made: str, task: LoadTask, keys: list[tuple[str, ...]], most: int) -> frozenset[int] | None:
    """All rows but the first of each key, whether they are fine or not. The judge sees them one by one; None for more than
    ``most``."""
    places = {field.name: index for index, field in enumerate(task.contract.fields)}
    found: set[int] = set()
    for key in keys:
        names = ", ".join(f"v{places[name]}" for name in key)
        present = " AND ".join(f"v{places[name]} IS NOT NULL" for name in key)
        rows = f"SELECT {names}, ordinal FROM ({made}) WHERE {present}"
        twice = f"SELECT {names}, min(ordinal) AS first FROM ({rows}) GROUP BY {names} HAVING count(*) > 1"
        query = f"SELECT ordinal FROM ({rows}) JOIN ({twice}) USING ({names}) WHERE ordinal != first LIMIT {most + 1}"
        found.update(ordinal for (ordinal,) in engine.each(query))
        if len(found) > most:
            return None
    return frozenset(found)


def _rows(engine: Engine, path: Path) -> int:
    """By the row groups, which must say the same as the footer."""
    name = sql.text(str(path))
    groups = f"SELECT DISTINCT row_group_id, row_group_num_rows AS n FROM parquet_metadata({name})"
    counted = engine.number(f"SELECT coalesce(sum(n), 0) FROM ({groups})")
    if counted != engine.number(f"SELECT num_rows FROM parquet_file_metadata({name})"):
        raise NotTaken("the footer and the row groups count other rows")
    return counted


def _unknown(found: Columns, task: LoadTask) -> list[tuple[str, str]]:
    """Names of undeclared columns, and what their JSON is made of."""
    unknown = [
        (name, parquet_json.column(sql.quote(given), kind, None))
        for given, name, kind in zip(found.given, found.shape.names, found.kinds, strict=True)
        if name in found.shape.unknown
    ]
    if unknown and (task.closed or task.contract.closed or len(unknown) > _MOST_UNKNOWN):
        raise NotTaken("undeclared columns")
    if any(not name.isprintable() or any(mark in name for mark in '"\\[') for name, _ in unknown):
        raise NotTaken("a name that JSON writes otherwise")
    return unknown


def _samples(engine: Engine, path: Path, unknown: list[tuple[str, str]]) -> dict[str, str]:
    ((text,),) = engine.rows(f"SELECT {json_object(iter(unknown))} FROM {reader(path)} LIMIT 1")
    return {name: printable(bytes(value).decode(), 120) for name, value in _RAW.decode(text).items()}


def _made(path: Path, task: LoadTask, found: Columns, unknown: list[tuple[str, str]]) -> tuple[str, str]:
    """A query of all rows, and the condition of those that are fine.

    Sources, of which values are made, which are judged: one query in the other, so that none is made twice."""
    made = _columns(task, found)
    absent = Defaults(task.contract).literals(found.shape.absent)
    sources = [f"{ROW} + 1 AS ordinal", f"{_size(found)} AS size"]
    sources.append(f"{json_object(iter(unknown)) if unknown else 'CAST(NULL AS VARCHAR)'} AS extra")
    values, fine = ["*"], [f"size <= {_LONGEST}"]
    for index, field in enumerate(task.contract.fields):
        column = made.get(field.name)
        if column is None:
            values.append(f"{absent.get(field.name, 'NULL')} AS v{index}")
            continue
        sources.append(f"{column.source} AS s{index}")
        values.append(f"{column.value} AS v{index}")
        if column.fine is not None:
            fine.append(column.fine)
    read = f"SELECT {', '.join(sources)} FROM {reader(path, numbered=True)}"
    return f"SELECT {', '.join(values)} FROM ({read})", f"coalesce({' AND '.join(fine)}, false)"


def _columns(task: LoadTask, found: Columns) -> dict[str, Column]:
    if not found.numbered:
        raise NotTaken("a column has the name of row numbers")
    contract, made = task.contract, {}
    places = {name: place for place, name in enumerate(found.shape.names)}
    for index, field in enumerate(contract.fields):
        if field.name in places:
            given, kind = sql.quote(found.given[places[field.name]]), found.kinds[places[field.name]]
            must = field.required or field.name in contract.primary_key
            column = converted(field, given, kind, (f"s{index}", f"v{index}"), must=must)
            if column is None:
                raise NotTaken(f"the column {field.name} is nested in another way")
            made[field.name] = column
    return made


def _size(found: Columns) -> str:
    """Of the row as JSON, escapes not counted."""
    fixed, varying = 0, []
    for given, kind in zip(found.given, found.kinds, strict=True):
        bytes_, part = size(sql.quote(given), kind)
        fixed += bytes_ + 12 * len(given)
        varying += [] if part is None else [f"coalesce({part}, 0)"]
    return " + ".join([str(fixed), *varying])
