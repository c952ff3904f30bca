"""The custom properties of vendor ``startrail``: what the standard has no place for, at the contract, an object, a field."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from startrail.base.text import printable
from startrail.model.contract import Compatibility
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.odcs_form import CustomProperty
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

T = TypeVar("T", bound=msgspec.Struct)
VENDOR = "startrail"


class ContractExtras(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the document's own ``customProperties`` may say."""

    compatibility: Compatibility | None = None
    """What a new version must be to those before it."""
    closed: bool = False
    """No object of the contract, at any depth, may have fields that it does not declare."""
    consumers: tuple[str, ...] = ()
    """Who reads the data."""


class ObjectExtras(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the described object's ``customProperties`` may say."""

    closed: bool = False
    """A row may have no fields that are not declared at its top; objects inside say so themselves."""


class Extras(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a property's ``customProperties`` may say."""

    aliases: tuple[str, ...] = ()
    """Other names under which the field may come."""
    default: str | int | float | bool | None = None
    """What a missing value stands for, as a literal in ISO form. Null is not missing."""
    closed: bool = False
    """Of an object: it may have no fields that are not declared."""
    enum: tuple[str | int | float | bool, ...] | None = None
    """Allowed values, for documents older than v3.2, which has ``enum`` itself."""
    enum_open: bool = False
    """Values beyond ``enum`` are let in, and told."""
    unit: str | None = None
    """What a number counts: ``EUR``, ``ms``."""
    consumers: tuple[str, ...] = ()
    """Who reads the field."""
    format: str | None = None
    """How dates and times are written: a strptime or JDK pattern. ``logicalTypeOptions.format`` is the standard's place."""
    timezone: str | None = None
    """The zone of an instant that is written without one."""
    decimal_separator: str | None = None
    """``.`` or ``,``."""
    true_words: tuple[str, ...] | None = None
    """What is written for true."""
    false_words: tuple[str, ...] | None = None
    """What is written for false."""
    null_words: tuple[str, ...] | None = None
    """What is written for null."""


class CustomProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names and values of custom properties with ``vendor: startrail``, by where in the document they stand."""

    contract: ContractExtras = ContractExtras()
    """The document's own ``customProperties``."""
    object: ObjectExtras = ObjectExtras()
    """Those of the object in ``schema``."""
    property: Extras = Extras()
    """Those of a property, at any depth."""


def read_extras(form: type[T], properties: tuple[CustomProperty, ...], node: Node, problems: Problems) -> T:
    """The custom properties of ``node`` that are for us; those of other vendors are theirs. Appends what is wrong."""
    ours: dict[str, Node] = {}
    for custom, place in zip(properties, _items(node), strict=True):
        value = place.find("value")
        if custom.vendor != VENDOR or value is None:
            continue
        if custom.property in ours:
            message = f"property '{printable(custom.property, 60)}' of vendor {VENDOR} stands twice"
            problems.append(errors.ContractContradiction(message, at=place.at, hint="remove one"))
        ours[custom.property] = msgspec.structs.replace(value, key=place.place("property"))
    if not ours:
        return form()
    found = decode(Node(node.place("customProperties"), ours), form, problems, what=f"properties of vendor {VENDOR}")
    return found or form()


def default_of(node: Node, extras: Extras) -> str | None:
    """The default as it is written, so that no digit of a number is lost."""
    found = value_of(node, "default")
    if found is None or extras.default is None:
        return None
    return str(extras.default).lower() if isinstance(extras.default, bool) else found.text


def value_of(node: Node, name: str) -> Node | None:
    """The value of one of our custom properties of ``node``."""
    for place in _items(node):
        vendor, known = place.find("vendor"), place.find("property")
        if vendor is not None and vendor.value == VENDOR and known is not None and known.value == name:
            return place.find("value")
    return None


def _items(node: Node) -> list[Node]:
    found = node.find("customProperties")
    return found.value if found is not None and isinstance(found.value, list) else []
