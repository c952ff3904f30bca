"""Parquet as records: each row becomes a line of JSON. Columns are matched by name; inner ones too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb
import msgspec
from duckdb.sqltypes import DuckDBPyType

from startrail.adapters.loader.blocks import Block, Record, Unreadable
from startrail.adapters.loader.engine import BY_PAGES
from startrail.adapters.loader.parquet import json as parquet_json
from startrail.adapters.loader.shape import Shape
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.ports.warehouse import OutOfMemory

ROW = "file_row_number"
"""What the engine calls the number of a row in its file, from 0."""
_MEMORY = "200MB"
_ROWS = 256
_ASKED = 100_000
"""Row numbers that are looked for at a time."""


class Columns(msgspec.Struct, frozen=True):
    """Of a file: ``given`` names and types in its order; ``shape`` has the names that they mean."""

    given: tuple[str, ...]
    kinds: tuple[DuckDBPyType, ...]
    shape: Shape

    @property
    def numbered(self) -> bool:
        """False when a column has the name that the engine gives to row numbers."""
        return ROW not in map(str.lower, self.given)


def columns(connection: duckdb.DuckDBPyConnection, path: Path, contract: Contract) -> Columns:
    """Raises Unreadable when a required column is missing."""
    relation = connection.sql(f"SELECT * FROM {reader(path)}")
    found = Shape.of(relation.columns, contract)
    found.require(contract, "the file")
    shape = msgspec.structs.replace(found, widened=_widened(found.names, relation.types, contract))
    return Columns(tuple(relation.columns), tuple(relation.types), shape)


def reader(path: Path, *, numbered: bool = False) -> str:
    """All of the file, and only what is in it."""
    more = ", file_row_number = true" if numbered else ""
    return f"read_parquet({sql.text(str(path))}, hive_partitioning = false{more})"


def parquet(path: Path, contract: Contract, shape: Callable[[Shape], None]) -> Iterator[Block]:
    """Blocks of a Parquet file; ``shape`` is told its columns first. Raises Unreadable when it is none, or lacks a
    required column."""
    with _opened(path) as connection:
        found = columns(connection, path, contract)
        shape(found.shape)
        result = connection.execute(f"SELECT {_line(found, contract)} FROM {reader(path)}")
        while rows := result.fetchmany(_ROWS):
            yield Block("\n".join(row[0] for row in rows).encode() + b"\n")


def parquet_rows(path: Path, contract: Contract, ordinals: Iterator[int]) -> Iterator[tuple[int, Record]]:
    """Only the records with these ordinals, which ascend."""
    with _opened(path) as connection:
        found = columns(connection, path, contract)
        rows = reader(path, numbered=True)
        if not found.numbered:
            rows = f"(SELECT *, row_number() OVER () - 1 AS {ROW}_ FROM {reader(path)})"
        row = ROW if found.numbered else ROW + "_"
        query = f"SELECT {row} + 1, {_line(found, contract)} FROM {rows} WHERE {row} IN (SELECT unnest(?::BIGINT[]) - 1)"
        while asked := list(islice(ordinals, _ASKED)):
            result = connection.execute(query, [asked])
            while got := result.fetchmany(_ROWS):
                for ordinal, text in got:
                    line = text.encode()
                    yield ordinal, Record(line, line)


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": _MEMORY}) as connection:
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute(BY_PAGES)
            yield connection
        except duckdb.OutOfMemoryException as error:
            raise OutOfMemory(
                f"the engine needs more than the {_MEMORY} it has to read rows of {path.name}",
                hint="write the file with smaller pages or row groups",
            ) from error
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(str(path), path.name)
            kind = "truncated" if "too small" in reason or "magic bytes" in reason or "footer" in reason else "unreadable"
            raise Unreadable(f"the Parquet file cannot be read: {printable(reason, 200)}", kind) from error


def _line(found: Columns, contract: Contract) -> str:
    """A row as the text of a JSON object."""
    return json_object(
        (name, parquet_json.column(sql.quote(given), kind, contract.field(name)))
        for given, name, kind in zip(found.given, found.shape.names, found.kinds, strict=True)
    )


def json_object(members: Iterator[tuple[str, str]]) -> str:
    """The text of the object with these members, given as SQL."""
    inside = ", ".join(f"{sql.text(name)}: {value}" for name, value in members)
    return f"CAST(to_json({{{inside}}}) AS VARCHAR)"


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
