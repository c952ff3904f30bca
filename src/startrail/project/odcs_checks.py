"""Contradictions of a contract's field: promises that no value could keep, or that cancel each other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from startrail.base.regex import expression
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.model.contract import Field
from startrail.model.promises import refused
from startrail.model.types import ListOf, MapOf, StructOf
from startrail.project import errors
from startrail.project.odcs_extras import Extras, value_of
from startrail.project.odcs_form import Property
from startrail.project.yaml import Node

Found = Iterator[errors.ContractContradiction]


def contradictions(field: Field, form: Property, node: Node, options: Any, extras: Extras) -> Found:
    """All of them that the property itself shows."""
    yield from _lengths(node, options)
    readable = yield from _pattern(field, node)
    nested = isinstance(field.type, ListOf | MapOf | StructOf)
    if field.unique and nested:
        message = f"'{_name(field)}' is unique, but {'an array' if isinstance(field.type, ListOf) else 'an object'} is no key"
        yield _contradiction(message, node.place("unique"), "make one of its parts a property of its own")
    if extras.closed and not isinstance(field.type, StructOf):
        at = _at(node, "closed")
        yield _contradiction(f"'{_name(field)}' is closed, but it is no object with properties", at, "remove closed")
    if nested:
        yield from _nested(field, node)
        return
    bounded = yield from _bounds(field, node)
    readable = readable and bounded
    if readable:
        yield from _values(field, node)
    if field.enum_open and field.enum is None:
        yield _contradiction(f"'{_name(field)}' has enumOpen, but no enum", _at(node, "enumOpen"), "add enum, or remove enumOpen")
    yield from _default(field, form, node, readable=readable)


def _lengths(node: Node, options: Any) -> Found:
    pairs = (("min_length", "max_length"), ("min_items", "max_items"), ("min_properties", "max_properties"))
    for low, high in pairs:
        least, most = getattr(options, low, None), getattr(options, high, None)
        key = _camel(low)
        at = node.place("logicalTypeOptions", key)
        for name, count in ((key, least), (_camel(high), most)):
            if count is not None and count < 0:
                place = node.place("logicalTypeOptions", name)
                yield _contradiction(f"{name} {count} is negative", place, "give 0 or more")
        if least is not None and most is not None and least > most:
            yield _contradiction(f"{key} {least} is greater than {_camel(high)} {most}", at, "swap or mend them")


def _pattern(field: Field, node: Node) -> Generator[errors.ContractContradiction, None, bool]:
    """Returns whether values can be held against the pattern."""
    if field.pattern is None:
        return True
    try:
        expression(field.pattern)
    except ValueError as error:
        hint = "no lookaround, back references, word boundaries or flags; docs/reference/contract-types.md"
        yield _contradiction(f"pattern: {error}", node.place("logicalTypeOptions", "pattern"), hint)
        return False
    return True


def _bounds(field: Field, node: Node) -> Generator[errors.ContractContradiction, None, bool]:
    """Returns whether values can be held against the bounds."""
    fine = True
    for name, text in (("minimum", field.minimum), ("maximum", field.maximum)):
        problem = refused(text, Field(field.name, field.type, format=field.format)) if text is not None else None
        if problem is not None:
            fine = False
            at = node.place("logicalTypeOptions", name)
            message = f"the {name} {printable(text or '', 60)} of '{_name(field)}' is no value of its type: it is not {problem}"
            yield _contradiction(message, at, "mend the bound, or the type")
    return fine


def _nested(field: Field, node: Node) -> Found:
    for name, given in (("enum", field.enum), ("default", field.default)):
        if given is not None:
            at = node.place("enum") if name == "enum" and node.find("enum") else _at(node, name)
            yield _contradiction(f"'{_name(field)}' has {name}, which only single values have", at, f"remove {name}")


def _values(field: Field, node: Node) -> Found:
    """Allowed values that the other promises do not allow."""
    places = _enum_places(node)
    for index, word in enumerate(field.enum or ()):
        problem = refused(word, field, but_enum=True)
        if problem is not None:
            at = places[index] if index < len(places) else node.place("enum")
            message = f"enum names {printable(word, 60)!r}, which breaks the rest of '{_name(field)}': it is not {problem}"
            yield _contradiction(message, at, "mend the value, or what it breaks")


def _default(field: Field, form: Property, node: Node, *, readable: bool) -> Found:
    given = value_of(node, "default")
    if given is None:
        return
    if field.default is None:
        if field.required:
            message = f"'{_name(field)}' is required, and its default is null"
            yield _contradiction(message, given.at, "give a default that is not null, or remove required")
        return
    if form.primary_key or field.unique:
        what = "in the primary key" if form.primary_key else "unique"
        message = f"'{_name(field)}' is {what}, and a default would be taken again and again"
        yield _contradiction(message, given.at, "remove the default")
    problem = refused(field.default, field) if readable else None
    if problem is not None:
        message = f"the default {printable(field.default, 60)!r} of '{_name(field)}' breaks its own field: it is not {problem}"
        yield _contradiction(message, given.at, "mend the default, written in ISO form")


def _enum_places(node: Node) -> list[Span]:
    enum = node.find("enum")
    if enum is not None and isinstance(enum.value, list):
        return [item.place("value") for item in enum.value]
    ours = value_of(node, "enum")
    return [item.at for item in ours.value] if ours is not None and isinstance(ours.value, list) else []


def _at(node: Node, name: str) -> Span:
    found = value_of(node, name)
    return node.at if found is None else found.at


def _camel(name: str) -> str:
    first, _, rest = name.partition("_")
    return first + rest.title()


def _name(field: Field) -> str:
    return printable(field.name, 60)


def _contradiction(message: str, at: Span, hint: str) -> errors.ContractContradiction:
    return errors.ContractContradiction(message, at=at, hint=hint)
