"""Result columns into table columns without loss: by name, and by value."""

from __future__ import annotations

from typing import NamedTuple

from duckdb.sqltypes import DuckDBPyType

from startrail.adapters.warehouse.duckdb.failures import LOSSY, Place
from startrail.adapters.warehouse.duckdb.types import quote, storable, text, word
from startrail.base.text import did_you_mean
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.ports.warehouse import ColumnsDiffer, LossyColumn, RepeatedColumn, UnstorableColumn

_WHOLE = {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"}
_NUMBERS = _WHOLE | {"float", "double", "decimal"}
_TIMES = {"date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"}


class Output(NamedTuple):
    """One result column as the engine names and types it."""

    name: str
    type: DuckDBPyType


def schema_of(outputs: list[Output], place: Place) -> TableSchema:
    """The table schema that holds a result. Raises RepeatedColumn, UnstorableColumn."""
    seen: set[str] = set()
    columns = []
    for output in outputs:
        if output.name.lower() in seen:
            raise RepeatedColumn(
                f"two result columns are named '{output.name}'", at=place.span(None), hint="name one of them with AS"
            )
        seen.add(output.name.lower())
        kind = storable(output.type)
        if kind is None:
            raise UnstorableColumn(
                f"column '{output.name}' is {_shown(output.type)}, which no table can hold",
                at=place.span(None),
                hint=f"cast it in the SQL, for example cast({output.name} as varchar)",
            )
        columns.append(Column(output.name, kind))
    return TableSchema(tuple(columns))


def projection(outputs: list[Output], schema: TableSchema, place: Place) -> str:
    """The SELECT list that gives the columns of ``schema`` in order, and fails on the first value that would change."""
    found = {output.name.lower(): output for output in outputs}
    for column in schema.columns:
        if column.name.lower() not in found:
            raise ColumnsDiffer(
                f"the SELECT has no column '{column.name}', which the table has",
                at=place.span(None),
                hint=did_you_mean(column.name, found, "add it to the SELECT"),
            )
    extra = found.keys() - {column.name.lower() for column in schema.columns}
    if extra:
        raise ColumnsDiffer(
            f"the SELECT has the column '{min(extra)}', which the table has not",
            at=place.span(None),
            hint="run again after the change",
        )
    return ", ".join(_converted(found[column.name.lower()], column, place) for column in schema.columns)


def _converted(output: Output, column: Column, place: Place) -> str:
    source, target = quote(output.name), word(column.type)
    if str(output.type) == target:
        return f"{source} AS {quote(column.name)}"
    if not _comparable(output.type, column.type):
        raise LossyColumn(
            f"column '{column.name}' is {_shown(output.type)} in the SELECT and {column.type} in the table",
            at=place.span(None),
            hint=f"cast it in the SQL: cast({output.name} as {target.lower()}) as {column.name}",
        )
    cast = f"CAST({source} AS {target})"
    if _always_fits(output.type, column.type):
        return f"{cast} AS {quote(column.name)}"
    tried = f"TRY_CAST({source} AS {target})"
    words = text(f"{LOSSY}{column.name}\t{_shown(output.type)}\t{column.type}\t")
    # The value goes there and back; what comes back different has lost something.
    return (
        f"CASE WHEN {source} IS NOT DISTINCT FROM TRY_CAST({tried} AS {output.type}) THEN {tried} "
        f"ELSE CAST(error({words} || CAST({source} AS VARCHAR)) AS {target}) END AS {quote(column.name)}"
    )


def _comparable(source: DuckDBPyType, target: DataType) -> bool:
    """True when a value of one can be the same value in the other. Text is no number, an instant no wall time."""
    name = source.id
    if name == "null":
        return True
    match target:
        case Primitive(name=kind) if kind in ("int", "long", "float", "double"):
            return name in _NUMBERS
        case Decimal():
            return name in _NUMBERS
        case Primitive(name=kind) if kind in ("date", "timestamp"):
            return name in _TIMES
        case Primitive(name="string"):
            return name in ("varchar", "enum")
        case ListOf():
            return name in ("list", "array") and _comparable(_child(source, 0), target.item)
        case MapOf():
            return name == "map" and _comparable(_child(source, 0), target.key) and _comparable(_child(source, 1), target.value)
        case StructOf():
            names = [inner.lower() for inner, _ in source.children] if name == "struct" else []
            return names == [inner.lower() for inner, _ in target.fields] and all(
                _comparable(_child(source, place), inner) for place, (_, inner) in enumerate(target.fields)
            )
        case _:
            return storable(source) == target


def _always_fits(source: DuckDBPyType, target: DataType) -> bool:
    name = source.id
    if name == "null":
        return True
    match target:
        case Primitive(name="int"):
            return name in {"tinyint", "smallint", "integer", "utinyint", "usmallint"}
        case Primitive(name="long"):
            return name in _WHOLE - {"hugeint", "ubigint", "uhugeint"}
        case Primitive(name="double"):
            return name in {"float", "tinyint", "smallint", "integer", "utinyint", "usmallint", "uinteger"}
        case Primitive(name="timestamp"):
            return name in {"timestamp_s", "timestamp_ms"}
        case Primitive(name="string"):
            return True
        case _:
            return False


def _shown(kind: DuckDBPyType) -> str:
    return "a bare NULL" if kind.id == "null" else str(kind)


def _child(kind: DuckDBPyType, place: int) -> DuckDBPyType:
    child = kind.children[place][1]
    assert isinstance(child, DuckDBPyType)
    return child
