"""Our types in DuckDB's words, and back."""

from __future__ import annotations

from collections.abc import Iterator

from duckdb.sqltypes import DuckDBPyType

from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_WORDS = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "string": "VARCHAR",
    "binary": "BLOB",
    "uuid": "UUID",
}

_PRIMITIVES = {
    "boolean": "boolean",
    "tinyint": "int",
    "smallint": "int",
    "utinyint": "int",
    "usmallint": "int",
    "integer": "int",
    "uinteger": "long",
    "bigint": "long",
    "ubigint": "long",
    "hugeint": "long",
    "uhugeint": "long",
    "float": "float",
    "double": "double",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
    "timestamp with time zone": "timestamptz",
    "varchar": "string",
    "enum": "string",
    "blob": "binary",
    "uuid": "uuid",
}
"""DuckDB's type ids. Those wider than ours (64-bit unsigned, 128-bit, nanoseconds) convert only when every value fits."""


def quote(name: str) -> str:
    """An identifier as it stands in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal, for the few places where nothing can be bound."""
    return "'" + value.replace("'", "''") + "'"


def word(kind: DataType) -> str:
    """A type as DuckDB writes it."""
    match kind:
        case Primitive():
            return _WORDS[kind.name]
        case Decimal():
            return f"DECIMAL({kind.precision},{kind.scale})"
        case ListOf():
            return f"{word(kind.item)}[]"
        case MapOf():
            return f"MAP({word(kind.key)}, {word(kind.value)})"
        case StructOf():
            return "STRUCT(" + ", ".join(f"{quote(name)} {word(inner)}" for name, inner in kind.fields) + ")"


def storable(kind: DuckDBPyType) -> DataType | None:
    """The type of ours that holds DuckDB's, or None (INTERVAL, UNION, a bare NULL, ...)."""
    name = kind.id
    if name in _PRIMITIVES:
        return Primitive(_PRIMITIVES[name])
    if name == "decimal":
        sizes = dict(kind.children)
        return Decimal(int(str(sizes["precision"])), int(str(sizes["scale"])))
    if name in ("list", "array"):
        item = storable(_child(kind, 0))
        return None if item is None else ListOf(item)
    if name == "map":
        key, value = storable(_child(kind, 0)), storable(_child(kind, 1))
        return None if key is None or value is None else MapOf(key, value)
    if name == "struct":
        fields = [(inner_name, storable(inner)) for inner_name, inner in kind.children if isinstance(inner, DuckDBPyType)]
        known = tuple((inner_name, inner) for inner_name, inner in fields if inner is not None)
        return StructOf(known) if len(known) == len(fields) else None
    return None


def holds_instants(kind: DataType) -> bool:
    """True when a timestamptz is in it, at any depth."""
    match kind:
        case Primitive():
            return kind.name == "timestamptz"
        case Decimal():
            return False
        case ListOf():
            return holds_instants(kind.item)
        case MapOf():
            return holds_instants(kind.key) or holds_instants(kind.value)
        case StructOf():
            return any(holds_instants(inner) for _, inner in kind.fields)


def field_ids(kind: DataType, id: int, nested: Iterator[int]) -> str:
    """What COPY's FIELD_IDS says about one column."""
    inner = list(_inner(kind, nested))
    if not inner:
        return str(id)
    return "{'__duckdb_field_id': " + ", ".join([str(id), *(f"{text(name)}: {ids}" for name, ids in inner)]) + "}"


def read_schema(name: str, kind: DataType, id: int, nested: Iterator[int]) -> str:
    """One entry of read_parquet's schema parameter: field id to name, type and inner fields."""
    children: list[str] = []
    for inner_name, inner in _fields(kind):
        children.append(read_schema(inner_name, inner, next(nested), nested))
    below = "MAP {" + ", ".join(children) + "}" if children else "NULL"
    return f"{id}: {{'name': {text(name)}, 'type': {text(word(kind))}, 'default_value': NULL, 'children': {below}}}"


def _inner(kind: DataType, nested: Iterator[int]) -> Iterator[tuple[str, str]]:
    for name, inner in _fields(kind):
        yield name, field_ids(inner, next(nested), nested)


def _fields(kind: DataType) -> tuple[tuple[str, DataType], ...]:
    """Inner fields under the names that DuckDB gives them in Parquet."""
    match kind:
        case ListOf():
            return (("element", kind.item),)
        case MapOf():
            return (("key", kind.key), ("value", kind.value))
        case StructOf():
            return kind.fields
        case _:
            return ()


def _child(kind: DuckDBPyType, place: int) -> DuckDBPyType:
    child = kind.children[place][1]
    assert isinstance(child, DuckDBPyType)
    return child
