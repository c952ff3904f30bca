"""What a translation could not keep, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.fields import VALUE, inner_fields
from startrail.model.contract import Contract, Field, Format


class Loss(msgspec.Struct, frozen=True):
    """One thing that did not survive. ``path`` is ``$.items[].price``; ``what`` the promise (``unique``, ``type``,
    ``primaryKey``) or the foreign keyword; ``why`` one sentence for people."""

    path: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{printable(self.path, 120)}  {printable(self.what, 60)}: {self.why}"


class Exported(msgspec.Struct, frozen=True):
    """A contract in another form."""

    text: str
    losses: tuple[Loss, ...] = ()


class Imported(msgspec.Struct, frozen=True):
    """Another form as a contract."""

    contract: Contract
    losses: tuple[Loss, ...] = ()


class Difference(msgspec.Struct, frozen=True):
    """One promise that two contracts make differently, as text."""

    path: str
    what: str
    old: str
    new: str


_PROMISES: tuple[tuple[str, Callable[[Field], Any]], ...] = (
    ("required", lambda field: field.required),
    ("unique", lambda field: field.unique),
    ("enum", lambda field: field.enum),
    ("enumOpen", lambda field: field.enum_open),
    ("default", lambda field: field.default),
    ("closed", lambda field: field.closed),
    ("minimum", lambda field: field.minimum),
    ("maximum", lambda field: field.maximum),
    ("minLength", lambda field: field.min_length),
    ("maxLength", lambda field: field.max_length),
    ("pattern", lambda field: field.pattern),
    ("format", lambda field: field.format),
    ("aliases", lambda field: field.aliases),
    ("unit", lambda field: field.unit),
    ("consumers", lambda field: field.consumers),
    ("description", lambda field: field.description),
)


def differences(old: Contract, new: Contract) -> tuple[Difference, ...]:
    """Where ``new`` is not ``old``. Names of the contracts and places in files do not count.

    Fields are paired by their place: a translation keeps the order. What is under a field of another shape
    is not compared, since the whole type differs.
    """
    return tuple(_contract(old, new))


def _contract(old: Contract, new: Contract) -> Iterator[Difference]:
    for what, before, after in (
        ("version", old.version, new.version),
        ("description", old.description, new.description),
        ("primaryKey", old.primary_key, new.primary_key),
        ("closed", old.closed, new.closed),
        ("compatibility", old.compatibility, new.compatibility),
        ("consumers", old.consumers, new.consumers),
    ):
        if before != after:
            yield Difference("$", what, show(before), show(after))
    yield from _siblings("$", old.fields, new.fields)


def _siblings(path: str, old: tuple[Field, ...], new: tuple[Field, ...]) -> Iterator[Difference]:
    kept = {field.name for field in new}
    gone = [field for field in old if field.name not in kept] if len(old) != len(new) else []
    for field in gone:
        yield Difference(f"{path}.{field.name}", "field", str(field.type), "")
    for before, after in zip([field for field in old if field not in gone], new, strict=False):
        at = f"{path}.{before.name}"
        if before.name != after.name:
            yield Difference(at, "name", before.name, after.name)
        yield from _field(at, before, after)


def _field(path: str, old: Field, new: Field) -> Iterator[Difference]:
    for what, of in _PROMISES:
        if of(old) != of(new):
            yield Difference(path, what, show(of(old)), show(of(new)))
    before, after = inner_fields(old), inner_fields(new)
    if not before or not after or type(old.type) is not type(new.type):
        if old.type != new.type:
            yield Difference(path, "type", str(old.type), str(new.type))
    elif old.fields or new.fields:
        yield from _siblings(path, before, after)
    else:
        for left, right in zip(before, after, strict=True):
            yield from _field(path + (VALUE if left.name == "value" else "[]" if left.name == "element" else ".key"), left, right)


def show(value: object) -> str:
    """A promise in a message: short and safe to print."""
    if isinstance(value, Format):
        given = {
            name: getattr(value, name) for name in value.__struct_fields__ if getattr(value, name) != getattr(Format(), name)
        }
        return ", ".join(f"{name} {show(inner)}" for name, inner in given.items())
    if isinstance(value, tuple):
        return printable(", ".join(map(str, value)), 80)
    return "" if value is None else printable(str(value).lower() if isinstance(value, bool) else str(value), 80)
