"""From a column of a Parquet file to the declared type, without writing its values down as JSON.

Where the file's type holds the declared values as they are, the value is taken or cast, and the cast proved. Where the
records' JSON would have a text, that text is converted as any other (``convert``). Whatever is left is not fine, and
goes to the judge. A condition may be too strict, never too lax, and no value may differ from what the JSON would give.
"""

from __future__ import annotations

import msgspec
from duckdb.sqltypes import TIMESTAMP, DuckDBPyType

from startrail.adapters.loader.convert import Conversion, conversion, item_field, limits, struct_fields
from startrail.adapters.loader.parquet import json as parquet_json
from startrail.adapters.loader.parquet.json import FLOATING, INTEGERS, NESTED, child, midnight
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.contract import Field, Format
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf

_DEEPEST = 8
_WITHIN = {
    "int": ("tinyint", "smallint", "integer", "utinyint", "usmallint"),
    "long": ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"),
}
"""Types of which every value fits."""
_EXACT = {"float": 2**24, "double": 2**53}
"""Whole numbers up to here are held exactly."""
_LARGEST_FLOAT = "3.4028234e38"
_DAYS = "BETWEEN '0001-01-01' AND '9999-12-31'"
_INSTANTS = "BETWEEN '0001-01-03' AND '9999-12-29'"
"""The first and last days are left to the judge."""


class Column(msgspec.Struct, frozen=True):
    """``source`` is made of the file's column; ``value`` and ``fine`` of the names given to the source and the value."""

    source: str
    value: str
    fine: str | None = None


def converted(field: Field, given: str, kind: DuckDBPyType, names: tuple[str, str], *, must: bool) -> Column | None:
    """How the file's column ``given`` becomes the field's value; ``names`` are those of the source and the value.

    None: rows of this file must be read as records.
    """
    source, value = names
    if midnight(kind, field):
        given, kind = f"CAST({given} AS TIMESTAMP)", TIMESTAMP
    if isinstance(field.type, ListOf | StructOf | MapOf) or kind.id in NESTED:
        nested = _nested(field, source, kind, 0, must=must)
        return None if nested is None else Column(given, nested.value, nested.fine)
    exact = _exact(field, source, value, kind)
    if exact is not None:
        found = _present(_limited(field, source, value, exact), source, must)
        return Column(given, found.value, found.fine)
    found = conversion(_of_text(field, kind), source, "text", must=must)
    fine = found.fine
    if fine is not None and found.value not in (source, "NULL"):
        fine = fine.replace(found.value, value)
    return Column(parquet_json.text(given, kind), found.value, fine)


def size(source: str, kind: DuckDBPyType, depth: int = 0) -> tuple[int, str | None]:
    """At least the bytes of a value's JSON, but for escapes: a fixed part, and an expression for what varies."""
    name = kind.id
    if name == "boolean" or name in INTEGERS or name in FLOATING or name in ("decimal", "uuid"):
        return 50, None
    if name.startswith(("time", "date")):
        return 50, None
    if name == "blob":
        return 10, f"octet_length({source}) * 2"
    if name == "varchar":
        return 10, f"strlen({source})"
    if name == "struct":
        parts = [(label, *size(f"{source}.{sql.quote(label)}", child(part), depth)) for label, part in kind.children]
        varying = [f"coalesce({part}, 0)" for _, _, part in parts if part is not None]
        fixed = 10 + sum(len(label) * 12 + 10 + part for label, part, _ in parts)
        return fixed, " + ".join(varying) or None
    if name in ("list", "array"):
        variable = f"x{depth}"
        fixed, part = size(variable, child(dict(kind.children)["child"]), depth + 1)
        varying = f"len({source}) * {fixed}"
        if part is not None:
            varying += f" + coalesce(list_sum(list_transform({source}, lambda {variable}: coalesce({part}, 0))), 0)"
        return 10, varying
    return 10, f"strlen(CAST({source} AS VARCHAR)) * 2"


def _exact(field: Field, source: str, value: str, kind: DuckDBPyType) -> tuple[str, list[str]] | None:
    """Value and conditions of a source that is not null, without a text between."""
    wanted, found = field.type, kind.id
    counted = found == "boolean" or found in INTEGERS or found in FLOATING
    if not counted and not _plain(field):
        return None
    if isinstance(wanted, Decimal):
        return _decimal(wanted, source, value, kind)
    assert isinstance(wanted, Primitive), "nested types are taken apart before"
    name = wanted.name
    if counted:
        return _counted(name, source, value, found)
    match name, found:
        case "int" | "long", "decimal":
            written = f"TRY_CAST({value} AS {kind})"
            return f"TRY_CAST({source} AS {sql.word(wanted)})", [f"{value} IS NOT NULL", f"{written} = {source}"]
        case "date", "date":
            return source, [f"{source} {_DAYS}"]
        case "time", "time":
            return source, [f"{source} < '24:00:00'"]
        case "timestamp", "timestamp" | "timestamp_s" | "timestamp_ms":
            made = source if found == "timestamp" else f"TRY_CAST({source} AS TIMESTAMP)"
            return made, [f"{value} {_INSTANTS}"]
        case "timestamp", "timestamp_ns":
            return f"TRY_CAST({source} AS TIMESTAMP)", [f"epoch_ns({source}) % 1000 = 0", f"{value} {_INSTANTS}"]
        case "timestamptz", "timestamp with time zone":
            return source, [f"{value} {_INSTANTS}"]
        case "timestamptz", "timestamptz_ns":
            made = f"TRY_CAST({source} AS TIMESTAMPTZ)"
            return made, [f"epoch_ns({source}) % 1000 = 0", f"{value} {_INSTANTS}"]
        case ("uuid", "uuid") | ("binary", "blob"):
            return source, []
    return None


def _counted(name: str, source: str, value: str, found: str) -> tuple[str, list[str]] | None:
    """Of what is a JSON boolean or number. None is never wrong: it is then left to the judge."""
    cast = f"TRY_CAST({source} AS {sql.word(Primitive(name))})"
    if name == found == "boolean":
        return source, []
    if name in _WITHIN and found in INTEGERS:
        return cast, [] if found in _WITHIN[name] else [f"{value} IS NOT NULL"]
    if name in _WITHIN and found in FLOATING:
        return cast, [f"abs({source}) <= {_EXACT[found]}", f"trunc({source}) = {source}", f"{value} IS NOT NULL"]
    if name in FLOATING and found in INTEGERS:
        return cast, [f"{source} BETWEEN -{_EXACT[name]} AND {_EXACT[name]}"]
    if name == "float" and found == "double":
        return cast, [f"abs({source}) <= {_LARGEST_FLOAT}"]
    if name == "double" and found == "float":
        return f"CAST(CAST({source} AS VARCHAR) AS DOUBLE)", [f"isfinite({source})"]
    if name in FLOATING and found in FLOATING:
        return source, [f"isfinite({source})"]
    return "NULL", ["false"]


def _decimal(wanted: Decimal, source: str, value: str, kind: DuckDBPyType) -> tuple[str, list[str]] | None:
    cast = f"TRY_CAST({source} AS {sql.word(wanted)})"
    if kind.id in INTEGERS:
        return cast, [f"{value} IS NOT NULL"]
    if kind.id == "boolean":
        return "NULL", ["false"]
    if kind.id != "decimal":
        return None
    sizes = {label: int(str(number)) for label, number in kind.children}
    less, whole = sizes["scale"] <= wanted.scale, sizes["precision"] - sizes["scale"] <= wanted.precision - wanted.scale
    conditions = [] if less and whole else [f"{value} IS NOT NULL"]
    return cast, conditions if less else [*conditions, f"TRY_CAST({value} AS {kind}) = {source}"]


def _plain(field: Field) -> bool:
    """Whether text in ISO form, with its zone, is read as just that. A zone is declared for text without one."""
    return msgspec.structs.replace(field.format, timezone=None) == Format()


def _of_text(field: Field, kind: DuckDBPyType) -> Field:
    """The field as it is read from a text; that of a number is no text of the data, and no word of the format."""
    return msgspec.structs.replace(field, format=Format()) if kind.id in FLOATING else field


def _limited(field: Field, source: str, value: str, exact: tuple[str, list[str]]) -> Conversion:
    made, conditions = exact
    if made == "NULL":
        return Conversion("NULL", f"{source} IS NULL")
    every = [f"coalesce({condition}, false)" for condition in conditions] + limits(field, value)
    return Conversion(made, f"({source} IS NULL OR ({' AND '.join(every)}))" if every else None)


def _present(found: Conversion, source: str, must: bool) -> Conversion:
    if not must:
        return found
    present = f"{source} IS NOT NULL"
    return Conversion(found.value, present if found.fine is None else f"{present} AND {found.fine}")


def _nested(field: Field, source: str, kind: DuckDBPyType, depth: int, *, must: bool) -> Conversion | None:
    """A list or struct whose parts have the declared names; what is not nested at all is never right."""
    if kind.id not in NESTED:
        return _present(Conversion("NULL", f"{source} IS NULL"), source, must)
    if kind.id == "map" or isinstance(field.type, MapOf) or depth > _DEEPEST:
        return None
    if isinstance(field.type, ListOf) and kind.id == "list":
        found = _list(field, source, child(dict(kind.children)["child"]), depth)
    elif isinstance(field.type, StructOf) and kind.id == "struct":
        found = _struct(field, source, kind, depth)
    else:
        return None
    return None if found is None else _present(found, source, must)


def _list(field: Field, source: str, kind: DuckDBPyType, depth: int) -> Conversion | None:
    item, variable = item_field(field), f"x{depth}"
    found = _inner(item, variable, kind, depth + 1, must=item.required)
    if found is None:
        return None
    value = source if found.value == variable else f"list_transform({source}, lambda {variable}: {found.value})"
    fine = limits(field, source)
    if found.fine is not None:
        each = f"list_transform({source}, lambda {variable}: coalesce({found.fine}, false))"
        fine.append(f"coalesce(list_bool_and({each}), true)")
    return Conversion(value, f"({source} IS NULL OR ({' AND '.join(fine)}))" if fine else None)


def _struct(field: Field, source: str, kind: DuckDBPyType, depth: int) -> Conversion | None:
    given = {label: child(part) for label, part in kind.children}
    parts = struct_fields(field)
    if given.keys() != {name for name, _ in parts}:
        return None
    values: list[str] = []
    fine: list[str] = []
    for name, part in parts:
        found = _inner(part, f"{source}.{sql.quote(name)}", given[name], depth, must=part.required)
        if found is None:
            return None
        values.append(f"{sql.text(name)}: {found.value}")
        fine += [] if found.fine is None else [f"coalesce({found.fine}, false)"]
    same = values == [f"{sql.text(name)}: {source}.{sql.quote(name)}" for name in given]
    value = source if same else f"CASE WHEN {source} IS NOT NULL THEN {{{', '.join(values)}}} END"
    return Conversion(value, f"({source} IS NULL OR ({' AND '.join(fine)}))" if fine else None)


def _inner(field: Field, source: str, kind: DuckDBPyType, depth: int, *, must: bool) -> Conversion | None:
    if isinstance(field.type, ListOf | StructOf | MapOf) or kind.id in NESTED:
        return _nested(field, source, kind, depth, must=must)
    exact = _exact(field, source, "", kind)
    if exact is not None:
        made = exact[0]
        named = _exact(field, source, made, kind)
        assert named is not None, "the value's name changes nothing"
        return _present(_limited(field, source, made, named), source, must)
    return conversion(_of_text(field, kind), f"({parquet_json.text(source, kind)})", "text", must=must)
