"""Nodes to frozen Structs, each error at the key or value that is wrong.

The Structs of ``model/`` say what a declaration may hold; nothing is written here per declaration. Fields
named ``span`` of type Span are filled with the place of their mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from msgspec import inspect

from startrail.base.errors import StartrailError
from startrail.base.text import did_you_mean, printable
from startrail.project import errors
from startrail.project.scalars import BAD, SEE_SCHEMA, Problems, Reader, boolean, integer, number, text, word, wrong
from startrail.project.values import secret_in
from startrail.project.yaml import Node, Scalar

T = TypeVar("T")


def decode(node: Node, target: type[T], problems: Problems, *, what: str, given: Mapping[str, object] | None = None) -> T | None:
    """Read ``node`` as ``target``; on errors append all of them to ``problems`` and return None.

    ``given`` holds fields that come from elsewhere (a name from a path); they are unknown keys in the file.
    ``what`` names the declaration in messages.
    """
    value = _struct_reader(target)(node, what, problems, given or {})
    return None if value is BAD else value


def _holds_span(name: str) -> bool:
    return name == "span"


@cache
def _struct_reader(target: type) -> Callable[[Node, str, Problems, Mapping[str, object]], Any]:
    """A reader of one Struct class. Readers of its fields are made at first use, so that classes may be recursive."""
    info = inspect.type_info(target)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{target} is not a Struct")
    fields = {field.encode_name: field for field in info.fields}
    tag = info.tag_field
    readers: dict[str, Reader] = {}

    def read(node: Node, what: str, problems: Problems, given: Mapping[str, object]) -> Any:
        if not isinstance(node.value, dict):
            return wrong(node, what, "a mapping", problems)
        before = len(problems)
        values: dict[str, Any] = dict(given)
        known = [name for name, field in fields.items() if not _holds_span(field.name) and field.name not in given]
        for key, child in node.value.items():
            if key == tag:
                continue
            if key not in known:
                problems.append(_unknown_key(key, child, what, [*known, tag] if tag else known))
                continue
            reader = readers.get(key)
            if reader is None:
                reader = readers[key] = _reader(fields[key].type)
            values[fields[key].name] = reader(child, f"'{key}'", problems)
        for key in known:
            if fields[key].required and key not in node.value:
                problems.append(errors.MissingKey(f"{what} needs '{key}'", at=node.at, hint=f"add '{key}:'"))
        if "span" in fields and "span" not in given:
            values["span"] = node.at
        return BAD if len(problems) > before else target(**values)

    return read


def _unknown_key(key: str, node: Node, what: str, known: list[str]) -> StartrailError:
    hint = did_you_mean(key, known, SEE_SCHEMA)
    if key.endswith(")") and node.value is None:
        hint = 'inside {} quote a type that holds a comma: "decimal(18,2)"'
    return errors.UnknownKey(f"unknown key '{printable(key, 60)}' in {what}", at=node.key, hint=hint)


def _reader(kind: inspect.Type, reads: str | None = None) -> Reader:
    """The reader of one type; ``reads`` names what its text stands for."""
    if isinstance(kind, inspect.Metadata):
        return _reader(kind.type, (kind.extra or {}).get("reads"))
    if isinstance(kind, inspect.UnionType):
        return _union(kind)
    if isinstance(kind, inspect.StructType):
        return _tagged({kind.tag: kind.cls}, kind.tag_field) if kind.tag_field else _untagged(kind.cls)
    if isinstance(kind, inspect.StrType):
        return text(kind, reads)
    if isinstance(kind, inspect.LiteralType):
        return word(tuple(str(value) for value in kind.values))
    if isinstance(kind, inspect.IntType):
        return integer(kind)
    if isinstance(kind, inspect.DictType):
        return _mapping(_reader(kind.value_type), reads)
    if isinstance(kind, inspect.ListType):
        return _sequence(_reader(kind.item_type), list)
    if isinstance(kind, inspect.VarTupleType):
        return _sequence(_reader(kind.item_type), tuple)
    if isinstance(kind, inspect.TupleType):
        return _fixed([_reader(item) for item in kind.item_types])
    if isinstance(kind, inspect.BoolType):
        return boolean
    if isinstance(kind, inspect.FloatType):
        return number
    return _anything if isinstance(kind, inspect.AnyType) else _stored


def _anything(node: Node, what: str, problems: Problems) -> Any:
    """Free data that is only looked at here."""
    if isinstance(node.value, list):
        return [_anything(child, what, problems) for child in node.value]
    if isinstance(node.value, dict):
        return {key: _anything(child, what, problems) for key, child in node.value.items()}
    return node.value


def _stored(node: Node, what: str, problems: Problems) -> Any:
    """Free data that is kept: whole numbers beyond 64 bits could not be given back."""
    if isinstance(node.value, int) and not -(2**63) <= node.value < 2**64:
        hint = f'write "{printable(node.text, 60)}"'
        problems.append(errors.BadValue(f"{what}: a number beyond 64 bits", at=node.at, hint=hint))
        return BAD
    if isinstance(node.value, list):
        return [_stored(child, f"an item of {what}", problems) for child in node.value]
    if isinstance(node.value, dict):
        return {key: _stored(child, f"'{printable(key, 60)}'", problems) for key, child in node.value.items()}
    return node.value


def _mapping(value: Reader, reads: str | None) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        if not isinstance(node.value, dict):
            return wrong(node, what, "a mapping", problems)
        if reads == "headers":
            _check_headers(node.value, problems)
        return {key: value(child, f"'{printable(key, 60)}'", problems) for key, child in node.value.items()}

    return read


def _check_headers(entries: dict[str, Node], problems: Problems) -> None:
    for name, child in entries.items():
        leak = secret_in("header", child.text, name)
        if leak is not None:
            problems.append(errors.SecretInText(leak, at=child.at, hint="write env:NAME and set NAME outside"))


def _sequence(item: Reader, build: type) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        if not isinstance(node.value, list):
            hint = f"write [{printable(node.text, 60)}]" if node.text else None
            return wrong(node, what, "a list", problems, hint)
        return build([item(child, f"an item of {what}", problems) for child in node.value])

    return read


def _fixed(items: list[Reader]) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        if not isinstance(node.value, list) or len(node.value) != len(items):
            return wrong(node, what, f"a list of {len(items)} items", problems)
        return tuple(reader(child, f"an item of {what}", problems) for reader, child in zip(items, node.value, strict=True))

    return read


def _untagged(cls: type) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        return _struct_reader(cls)(node, what, problems, {})

    return read


def _tagged(classes: dict[Any, type], tag_field: str | None) -> Reader:
    """Of several Structs, the one whose tag the mapping gives."""
    field = tag_field or "kind"
    words = tuple(str(tag) for tag in classes)

    def read(node: Node, what: str, problems: Problems) -> Any:
        if not isinstance(node.value, dict):
            return wrong(node, what, "a mapping", problems)
        given = node.value.get(field)
        if given is None:
            problems.append(errors.MissingKey(f"{what} needs '{field}'", at=node.at, hint=f"one of {', '.join(sorted(words))}"))
            return BAD
        chosen = word(words)(given, f"'{field}' of {what}", problems)
        return BAD if chosen is BAD else _struct_reader(classes[chosen])(node, f"{what} of {field} {chosen}", problems, {})

    return read


def _union(kind: inspect.UnionType) -> Reader:
    """None and one other type; tagged Structs; or types that differ in their YAML shape."""
    types = [item for item in kind.types if not isinstance(item, inspect.NoneType)]
    optional = len(types) < len(kind.types)
    structs = [item for item in types if isinstance(item, inspect.StructType) and item.tag_field]
    if len(types) == 1:
        inner = _reader(types[0])
    elif len(structs) == len(types):
        inner = _tagged({item.tag: item.cls for item in structs}, structs[0].tag_field)
    else:
        inner = _by_shape([(_shape_of(item), _reader(item)) for item in types])

    def read(node: Node, what: str, problems: Problems) -> Any:
        return None if optional and node.value is None else inner(node, what, problems)

    return read


_SHAPES: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.StrType, "text"),
    (inspect.LiteralType, "text"),
    (inspect.BoolType, "a boolean"),
    (inspect.IntType, "a whole number"),
    (inspect.FloatType, "a number"),
    (inspect.ListType, "a list"),
    (inspect.VarTupleType, "a list"),
)


def _shape_of(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return _shape_of(kind.type)
    return next((shape for cls, shape in _SHAPES if isinstance(kind, cls)), "a mapping")


def _by_shape(choices: list[tuple[str, Reader]]) -> Reader:
    readers = dict(choices)

    def read(node: Node, what: str, problems: Problems) -> Any:
        reader = next((readers[shape] for shape in _shapes_of_value(node.value) if shape in readers), None)
        if reader is None:
            return wrong(node, what, " or ".join(readers), problems)
        return reader(node, what, problems)

    return read


def _shapes_of_value(value: Scalar | list[Node] | dict[str, Node]) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("a boolean",)
    if isinstance(value, int):
        return ("a whole number", "a number")
    if isinstance(value, float):
        return ("a number",)
    if isinstance(value, str):
        return ("text",)
    if isinstance(value, list):
        return ("a list",)
    return ("a mapping",) if isinstance(value, dict) else ()
