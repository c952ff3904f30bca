"""Keys that stand twice in an object: the decoder takes the last of them, the engine fails, the judge refuses the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from startrail.adapters.loader.convert import item_field, struct_fields
from startrail.adapters.loader.gate_types import attributes
from startrail.model.contract import Field
from startrail.model.types import ListOf, MapOf, StructOf

Count = Callable[[list[Any]], int]
"""How many keys stand in such values."""
_KEY_END = b'":'


class Counted:
    """Counts keys in text, and in the ``whole`` records that were read from it, where only what may be null or have any
    number of parts is looked at. To be asked of records without learned fields, or with the attributes of these."""

    def __init__(self, fields: list[Field], struct: type[msgspec.Struct], learned: Iterable[str]) -> None:
        self._keys = _of_objects(fields, struct)
        self._learned = tuple(learned)

    def agrees(self, records: list[Any], lines: bytes) -> bool:
        """Whether no key stands twice, unless a key is written in another way than usual: with space behind it, when the
        engine finds out. False where that is not certain."""
        found = lines.count(_KEY_END) - self._keys(records)
        for attribute in self._learned:
            for raw in filter(None, map(attrgetter(attribute), records)):
                found -= 1 + bytes(raw).count(_KEY_END)
        return found == 0


def written_so(records: list[Any], lines: bytes) -> bool:
    """As :func:`keys_once`, of lines that these records were read from: what is absent is not written."""
    return b"\\u0022" not in lines and _ENCODE_LINES(records).count(b'"') == lines.count(b'"')


def keys_once(lines: bytes) -> bool:
    """False when a key may stand twice in an object: reading and writing again would lose its quotation marks, and
    only an escaped one could make up for that."""
    return written_so(_DECODE_LINES(lines), lines)


_DECODE_LINES = msgspec.json.Decoder().decode_lines
_ENCODE_LINES = msgspec.json.Encoder().encode_lines


def _of_objects(fields: list[Field], struct: type[msgspec.Struct]) -> Count:
    """Of a list of structs, all of whose fields are there."""
    places = attributes(struct)
    types = {each.name: each.type for each in msgspec.structs.fields(struct)}
    inner = [
        (attrgetter(places[field.name]), count)
        for field in fields
        if (count := _of_values(field, types[places[field.name]])) is not None
    ]

    def keys(found: list[Any]) -> int:
        total = len(found) * len(fields)
        for get, count in inner:
            total += count([value for value in map(get, found) if value is not None])
        return total

    return keys


def _of_values(field: Field, kind: Any) -> Count | None:
    """Of values of the field that are not null; None where they never have keys."""
    if isinstance(field.type, StructOf):
        struct = next(_structs(kind))
        return _of_objects([part for _, part in struct_fields(field)], struct)
    if not isinstance(field.type, ListOf | MapOf):
        return None
    count = _of_values(item_field(field), kind)
    if isinstance(field.type, ListOf):
        return None if count is None else lambda found: count(_present(chain.from_iterable(found)))

    def of_maps(found: list[Any]) -> int:
        inner = 0 if count is None else count(_present(chain.from_iterable(each.values() for each in found)))
        return sum(map(len, found)) + inner

    return of_maps


def _present(found: Iterable[Any]) -> list[Any]:
    return [value for value in found if value is not None]


def _structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Those that stand in a type, the outermost first."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _structs(argument)
