"""A contract as the native reader needs it: which fields it converts itself, and what is left to SQL.

The reader knows the exact conversion of most types and the commonest limits. A field with anything else (a date
pattern, words for null, base64) it hands over as the text that stood in the record, and SQL does as for msgspec.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from startrail.adapters.loader.blocks import LONGEST
from startrail.adapters.loader.convert import Conversion, conversion, item_field, limits, struct_fields
from startrail.adapters.loader.defaults import default_text
from startrail.model.contract import Contract, Field, Format
from startrail.model.source import Dialect
from startrail.model.table import TableSchema
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf

KINDS = (
    "boolean", "int", "long", "float", "double", "float_as_double", "string", "decimal", "date", "time", "timestamp",
    "timestamptz", "uuid", "date_text", "time_text", "timestamp_text", "timestamptz_text", "list", "map", "struct",
)  # fmt: skip
"""In the order of the library's numbers."""
_INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_COMPARED = ("boolean", "int", "long", "string", "decimal", "date", "time", "timestamp", "timestamptz", "uuid")
"""Where two values are equal if and only if their bytes are."""
_MOST_KEYS = 2
"""Each takes up to 128 MB of memory."""
_FIXED = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


class Part(msgspec.Struct, frozen=True):
    """One field; ``name`` is its key in the data, ``column`` its name in what is handed over."""

    name: str
    column: str
    kind: int
    required: bool
    stops: bool
    """A record that lacks it goes to the judge."""
    fallback: str | None = None
    """What stands for a missing value, as JSON."""
    precision: int = 0
    scale: int = 0
    low: str | None = None
    high: str | None = None
    shortest: int | None = None
    longest: int | None = None
    words: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    nulls: tuple[str, ...] = ()
    """In CSV, texts that stand for null; then those that are true and false."""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    left: bool = False
    """Of a value that the library takes, SQL looks at more."""
    closed: bool = False
    """An object with an undeclared field goes to the judge."""
    texts: bool = False
    """A number may also stand in a string."""


class Place(msgspec.Struct, frozen=True):
    """Where a column of CSV goes: the number of its field, or -1 for an undeclared one, which is kept under ``key``."""

    place: int
    key: str = ""


class Columns(msgspec.Struct, frozen=True):
    """The lines are CSV with these columns."""

    delimiter: str
    quote: str
    columns: tuple[Place, ...]


class NativePlan(msgspec.Struct, frozen=True):
    """``fields`` for the library, with columns ``v0``, ``v1`` and so on; ``conversions`` of these by SQL."""

    fields: tuple[Part, ...]
    conversions: tuple[Conversion, ...]
    spoken: tuple[str, ...]
    closed: bool
    csv: Columns | None = None
    apart: bool = True
    """Of a refused record, tell which fields are doubtful."""
    keys: tuple[tuple[int, ...], ...] = ()
    """Numbers of the fields whose values may stand only once; a row that may repeat them is handed out instead."""

    def encoded(self) -> bytes:
        """As the library reads it."""
        told = {"fields": self.fields, "spoken": self.spoken, "closed": self.closed, "apart": self.apart}
        return msgspec.json.encode({**told, "csv": self.csv, "keys": self.keys})


def native_plan(contract: Contract, *, closed: bool) -> NativePlan | None:
    """The plan for a contract; None when it has names that are no plain text."""
    if not all(name.isprintable() for field in contract.fields for name in (*_names(field), *field.aliases)):
        return None
    parts, conversions = [], []
    for index, field in enumerate(contract.fields):
        column = f"v{index}"
        must = field.required or field.name in contract.primary_key
        part = _typed(field, column, required=must)
        if part is None:
            part = _as_it_stands(field, column, must)
            found = conversion(field, column, "json", must=must and bool(field.format.null_words))
        else:
            left = _left(field, column)
            found = Conversion(column, f"({column} IS NULL OR ({' AND '.join(left)}))" if left else None)
        parts.append(msgspec.structs.replace(part, left=found.fine is not None, **_fallback(field)))
        conversions.append(found)
    spoken = {name.lower() for field in contract.fields for name in (field.name, *field.aliases)}
    return NativePlan(tuple(parts), tuple(conversions), tuple(sorted(spoken)), closed)


def csv_plan(contract: Contract, names: tuple[str, ...], dialect: Dialect, absent: Mapping[str, str]) -> NativePlan | None:
    """The plan for lines of CSV with these columns; ``absent`` ones have these values in SQL."""
    if not all(name.isprintable() for name in names):
        return None
    parts, conversions = [], []
    for index, field in enumerate(contract.fields):
        column = f"v{index}"
        if field.name in absent:
            part, found = _part(field, column, "string", required=False, native=_Limits()), Conversion(absent[field.name])
        else:
            part, found = _textual(field, column, field.required or field.name in contract.primary_key)
        words = field.format.null_words if field.format.null_words is not None else dialect.null_words
        parts.append(msgspec.structs.replace(part, nulls=words, stops=False, left=found.fine is not None))
        conversions.append(found)
    numbers = {field.name: index for index, field in enumerate(contract.fields)}
    keys = [msgspec.json.encode(name).decode() + ":" for name in names]
    places = tuple(Place(numbers.get(name, -1), key) for name, key in zip(names, keys, strict=True))
    columns = Columns(dialect.delimiter, dialect.quote, places)
    apart = sum(map(len, keys)) < LONGEST // 4  # otherwise a short line may be too long a record for the judge
    return NativePlan(tuple(parts), tuple(conversions), (), closed=True, csv=columns, apart=apart)


def watched(plan: NativePlan, contract: Contract, keys: list[tuple[str, ...]], schema: TableSchema) -> NativePlan:
    """The plan with those keys looked after, if the library can tell for all of them whether two values are equal."""
    numbers = {field.name: index for index, field in enumerate(contract.fields)}
    groups = tuple(tuple(numbers[name] for name in key) for key in keys)
    for number in {number for group in groups for number in group}:
        field, part = contract.fields[number], plan.fields[number]
        column = schema.column(field.name)
        own = plan.conversions[number].value == part.column and column is not None and column.type == field.type
        if not own or KINDS[part.kind] not in _COMPARED or (KINDS[part.kind] == "string" and field.type != Primitive("string")):
            return plan
    return msgspec.structs.replace(plan, keys=groups) if len(groups) <= _MOST_KEYS else plan


def _textual(field: Field, column: str, required: bool) -> tuple[Part, Conversion]:
    """Converted by the library, or handed over as text for SQL."""
    native = _native_limits(field)
    kind = field.type
    if native is None or not _plain_text(field):
        plain = msgspec.structs.replace(field, format=msgspec.structs.replace(field.format, null_words=()))
        return _part(field, column, "string", required, _Limits()), conversion(plain, column, "plain")
    left = _left(field, column)
    found = Conversion(column, f"({column} IS NULL OR ({' AND '.join(left)}))" if left else None)
    if isinstance(kind, Decimal):
        return _part(field, column, "decimal", required, native, precision=kind.precision, scale=kind.scale), found
    assert isinstance(kind, Primitive), "nested types are not plain text"
    part = _part(field, column, kind.name, required, native)
    if kind.name == "boolean":
        part = msgspec.structs.replace(part, yes=field.format.true_words, no=field.format.false_words)
    return part, found


def _plain_text(field: Field) -> bool:
    """Whether the library reads text of this type as the field's format has it."""
    form = field.format
    match field.type:
        case Decimal() | Primitive(name="float" | "double"):
            return form.decimal_separator == "."
        case Primitive(name="date" | "time" | "timestamp" | "timestamptz"):
            return form.pattern is None
        case Primitive(name=name):
            return name != "binary"
        case _:
            return False


def _fallback(field: Field) -> dict[str, Any]:
    """At the top a default can be put in; one that its format could read as something else is left to the judge."""
    text = default_text(field)
    return {"stops": field.default is not None and text is None, "fallback": text}


def _names(field: Field) -> list[str]:
    if isinstance(field.type, StructOf):
        return [field.name, *(inner for _, part in struct_fields(field) for inner in _names(part))]
    return [field.name, *(_names(item_field(field)) if isinstance(field.type, ListOf | MapOf) else ())]


def _typed(field: Field, column: str, *, required: bool, top: bool = True) -> Part | None:
    """The field converted by the library; None when SQL must do it. ``top``: SQL can look at further limits."""
    kind = field.type
    native = _native_limits(field)
    if native is None or (not top and _left(field, column)):
        return None
    match kind:
        case StructOf():
            inner = [_typed(part, name, required=part.required, top=False) for name, part in struct_fields(field)]
        case ListOf() | MapOf():
            item = item_field(field)
            label = "value" if isinstance(kind, MapOf) else "item"
            inner = [_typed(item, label, required=item.required, top=False)]
        case Decimal() if field.format == Format():
            return _part(field, column, "decimal", required, native, precision=kind.precision, scale=kind.scale)
        case Primitive(name=name) if name != "binary" and _plain(field):
            return msgspec.structs.replace(_part(field, column, name, required, native), texts=_number_texts(field))
        case _:
            return None
    parts = [part for part in inner if part is not None]
    if len(parts) != len(inner):
        return None
    word = "struct" if isinstance(kind, StructOf) else "map" if isinstance(kind, MapOf) else "list"
    return msgspec.structs.replace(_part(field, column, word, required, native), parts=tuple(parts), closed=field.closed)


def _plain(field: Field) -> bool:
    """Whether the format says nothing that changes how a JSON value of this type is read."""
    form = field.format
    assert isinstance(field.type, Primitive)
    if field.type.name in ("boolean", "int", "long", "float", "double"):
        return True
    return form.pattern is None and not form.null_words


def _number_texts(field: Field) -> bool:
    """Whether text is read as the same number as without quotes."""
    form, whole = field.format, field.type in (Primitive("int"), Primitive("long"))
    numeric = whole or (field.type in (Primitive("float"), Primitive("double")) and form.decimal_separator == ".")
    return numeric and not form.null_words


class _Limits(msgspec.Struct, frozen=True):
    low: str | None = None
    high: str | None = None
    shortest: int | None = None
    longest: int | None = None
    words: tuple[str, ...] = ()


def _native_limits(field: Field) -> _Limits | None:
    """What the library looks at; None when a nested type has limits that nobody could look at later."""
    match field.type:
        case Primitive(name="int" | "long"):
            return _Limits(_bound(field.minimum, 0), _bound(field.maximum, 0))
        case Decimal(scale=scale):
            return _Limits(_bound(field.minimum, scale), _bound(field.maximum, scale))
        case Primitive(name="string"):
            words = field.enum or ()
            return _Limits(shortest=field.min_length, longest=field.max_length, words=words)
        case ListOf() if not field.enum:
            return _Limits(shortest=field.min_length, longest=field.max_length)
        case ListOf() | MapOf() | StructOf():
            return None if field.enum else _Limits()
        case _:
            return _Limits()


def _left(field: Field, column: str) -> list[str]:
    """The limits that only SQL looks at, as conditions."""
    if isinstance(field.type, ListOf | MapOf | StructOf):
        return []
    native = _native_limits(field) or _Limits()
    left = msgspec.structs.replace(
        field,
        minimum=None if native.low is not None else field.minimum,
        maximum=None if native.high is not None else field.maximum,
        min_length=None if native.shortest is not None else field.min_length,
        max_length=None if native.longest is not None else field.max_length,
        enum=None if native.words else field.enum,
    )
    return limits(left, column)


def _bound(text: str | None, scale: int) -> str | None:
    """A limit as a whole number of the last digit; None when it is not exactly one."""
    if text is None or len(text) > 36 or _FIXED.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale:
        return None
    scaled = str(int(whole + fraction.ljust(scale, "0")))
    return scaled if len(scaled) <= 37 else None


def _part(field: Field, column: str, kind: str, required: bool, native: _Limits, *, precision: int = 0, scale: int = 0) -> Part:
    return Part(
        field.name, column, KINDS.index(kind), required, field.default is not None, None, precision, scale,
        native.low, native.high, native.shortest, native.longest, native.words,
    )  # fmt: skip


def _as_it_stands(field: Field, column: str, required: bool) -> Part:
    """The field as its record writes it, in the types that the other reader gives to the engine."""

    def part(word: str, low: str | None = None, high: str | None = None, parts: tuple[Part, ...] = ()) -> Part:
        return Part(field.name, column, KINDS.index(word), required, field.default is not None, low=low, high=high, parts=parts)

    match field.type:
        case Primitive(name="boolean" | "double" as name):
            return part(name)
        case Primitive(name="float"):
            return part("float_as_double")
        case Primitive(name="int" | "long" as name):
            low, high = _INTEGERS[name]
            return part("long", str(low), str(high))
        case Primitive(name="date" | "time" | "timestamp" | "timestamptz" as name) if field.format.pattern is None:
            return part(f"{name}_text")
        case Primitive() | Decimal():
            return part("string")
        case ListOf():
            item = item_field(field)
            return part("list", parts=(_as_it_stands(item, "item", item.required),))
        case MapOf():
            item = item_field(field)
            return part("map", parts=(_as_it_stands(item, "value", item.required),))
        case StructOf():
            inner = tuple(_as_it_stands(each, name, each.required) for name, each in struct_fields(field))
            return msgspec.structs.replace(part("struct", parts=inner), closed=field.closed)
