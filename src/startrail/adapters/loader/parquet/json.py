"""Values of Parquet columns as JSON in which nothing has lost a digit.

Booleans, integers and floating numbers stay JSON values; all else becomes text in ISO form, which the contract's types
then read exactly.
"""

from __future__ import annotations

from duckdb.sqltypes import TIMESTAMP, DuckDBPyType

from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.contract import Field

INTEGERS = ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint")
FLOATING = ("float", "double")
NESTED = ("struct", "list", "array", "map")
_ISO = "%Y-%m-%dT%H:%M:%S.%f"


def column(source: str, kind: DuckDBPyType, field: Field | None) -> str:
    """An expression whose JSON is exact. A date where a timestamp is declared is its midnight."""
    if midnight(kind, field):
        return text(f"CAST({source} AS TIMESTAMP)", TIMESTAMP)
    return _json(source, kind)


def midnight(kind: DuckDBPyType, field: Field | None) -> bool:
    """Whether dates of the file are read as timestamps."""
    return field is not None and str(field.type) == "timestamp" and kind.id == "date" and field.format.pattern is None


def text(source: str, kind: DuckDBPyType) -> str:
    """The text of a value that JSON has no other form for."""
    match kind.id:
        case "timestamp with time zone":
            return f"strftime(make_timestamp(epoch_us({source})), '{_ISO}') || 'Z'"
        case "timestamptz_ns":
            return f"strftime(CAST({source} AS TIMESTAMP_NS), '%Y-%m-%dT%H:%M:%S.%n') || 'Z'"
        case "timestamp" | "timestamp_s" | "timestamp_ms":
            return f"strftime(CAST({source} AS TIMESTAMP), '{_ISO}')"
        case "blob":
            return f"to_base64({source})"
        case "decimal" if _all_behind_the_point(kind):
            return rf"regexp_replace(CAST({source} AS VARCHAR), '^(-?)\.', '\10.')"
        case _:
            return f"CAST({source} AS VARCHAR)"


def child(part: object) -> DuckDBPyType:
    """An inner type, from a type's children."""
    assert isinstance(part, DuckDBPyType)
    return part


def _all_behind_the_point(kind: DuckDBPyType) -> bool:
    """Such decimals the engine writes without the zero in front."""
    sizes = {label: str(number) for label, number in kind.children}
    return sizes["precision"] == sizes["scale"]


def _json(source: str, kind: DuckDBPyType, depth: int = 0) -> str:
    name = kind.id
    inner = dict(kind.children) if name in NESTED else {}
    if name == "boolean" or name in INTEGERS:
        return source
    if name in FLOATING:
        return _floating(source)
    if name == "struct":
        parts = ", ".join(
            f"{sql.text(label)}: {_json(f'{source}.{sql.quote(label)}', child(part), depth)}" for label, part in inner.items()
        )
        return f"CASE WHEN {source} IS NOT NULL THEN {{{parts}}} END"
    if name in ("list", "array"):
        variable = f"x{depth}"
        return f"list_transform({source}, lambda {variable}: {_json(variable, child(inner['child']), depth + 1)})"
    if name == "map":
        variable = f"x{depth}"
        value = _json(f"{variable}.value", child(inner["value"]), depth + 1)
        entry = f"{{'key': CAST({variable}.key AS VARCHAR), 'value': {value}}}"
        made = f"map_from_entries(list_transform(map_entries({source}), lambda {variable}: {entry}))"
        return f"CASE WHEN {source} IS NOT NULL THEN {made} END"
    return text(source, kind)


def _floating(source: str) -> str:
    """By its shortest digits, so that a 32-bit number is not its 64-bit neighbour; what is not a number as text."""
    written = f"CAST({source} AS VARCHAR)"
    number = f"to_json(CAST({written} AS DOUBLE))"
    return f"CASE WHEN isfinite({source}) THEN {number} WHEN {source} IS NOT NULL THEN to_json({written}) END"
