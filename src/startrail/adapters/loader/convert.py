"""Exact conversion as SQL: what ``model.exact`` says, for what an engine can decide quickly.

For each declared field there are two expressions: its *value*, and whether the field is *fine*. A row in which
all are fine is loaded; any other row goes to the judge. So a condition here may be too strict, never too lax:
DuckDB's own TRY_CAST takes '1.5' for 2, '0x10' for 16, '1_000' for 1000 and forgets a timestamp's nanoseconds,
therefore no cast stands alone. Most values are checked by writing the typed value back and comparing texts.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.regex import CERTAIN
from startrail.model.contract import Field, Format
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

Form = Literal["json", "text", "plain", "canonical"]
"""json: values that passed the gate. text: every field is text (CSV). plain: the same, and none has a NUL.
canonical: values that the judge wrote."""

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6}0*)?"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_WHOLE = r"-?(0|[1-9][0-9]*)(\.0+)?"
_POINTED = r"-?(0|[1-9][0-9]*)\.[0-9]+"
"""Most numbers of binary types; half as long to look for as all that they may be written like."""
_FLOATING = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)|" + _POINTED
_SMALL = {"float": 6, "double": 14}
"""Further digits."""
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NUL = "chr(0)"
_CASTABLE = ("boolean", "int", "long", "float", "double", "string", "date")
_LONGEST = {"date": 10, "time": 15, "timestamp": 26}
"""Characters with microseconds and without zone."""


class Conversion(msgspec.Struct, frozen=True):
    """``fine`` None = always."""

    value: str
    fine: str | None = None

    def fine_of(self, name: str, source: str) -> str | None:
        """The condition where the value has been made under this name: the engine makes a value again wherever it stands
        within an AND or a CASE."""
        if self.fine is None or self.value in (source, "NULL"):
            return self.fine
        return self.fine.replace(self.value, name)


def source_type(kind: DataType, form: Form) -> str:
    """The type by which DuckDB reads a field from the stream."""
    if form in ("text", "plain"):
        return "VARCHAR"
    match kind:
        case Primitive(name="boolean"):
            return "BOOLEAN"
        case Primitive(name="int" | "long"):
            return "BIGINT"
        case Primitive(name="float" | "double"):
            return "DOUBLE"
        case ListOf(item=item):
            return source_type(item, form) + "[]"
        case MapOf(value=value):
            return f"MAP(VARCHAR, {source_type(value, form)})"
        case StructOf(fields=fields):
            return "STRUCT(" + ", ".join(f"{sql.quote(label)} {source_type(inner, form)}" for label, inner in fields) + ")"
        case _:
            return "VARCHAR"


def conversion(field: Field, source: str, form: Form, null_words: tuple[str, ...] = (), *, must: bool = False) -> Conversion:
    """How ``source`` becomes the field's value. ``must``: null breaks the contract and no gate has looked."""
    if form == "canonical":
        return Conversion(_cast(field.type, source))
    words = field.format.null_words if field.format.null_words is not None else null_words
    textual = form in ("text", "plain") or _read_as_text(field.type)
    if words and textual:
        source = f"CASE WHEN {source} NOT IN ({', '.join(map(sql.text, words))}) THEN {source} END"
    if isinstance(field.type, ListOf | MapOf | StructOf):
        found = Conversion("NULL", f"{source} IS NULL") if form in ("text", "plain") else _whole(field, source)
    else:
        value, fine = _scalar(field, source, form if textual else None)
        conditions = ([fine] if fine else []) + limits(field, value)
        found = Conversion(value, f"({source} IS NULL OR ({' AND '.join(conditions)}))" if conditions else None)
    if not must:
        return found
    present = f"{source} IS NOT NULL"
    return Conversion(found.value, present if found.fine is None else f"{present} AND {found.fine}")


def _read_as_text(kind: DataType) -> bool:
    return not isinstance(kind, ListOf | MapOf | StructOf) and source_type(kind, "json") == "VARCHAR"


def _scalar(field: Field, source: str, form: Form | None) -> tuple[str, str | None]:
    """Value and condition for a source that is not null; ``form`` None: it is not read as text."""
    kind = field.type
    cast = f"TRY_CAST({source} AS {sql.word(kind)})"
    if isinstance(kind, Decimal):
        return _decimal(kind, source, field.format)
    assert isinstance(kind, Primitive), "nested types are taken apart before"
    if form is None:
        return (source if kind.name in ("boolean", "long", "double") else f"CAST({source} AS {sql.word(kind)})"), None
    match kind.name:
        case "string":
            return source, f"NOT contains({source}, {_NUL})" if form == "text" else None
        case "int" | "long":
            written = f"CAST({cast} AS VARCHAR) = {source}"
            return cast, f"({cast} IS NOT NULL AND {_either(written, _matches(source, _WHOLE))})"
        case "float" | "double":
            separated = _no_point(source, field.format)
            source = _with_point(source, field.format)
            value = f"TRY_CAST({source} AS {sql.word(kind)})"
            whole = f"-?(0|[1-9][0-9]{{0,{_SMALL[kind.name]}}})"  # what is larger may not be held exactly
            written = _either(_matches(source, _POINTED), _matches(source, f"{whole}|{_FLOATING}"))
            return value, f"({written} AND isfinite({value}){separated})"
        case "boolean":
            return _words(source, field.format)
        case "date" | "time" | "timestamp" | "timestamptz" if field.format.pattern:
            return _patterned(kind.name, source, field.format)
        case "timestamptz" if form == "json":
            return cast, f"{_gated_instant(source)} AND {_in_calendar(cast)}"
        case "date" | "time" | "timestamp" if form == "json":
            return cast, f"strlen({source}) <= {_LONGEST[kind.name]} AND {cast} IS NOT NULL"
        case "date":
            return cast, f"(CAST({cast} AS VARCHAR) = {source} AND coalesce({cast} BETWEEN '0001-01-01' AND '9999-12-31', false))"
        case "time":
            return cast, f"({_matches(source, _CLOCK)} AND {cast} IS NOT NULL)"
        case "timestamp":
            return cast, f"({_matches(source, f'{_DATE}[T ]{_CLOCK}')} AND {_in_calendar(cast)})"
        case "timestamptz":
            return cast, f"({_matches(source, f'{_DATE}[T ]{_CLOCK}{_OFFSET}')} AND {_in_calendar(cast)})"
        case "uuid":
            return cast, f"({_matches(source, _UUID)} AND {cast} IS NOT NULL)"
        case _:
            value = f"TRY(from_base64({source}))"
            return value, f"coalesce(to_base64({value}) = {source}, false)"


def _decimal(kind: Decimal, source: str, form: Format) -> tuple[str, str]:
    """Most decimals are written with their full scale; then writing the value back is the whole check."""
    with_point = _with_point(source, form)
    value = f"TRY_CAST({with_point} AS {sql.word(kind)})"
    fraction = rf"(\.[0-9]{{1,{kind.scale}}}0*)?" if kind.scale else r"(\.0+)?"
    grammar = _matches(with_point, f"-?(0|[1-9][0-9]*){fraction}")
    separated = _no_point(source, form)
    written = f"CAST({value} AS VARCHAR) = {with_point}"
    return value, f"({value} IS NOT NULL AND {_either(written, grammar)}{separated})"


def _either(quick: str, thorough: str) -> str:
    """``OR``, but the second is only looked at where the first fails."""
    return f"CASE WHEN {quick} THEN true ELSE {thorough} END"


def _gated_instant(source: str) -> str:
    """The gate has seen an instant, but it rounds fractions beyond microseconds, and takes an offset without colon. Of such
    length, or with such an end, a text certainly has neither; to look at its single characters takes longer."""
    plain = f"(strlen({source}) = 20 OR (strlen({source}) <= 32 AND ends_with({source}, ':00')))"
    zulu = f"(ends_with({source}, 'Z') OR ends_with({source}, 'z'))"
    short = f"CASE WHEN strlen({source}) <= 27 THEN true ELSE strlen({source}) <= 32 AND NOT {zulu} END"
    return _either(plain, f"{short} AND ({zulu} OR substring({source}, -3, 1) = ':')")


def _with_point(source: str, form: Format) -> str:
    return source if form.decimal_separator == "." else f"replace({source}, {sql.text(form.decimal_separator)}, '.')"


def _no_point(source: str, form: Format) -> str:
    return "" if form.decimal_separator == "." else f" AND NOT contains({source}, '.')"


def _words(source: str, form: Format) -> tuple[str, str]:
    true = f"{source} IN ({', '.join(map(sql.text, form.true_words)) or 'NULL'})"
    false = f"{source} IN ({', '.join(map(sql.text, form.false_words)) or 'NULL'})"
    value = f"CASE WHEN {true} THEN true WHEN {false} THEN false END"
    return value, f"({value}) IS NOT NULL"


def _patterned(name: str, source: str, form: Format) -> tuple[str, str]:
    """Only what the pattern would write again exactly; patterns with a zone or a time zone go to the judge."""
    pattern = form.pattern or ""
    if name == "timestamptz" or "%z" in pattern or "%Z" in pattern:
        return f"CAST(NULL AS {name})", "false"
    parsed = f"TRY_STRPTIME({source}, {sql.text(pattern)})"
    written = f"strftime({parsed}, {sql.text(pattern)}) = {source}"
    return f"CAST({parsed} AS {name})", f"coalesce({written} AND {_in_calendar(parsed)}, false)"


def _in_calendar(value: str) -> str:
    """Within the years that every engine can hold; the first and last days are left to the judge."""
    return f"coalesce({value} BETWEEN '0001-01-03' AND '9999-12-29', false)"


def _matches(source: str, grammar: str) -> str:
    return f"regexp_full_match({source}, {sql.text(grammar)})"


def limits(field: Field, value: str) -> list[str]:
    """Conditions for what a contract says about a value beside its type."""
    found: list[str] = []
    kind = sql.word(field.type)
    if field.enum is not None:
        found.append(f"{value} IN ({', '.join(_literal(word, kind) for word in field.enum) or 'NULL'})")
    if field.minimum is not None:
        found.append(f"{value} >= {_literal(field.minimum, kind)}")
    if field.maximum is not None:
        found.append(f"{value} <= {_literal(field.maximum, kind)}")
    measure = "octet_length" if kind == "BLOB" else "length"
    if kind in ("VARCHAR", "BLOB") or kind.endswith("[]"):
        if field.min_length is not None:
            found.append(f"{measure}({value}) >= {field.min_length}")
        if field.max_length is not None:
            found.append(f"{measure}({value}) <= {field.max_length}")
    if field.pattern is not None and kind == "VARCHAR":
        found.append(f"length({value}) <= {CERTAIN} AND regexp_matches({value}, {sql.text(field.pattern)})")
    return [f"coalesce({condition}, false)" for condition in found]


def _literal(word: str, kind: str) -> str:
    if kind == "BLOB":
        return f"from_base64({sql.text(word)})"
    return sql.text(word) if kind == "VARCHAR" else f"CAST({sql.text(word)} AS {kind})"


def _whole(field: Field, source: str) -> Conversion:
    """A nested value. When casts are all it needs, it is cast at once and mostly proved by writing it back."""
    found = _nested(field, source)
    if found.fine is None or not _castable(field):
        return found
    value = f"TRY_CAST({source} AS {sql.word(field.type)})"
    written = f"CAST({value} AS {source_type(field.type, 'json')}) IS NOT DISTINCT FROM {source}"
    return Conversion(value, f"({source} IS NULL OR {_either(written, found.fine)})")


def _castable(field: Field) -> bool:
    """Written back unchanged, it is what it was: true of decimals and dates, and of what needs no conversion."""
    kind = field.type
    if field.enum or field.minimum or field.maximum or field.pattern or field.min_length or field.max_length:
        return False
    if isinstance(kind, StructOf):
        return all(_castable(part) for _, part in struct_fields(field))
    if isinstance(kind, ListOf):
        return _castable(item_field(field))
    if field.format != Format():
        return False
    return isinstance(kind, Decimal) or (isinstance(kind, Primitive) and kind.name in _CASTABLE)


def _nested(field: Field, source: str, depth: int = 0) -> Conversion:
    """A value that passed the gate, with inner values converted."""
    kind = field.type
    if isinstance(kind, StructOf):
        inner = [(name, _inner(part, f"{source}.{sql.quote(name)}", depth)) for name, part in struct_fields(field)]
        fields = ", ".join(f"{sql.text(name)}: {found.value}" for name, found in inner)
        value = f"CASE WHEN {source} IS NOT NULL THEN {{{fields}}} END"
        fine = [found.fine for _, found in inner if found.fine is not None]
        if all(found.value == f"{source}.{sql.quote(name)}" for name, found in inner):
            value = source
    else:
        variable = f"x{depth}"
        found = _inner(item_field(field), f"{variable}.value" if isinstance(kind, MapOf) else variable, depth + 1)
        items = f"map_entries({source})" if isinstance(kind, MapOf) else source
        made = f"{{'key': {variable}.key, 'value': {found.value}}}" if isinstance(kind, MapOf) else found.value
        value = f"list_transform({items}, lambda {variable}: {made})"
        if isinstance(kind, MapOf):
            value = f"CASE WHEN {source} IS NOT NULL THEN map_from_entries({value}) END"
        if found.value == variable or found.value == f"{variable}.value":
            value = source
        fine = []
        if found.fine is not None:
            fine.append(f"coalesce(list_bool_and(list_transform({items}, lambda {variable}: {found.fine})), true)")
    if isinstance(kind, ListOf):
        fine += limits(field, source)
    return Conversion(value, f"({source} IS NULL OR ({' AND '.join(fine)}))" if fine else None)


def _inner(field: Field, source: str, depth: int) -> Conversion:
    if isinstance(field.type, ListOf | MapOf | StructOf):
        return _nested(field, source, depth)
    return conversion(field, source, "json", must=field.required and bool(field.format.null_words))


def struct_fields(field: Field) -> list[tuple[str, Field]]:
    """Name and field of each part of an object."""
    assert isinstance(field.type, StructOf)
    declared = {part.name: part for part in field.fields}
    return [(name, declared.get(name) or Field(name, kind)) for name, kind in field.type.fields]


def item_field(field: Field) -> Field:
    """The field that each item of an array, or each value of a map, is held against."""
    if field.item is not None:
        return field.item
    assert isinstance(field.type, ListOf | MapOf)
    return Field("item", field.type.item if isinstance(field.type, ListOf) else field.type.value)


def _cast(kind: DataType, source: str, depth: int = 0) -> str:
    """From the judge's canonical form, where every cast is exact."""
    match kind:
        case Primitive(name="binary"):
            return f"from_base64({source})"
        case ListOf(item=item):
            return f"list_transform({source}, lambda x{depth}: {_cast(item, f'x{depth}', depth + 1)})"
        case MapOf(value=inner):
            made = _cast(inner, f"x{depth}.value", depth + 1)
            entries = f"list_transform(map_entries({source}), lambda x{depth}: {{'key': x{depth}.key, 'value': {made}}})"
            return f"CASE WHEN {source} IS NOT NULL THEN map_from_entries({entries}) END"
        case StructOf(fields=fields):
            parts = ", ".join(
                f"{sql.text(label)}: {_cast(part, f'{source}.{sql.quote(label)}', depth)}" for label, part in fields
            )
            return f"CASE WHEN {source} IS NOT NULL THEN {{{parts}}} END"
        case _:
            return f"CAST({source} AS {sql.word(kind)})"
