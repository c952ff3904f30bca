"""A contract as an ODCS 3.2 document: our own small emitter, in one order, with comments.

What it writes, ``project/odcs.py`` reads back to the same contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from startrail.base.errors import StartrailError
from startrail.capabilities.contracts.exchange.errors import NotWritable
from startrail.capabilities.contracts.exchange.fields import ITEM, VALUE, inner_fields
from startrail.capabilities.contracts.exchange.yaml_text import comment, flow, number, quoted, scalar
from startrail.model.contract import Contract, Field, Format
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.project.odcs import read_contract
from startrail.project.scalars import Problems

Notes = Mapping[str, tuple[str, ...]]
"""Comments by the path of the field above which they stand; ``$`` = at the top of the document."""


class _Kind(NamedTuple):
    """A type in ODCS's words. ``physical`` makes the logical type exact."""

    logical: str
    physical: str | None = None
    options: tuple[tuple[str, str], ...] = ()


_KINDS: dict[str, _Kind] = {
    "boolean": _Kind("boolean"),
    "int": _Kind("integer", "int"),
    "long": _Kind("integer"),
    "float": _Kind("number", "float"),
    "double": _Kind("number", "double"),
    "date": _Kind("date"),
    "time": _Kind("time"),
    "timestamp": _Kind("timestamp", None, (("timezone", "false"),)),
    "timestamptz": _Kind("timestamp", None, (("timezone", "true"),)),
    "string": _Kind("string"),
    "binary": _Kind("string", "binary"),
    "uuid": _Kind("string", None, (("format", "uuid"),)),
}
_TIMES = ("date", "time", "timestamp", "timestamptz")
_TEXTS = ("string", "uuid", "binary")


def odcs(contract: Contract, notes: Notes | None = None, *, status: str = "active") -> str:
    """The document. Raises NotWritable (ST374) when it could not be read back."""
    notes = notes or {}
    text = "\n".join(_document(contract, notes, status)) + "\n"
    reread(text, contract.name)
    return text


def reread(text: str, name: str) -> Contract:
    """The contract that a written document holds. Raises NotWritable."""
    problems: Problems = []
    try:
        found = read_contract(text.encode(), f"{name}.odcs.yml", problems)
    except StartrailError as error:
        raise NotWritable(f"contract '{name}' cannot be written as ODCS: {error.message}", hint=error.hint) from error
    if found is None:
        raise NotWritable(f"contract '{name}' cannot be written as ODCS: {problems[0].message}", hint=problems[0].hint)
    return found


def _document(contract: Contract, notes: Notes, status: str) -> Iterator[str]:
    yield from (comment(note) for note in notes.get("$", ()))
    yield "apiVersion: v3.2.0"
    yield "kind: DataContract"
    yield f"id: {scalar(contract.name)}"
    yield f"version: {quoted(contract.version) if contract.version[:1].isdigit() else scalar(contract.version)}"
    yield f"status: {status}"
    if contract.description is not None:
        yield "description:"
        yield f"  purpose: {scalar(contract.description)}"
    whole = [("compatibility", contract.compatibility)] if contract.compatibility is not None else []
    yield from _custom([*whole, *([("consumers", flow(contract.consumers))] if contract.consumers else [])], "")
    yield "schema:"
    yield f"  - name: {scalar(contract.name)}"
    yield from _custom([("closed", "true")] if contract.closed else [], "    ")
    yield "    properties:"
    for field in contract.fields:
        yield from _listed(field, "      ", f"$.{field.name}", notes, contract.primary_key)


def _listed(field: Field, pad: str, path: str, notes: Notes, key: tuple[str, ...] = ()) -> Iterator[str]:
    """A property as an item of a list."""
    yield from (pad + comment(note) for note in notes.get(path, ()))
    yield f"{pad}- name: {scalar(field.name)}"
    yield from _body(field, pad + "  ", path, notes, key)


def _body(field: Field, pad: str, path: str, notes: Notes, key: tuple[str, ...] = ()) -> Iterator[str]:
    if field.description is not None:
        yield f"{pad}description: {scalar(field.description)}"
    yield from (pad + line for line in _type(field))
    if field.required or field.name in key:
        yield f"{pad}required: true"
    if field.unique:
        yield f"{pad}unique: true"
    if field.name in key:
        yield f"{pad}primaryKey: true"
        yield f"{pad}primaryKeyPosition: {key.index(field.name) + 1}"
    if field.enum is not None:
        yield f"{pad}enum:"
        write = scalar if str(field.type) in (*_TEXTS, *_TIMES) else _enum_value
        yield from (f"{pad}  - value: {write(value)}" for value in field.enum)
    yield from _custom(list(_extras(field)), pad)
    yield from _inside(field, pad, path, notes)


def _custom(extras: list[tuple[str, str]], pad: str) -> Iterator[str]:
    """Custom properties of ours, as the standard wants such."""
    if extras:
        yield f"{pad}customProperties:"
        yield from (f"{pad}  - {{property: {name}, value: {value}, vendor: startrail}}" for name, value in extras)


def _enum_value(text: str) -> str:
    return text if text in ("true", "false") else number(text)


def _inside(field: Field, pad: str, path: str, notes: Notes) -> Iterator[str]:
    if isinstance(field.type, StructOf):
        yield f"{pad}properties:"
        for child in inner_fields(field):
            yield from _listed(child, pad + "  ", f"{path}.{child.name}", notes)
    elif isinstance(field.type, ListOf):
        yield f"{pad}items:"
        inside = path + ITEM
        yield from (f"{pad}  {comment(note)}" for note in notes.get(inside, ()))
        yield from _body(inner_fields(field)[0], pad + "  ", inside, notes)
    elif isinstance(field.type, MapOf):
        yield f"{pad}map:"
        for side in inner_fields(field):
            yield f"{pad}  {side.name}:"
            yield from _body(side, pad + "    ", path + VALUE, {})


def _type(field: Field) -> Iterator[str]:
    kind = field.type
    match kind:
        case StructOf():
            yield "logicalType: object"
            return
        case ListOf():
            yield "logicalType: array"
            return
        case MapOf():
            yield "logicalType: map"
            return
        case Decimal():
            words = _Kind("number", str(kind))
        case Primitive():
            words = _KINDS[kind.name]
    yield f"logicalType: {words.logical}"
    if words.physical:
        yield f"physicalType: {quoted(words.physical) if ',' in words.physical else words.physical}"
    options = [*words.options, *_options(field, words.logical)]
    if options == [("timezone", "false")]:
        options = []
    if options:
        yield "logicalTypeOptions:"
        yield from (f"  {name}: {value}" for name, value in options)


def _options(field: Field, logical: str) -> Iterator[tuple[str, str]]:
    """Lengths, patterns and bounds, where the logical type has a place for them."""
    if logical in ("date", "time", "timestamp"):
        if field.format.timezone is not None and logical != "date":
            yield "defaultTimezone", scalar(field.format.timezone)
        if field.format.pattern is not None:
            yield "format", quoted(field.format.pattern)
    if logical == "string":
        if field.min_length is not None:
            yield "minLength", str(field.min_length)
        if field.max_length is not None:
            yield "maxLength", str(field.max_length)
        if field.pattern is not None:
            yield "pattern", quoted(field.pattern)
    write = number if logical in ("integer", "number") else quoted
    if logical not in ("string", "boolean"):
        if field.minimum is not None:
            yield "minimum", write(field.minimum)
        if field.maximum is not None:
            yield "maximum", write(field.maximum)


def _extras(field: Field) -> Iterator[tuple[str, str]]:
    """What the standard has no place for."""
    form, bare, name = field.format, Format(), str(field.type)
    if field.aliases:
        yield "aliases", flow(field.aliases)
    if field.default is not None:
        yield "default", quoted(field.default) if name in (*_TEXTS, *_TIMES) else _enum_value(field.default)
    if field.closed:
        yield "closed", "true"
    if field.enum_open:
        yield "enumOpen", "true"
    if field.unit is not None:
        yield "unit", quoted(field.unit)
    if field.consumers:
        yield "consumers", flow(field.consumers)
    if form.pattern is not None and name not in _TIMES:
        yield "format", quoted(form.pattern)
    if form.timezone is not None and name not in _TIMES[1:]:
        yield "timezone", quoted(form.timezone)
    if form.decimal_separator != bare.decimal_separator:
        yield "decimalSeparator", quoted(form.decimal_separator)
    if form.true_words != bare.true_words:
        yield "trueWords", flow(form.true_words)
    if form.false_words != bare.false_words:
        yield "falseWords", flow(form.false_words)
    if form.null_words is not None:
        yield "nullWords", flow(form.null_words)
