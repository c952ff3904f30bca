"""The types by which the gate decodes records of a contract: what decodes certainly has the declared JSON type."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec

from startrail.adapters.loader.convert import item_field, struct_fields
from startrail.model.contract import Field
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_EXACT = {"float": 2**24, "double": 2**53}
"""Whole numbers up to here are held exactly."""
_TEMPORAL: dict[str, Any] = {
    "date": date,
    "time": Annotated[time, msgspec.Meta(tz=False)],
    "timestamp": Annotated[datetime, msgspec.Meta(tz=False)],
    "timestamptz": Annotated[datetime, msgspec.Meta(tz=True)],
}
"""Checking them here costs a seventh of what a regular expression costs the engine."""
_LARGEST_FLOAT = 3.4028234e38


class Shown(msgspec.Struct, frozen=True):
    """How records are decoded. ``learned``: undeclared fields, by the attribute that holds their raw JSON. ``numbers``: a
    decimal may be one. ``whole``: no declared field may be absent, at any depth, and no
    item of an array or value of a map null."""

    learned: dict[str, str] = {}
    numbers: bool = False
    whole: bool = False


def struct_type(label: str, fields: list[tuple[Field, bool]], shown: Shown) -> type[msgspec.Struct]:
    """Of fields, each with whether it is required. Attributes are numbered (:func:`attributes`) and renamed, since a
    field's name may be any text. Raises ValueError for a name that msgspec cannot compare."""
    members: list[Any] = []
    names: dict[str, str] = {}
    for index, (field, required) in enumerate(sorted(fields, key=lambda pair: not (pair[1] or pair[0].default is not None))):
        attribute = f"f{index}"
        names[attribute] = field.name
        kind = _json_type(field, field.type, f"{label}_{index}", shown)
        if required:
            members.append((attribute, kind))
        elif field.default is not None or shown.whole:  # null is not absent, and what is absent is not for the gate to fill
            members.append((attribute, kind | None))
        else:
            members.append((attribute, kind | None | msgspec.UnsetType, msgspec.UNSET))
    for name, attribute in shown.learned.items():
        names[attribute] = name
        members.append((attribute, msgspec.Raw, None))
    return msgspec.defstruct(label, members, forbid_unknown_fields=True, omit_defaults=True, rename=names.__getitem__, gc=False)


def attributes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The attribute that holds each field of such a type."""
    return dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))


def _json_type(field: Field, kind: DataType, label: str, shown: Shown) -> Any:
    """The JSON type that certainly is the declared one."""
    match kind:
        case Primitive(name="boolean"):
            return bool
        case Primitive(name=("int" | "long") as name):
            low, high = _INTEGERS[name]
            return Annotated[int, msgspec.Meta(ge=low, le=high)]
        case Primitive(name=("float" | "double") as name):
            whole = Annotated[int, msgspec.Meta(ge=-_EXACT[name], le=_EXACT[name])]
            if name == "double":
                return whole | float
            return whole | Annotated[float, msgspec.Meta(ge=-_LARGEST_FLOAT, le=_LARGEST_FLOAT)]
        case Primitive(name=("date" | "time" | "timestamp" | "timestamptz") as name) if field.format.pattern is None:
            return _TEMPORAL[name]
        case Decimal() if shown.numbers and field.format.decimal_separator == ".":
            return str | float
        case Primitive() | Decimal():
            return str
        case ListOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_item", shown)
            return list[inner if item.required or shown.whole else inner | None]
        case MapOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_value", shown)
            return dict[str, inner if item.required or shown.whole else inner | None]
        case StructOf():
            inner = msgspec.structs.replace(shown, learned={})
            return struct_type(label, [(part, part.required) for _, part in struct_fields(field)], inner)
