"""Changes to the text of an ODCS contract: pure functions from a text to the changed text.

A field is named by its path as violations name it: ``$.price``, ``$.customer.country``, ``$.items[].price``. Whatever a
change is not about keeps its comments, order and layout; what cannot be done so is refused with ST384.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from startrail.base.text import did_you_mean, printable
from startrail.project.odcs_extras import VENDOR
from startrail.project.yaml_edit import CannotEdit, Path, append, put, remove, value_at
from startrail.project.yaml_write import Verbatim, Yaml

__all__ = [
    "CannotEdit", "Verbatim", "Yaml", "add_alias", "add_enum_value", "add_field", "field_path", "make_optional", "option",
    "raised", "remove_option", "set_custom", "set_key", "set_option", "set_version",
]  # fmt: skip

_OBJECT: Path = ("schema", 0)
_PART = re.compile(r"\.([^.\[\]]+)|\[[0-9]*\]")


def add_field(text: str, declaration: Mapping[str, Yaml], within: str = "$") -> str:
    """Declare one more property at the end of the object at ``within``: ``$`` for the record itself.

    ``declaration`` is the property as ODCS has it, ``name`` first: ``{"name": "coupon", "logicalType": "string"}``.
    """
    at = (*field_path(text, within), "properties")
    names = [str(each.get("name")) for each in _listed(text, at)]
    if str(declaration["name"]).lower() in [name.lower() for name in names]:
        raise CannotEdit(f"'{printable(str(declaration['name']), 60)}' is declared already", hint="change that field instead")
    return append(text, at, declaration)


def set_key(text: str, field: str, key: str, value: Yaml) -> str:
    """Set one key of a property, such as ``required``."""
    return put(text, (*field_path(text, field), key), value)


def option(text: str, field: str, name: str) -> Any:
    """One of the ``logicalTypeOptions`` of a property; None when it is not given."""
    return value_at(text, (*field_path(text, field), "logicalTypeOptions", name))


def set_option(text: str, field: str, name: str, value: Yaml) -> str:
    """Set one of the ``logicalTypeOptions`` of a property, such as ``maxLength``."""
    return put(text, (*field_path(text, field), "logicalTypeOptions", name), value)


def remove_option(text: str, field: str, name: str) -> str:
    """Take out one of the ``logicalTypeOptions`` of a property; the text as it is when it is not given."""
    if option(text, field, name) is None:
        return text
    at = (*field_path(text, field), "logicalTypeOptions")
    only = len(value_at(text, at)) == 1
    return remove(text, at if only else (*at, name))


def make_optional(text: str, field: str) -> str:
    """The field may be missing or null: neither it nor the object around it requires it."""
    at = field_path(text, field)
    if value_at(text, (*at, "required")) not in (None, False):
        text = put(text, (*at, "required"), False)
    parent, _, name = field.rpartition(".")
    listed = (*field_path(text, parent), "logicalTypeOptions", "required") if parent and not name.endswith("]") else ()
    names = value_at(text, listed) if listed else None
    if isinstance(names, list) and name in names:
        text = remove(text, (*listed, names.index(name)))
    return text


def add_enum_value(text: str, field: str, value: Yaml) -> str:
    """One more allowed value, where the field lists them: under ``enum``, or as a custom property of ours."""
    at = field_path(text, field)
    if value_at(text, (*at, "enum")) is not None:
        return append(text, (*at, "enum"), {"value": value})
    custom = _custom(text, at, "enum")
    if custom is None:
        raise CannotEdit(f"{field} has no enumeration", hint="give it one under 'enum'")
    return append(text, (*at, "customProperties", custom, "value"), value)


def add_alias(text: str, field: str, alias: str) -> str:
    """One more name under which the field may come."""
    at = field_path(text, field)
    custom = _custom(text, at, "aliases")
    if custom is None:
        return set_custom(text, field, "aliases", [alias])
    return append(text, (*at, "customProperties", custom, "value"), alias)


def set_custom(text: str, field: str, name: str, value: Yaml) -> str:
    """Set a custom property of vendor ``startrail``."""
    at = field_path(text, field)
    custom = _custom(text, at, name)
    if custom is not None:
        return put(text, (*at, "customProperties", custom, "value"), value)
    return append(text, (*at, "customProperties"), {"property": name, "value": value, "vendor": VENDOR})


def set_version(text: str, version: str) -> str:
    """Set the contract's version."""
    return put(text, ("version",), version)


def raised(version: str) -> str:
    """The next version after one that only grew: ``1.2.3`` becomes ``1.3.0``; another form gets a last number."""
    numbers = version.split(".")
    if len(numbers) == 3 and all(part.isascii() and part.isdecimal() for part in numbers):
        return f"{numbers[0]}.{int(numbers[1]) + 1}.0"
    head, dot, last = version.rpartition(".")
    if last.isascii() and last.isdecimal():
        return f"{head}{dot}{int(last) + 1}"
    return f"{version}.1"


def field_path(text: str, field: str) -> Path:
    """Where a property stands in the document; ``$`` is the object. Raises CannotEdit (ST384) when it is not declared."""
    at: Path = _OBJECT
    if field != "$" and (not field.startswith("$") or "".join(part[0] for part in _PART.finditer(field)) != field[1:]):
        raise CannotEdit(f"'{printable(field, 60)}' is not a path", hint="write $.field, $.inner.field or $.list[].field")
    for part in _PART.finditer(field):
        if part[1] is None:
            at = (*at, "items")
            if value_at(text, at) is None:
                raise CannotEdit(f"{printable(field, 60)}: the contract declares no list there", hint="name a declared field")
            continue
        if value_at(text, (*at, "map")) is not None:
            at = (*at, "map", "value")
            continue
        names = [str(each.get("name")) for each in _listed(text, (*at, "properties"))]
        if part[1] not in names:
            raise CannotEdit(
                f"the contract declares no field {printable(field, 60)}",
                hint=did_you_mean(part[1], names, "name a declared field"),
            )
        at = (*at, "properties", names.index(part[1]))
    return at


def _custom(text: str, at: Path, name: str) -> int | None:
    """The position of our custom property of this name."""
    listed = _listed(text, (*at, "customProperties"))
    return next((n for n, each in enumerate(listed) if (each.get("property"), each.get("vendor")) == (name, VENDOR)), None)


def _listed(text: str, at: Path) -> list[dict[str, Any]]:
    found = value_at(text, at)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
