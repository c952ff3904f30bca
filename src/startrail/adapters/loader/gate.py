"""The gate: what may pass to the engine unseen, decided by msgspec on whole blocks.

From a contract it makes a Struct that forbids unknown fields. A block that decodes holds nothing but declared
keys with values of the right JSON type, whole numbers in range, nothing required missing. What is text stays
text here; its exact conversion is the engine's (``convert``). A refused block is taken apart line by line.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec

from startrail.adapters.loader.convert import item_field, struct_fields
from startrail.model.contract import Contract, Field
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


class Gate:
    """``passes`` tells how many records a block holds, when all of them may go to the engine as they are."""

    def __init__(self, contract: Contract) -> None:
        required = frozenset(contract.primary_key)
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(
            _struct("Record", [(field, field.required or field.name in required) for field in contract.fields])
        ).decode_lines

    def passes(self, lines: bytes) -> int | None:
        """The number of records, or None when at least one of them may not pass."""
        if b"\\u0000" in lines:
            return None
        try:
            return len(self._decode(lines))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


def _struct(label: str, fields: list[tuple[Field, bool]]) -> type[msgspec.Struct]:
    """Attributes are numbered and renamed, since a field's name may be any text."""
    members: list[Any] = []
    names: dict[str, str] = {}
    for index, (field, required) in enumerate(sorted(fields, key=lambda pair: not pair[1])):
        attribute = f"f{index}"
        names[attribute] = field.name
        kind = _json_type(field, field.type, f"{label}_{index}")
        members.append((attribute, kind) if required else (attribute, kind | None, None))
    return msgspec.defstruct(label, members, forbid_unknown_fields=True, rename=names.__getitem__, gc=False)


def _json_type(field: Field, kind: DataType, label: str) -> Any:
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
        case Primitive() | Decimal():
            return str
        case ListOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_item")
            return list[inner if item.required else inner | None]
        case MapOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_value")
            return dict[str, inner if item.required else inner | None]
        case StructOf():
            return _struct(label, [(part, part.required) for _, part in struct_fields(field)])
