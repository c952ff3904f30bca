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

Required = tuple[Field, bool]
Values = list[Any]
Between = int | Callable[[Values], int]
"""How many commas stand between the parts of each of such values, or of all of them together. None of them is null."""


class Commas:
    """Counts commas in text, and between the parts of the ``whole`` records that were read from it. That is quick, since
    most records have as many fields as their type, and only what may be null or have any number of parts is looked at."""

    def __init__(self, fields: list[Required], struct: type[msgspec.Struct], learned: Iterable[str]) -> None:
        self._between = _together(_of_object(fields, struct))
        self._learned = [attrgetter(attribute) for attribute in learned]

    def agree(self, records: list[Any], lines: bytes) -> bool:
        """Whether certainly no key stands twice, but for within learned fields. A key more has a comma more, and commas
        within texts can only make doubt in vain."""
        left = lines.count(b",") - self._between(records)
        for get in self._learned:
            for raw in filter(None, map(get, records)):
                left -= 1 + bytes(raw).count(b",")
        return left == 0

    def first_off(self, records: list[Any], lines: bytes) -> tuple[int, bytes]:
        """The place of the first of these records in whose line commas do not agree, and that line; a place without a line
        where there is not a record a line."""
        texts = lines.split(b"\n")
        start, stop = 0, len(records)
        if len(texts) != stop + 1:
            return 0, b""
        while stop - start > 1:
            half = (start + stop) // 2
            if self.agree(records[start:half], b"\n".join(texts[start:half])):
                start = half
            else:
                stop = half
        return start, texts[start]


def written_so(records: list[Any], lines: bytes) -> bool:
    """As :func:`keys_once`, of lines that these records were read from: what is absent is not written."""
    return b"\\u0022" not in lines and _ENCODE_LINES(records).count(b'"') == lines.count(b'"')


def keys_once(lines: bytes) -> bool:
    """False when a key may stand twice in an object: reading and writing again would lose its quotation marks, and
    only an escaped one could make up for that."""
    return written_so(_DECODE_LINES(lines), lines)


_DECODE_LINES = msgspec.json.Decoder().decode_lines
_ENCODE_LINES = msgspec.json.Encoder().encode_lines


def _of_object(fields: list[Required], struct: type[msgspec.Struct]) -> Between:
    """Of structs, all of whose fields are there."""
    places, types = attributes(struct), {each.name: each.type for each in msgspec.structs.fields(struct)}
    always = len(fields) - 1
    counts: list[Callable[[Values], int]] = []
    for field, required in fields:
        place = places[field.name]
        between = _of_value(field, types[place])
        if isinstance(between, int) and (required or not between):
            always += between
        else:
            counts.append(_of_field(attrgetter(place), _together(between), required=required))
    if not counts:
        return always
    return lambda found: always * len(found) + sum([count(found) for count in counts])


def _of_field(get: Callable[[Any], Any], between: Callable[[Values], int], *, required: bool) -> Callable[[Values], int]:
    if required:
        return lambda found: between(list(map(get, found)))
    return lambda found: between([value for value in map(get, found) if value is not None])


def _of_value(field: Field, kind: Any) -> Between:
    parts = _parts(field)
    if parts is not None:
        return _of_object(parts, next(_structs(kind)))
    if not isinstance(field.type, ListOf | MapOf):
        return 0
    maps = isinstance(field.type, MapOf)
    between = _of_value(item_field(field), kind)

    def parted(found: Values) -> int:
        filled = list(filter(None, found))
        many = sum(map(len, filled))
        if isinstance(between, int):
            return many * (1 + between) - len(filled)
        each = [value.values() for value in filled] if maps else filled
        return many - len(filled) + between(list(chain.from_iterable(each)))

    return parted


def _together(between: Between) -> Callable[[Values], int]:
    if not isinstance(between, int):
        return between
    return lambda found: between * len(found)


def _parts(field: Field) -> list[Required] | None:
    """The fields of an object."""
    return [(part, part.required) for _, part in struct_fields(field)] if isinstance(field.type, StructOf) else None


def _structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Those that stand in a type, the outermost first."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _structs(argument)
