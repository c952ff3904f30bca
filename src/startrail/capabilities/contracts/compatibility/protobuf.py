"""Protobuf: what of the wire format survives (Language Guide, "Updating A Message Type"), and what a change forgets."""

from __future__ import annotations

from collections.abc import Iterator

from startrail.capabilities.contracts.compatibility.findings import Finding, Sides
from startrail.capabilities.contracts.compatibility.work import Work
from startrail.ports.compatibility import ProtoEnum, ProtoField, ProtoMessage, ProtoReader, ProtoSchema, Refs

_INTEGERS = frozenset(("int32", "uint32", "int64", "uint64"))
_GROUPS = (
    _INTEGERS | {"bool"}, _INTEGERS | {"enum"}, frozenset(("sint32", "sint64")), frozenset(("fixed32", "sfixed32")),
    frozenset(("fixed64", "sfixed64")), frozenset(("string", "bytes")), frozenset(("message", "bytes")),
)  # fmt: skip
"""Types that read each other's bytes; a value that does not fit is cut, as Protobuf itself does."""
_REPEATABLE = frozenset(("string", "bytes", "message"))


class Protobuf:
    """The ``Language`` of ``.proto`` files. ``lenient``: numbers and values that were removed need not be reserved."""

    def __init__(self, reader: ProtoReader, lenient: bool) -> None:
        self._reader, self._lenient = reader, lenient

    def read(self, text: str, refs: Refs) -> ProtoSchema:
        """Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        return self._reader.read(text, refs)

    def compare(self, writer: ProtoSchema, reader: ProtoSchema, sides: Sides, work: Work) -> list[Finding]:
        """Of every message and enum of the writer's own file that the reader has too, and of all that they use."""
        return list(dict.fromkeys(_Wire(writer, reader, sides, self._lenient, work).all()))


class _Wire:
    def __init__(self, writer: ProtoSchema, reader: ProtoSchema, sides: Sides, lenient: bool, work: Work) -> None:
        self.writer, self.reader, self.sides, self.lenient, self.work = writer, reader, sides, lenient, work
        self.seen: set[tuple[str, str]] = set()

    def all(self) -> Iterator[Finding]:
        names = {_relative(name, self.reader.package): name for name in (*self.reader.messages, *self.reader.enums)}
        for name in self.writer.own:
            other = names.get(_relative(name, self.writer.package))
            if other is not None and name in self.writer.messages and other in self.reader.messages:
                yield from self.messages(name, other)
            elif other is not None and name in self.writer.enums and other in self.reader.enums:
                yield from self.enums(name, other)

    def messages(self, written: str, read: str) -> Iterator[Finding]:
        if (written, read) in self.seen:
            return
        self.seen.add((written, read))
        writer, reader = self.writer.messages[written], self.reader.messages[read]
        self.work.spend(1 + len(writer.fields) + len(reader.fields))
        fields = {field.number: field for field in writer.fields}
        path = _relative(reader.name, self.reader.package)
        for field in reader.fields:
            source = fields.get(field.number)
            if source is None:
                yield from self._unwritten(field, writer, path)
            else:
                yield from self._fields(source, field, f"{path}.{field.name}")
        yield from self._oneofs(fields, reader, path)
        old, new = (writer, reader) if self.sides.reader_is_new else (reader, writer)
        yield from self._history(old, new, path)

    def _unwritten(self, field: ProtoField, writer: ProtoMessage, path: str) -> Iterator[Finding]:
        if field.label == "required":
            yield self._required(field, f"{path}.{field.name}")
        moved = next((each for each in writer.fields if each.name == field.name), None)
        if moved is not None:
            yield Finding(
                "number_changed", f"{path}.{field.name}",
                f"'{field.name}' has number {moved.number} in the {self.sides.writer} schema and {field.number} in the "
                f"{self.sides.reader} one, which will not find it",
                f"keep its number {moved.number if self.sides.reader_is_new else field.number}, or take another name",
                _text(moved), _text(field),
            )  # fmt: skip

    def _required(self, field: ProtoField, path: str) -> Finding:
        return Finding(
            "required_added", path,
            f"'{field.name}' is required by the {self.sides.reader} schema, and the {self.sides.writer} one may leave it out",
            self.sides.advise("make it optional", "keep it required"), read=_text(field),
        )  # fmt: skip

    def _fields(self, writer: ProtoField, reader: ProtoField, path: str) -> Iterator[Finding]:
        if not _same_wire(writer.type, reader.type):
            reused = writer.name != reader.name
            yield Finding(
                "number_reused" if reused else "type_changed", path,
                f"number {writer.number} is {_text(writer)} in the {self.sides.writer} schema and {_text(reader)} in the "
                f"{self.sides.reader} one: the bytes mean other things",
                "take a number that was never used" if reused else "keep the type, or make a new field and reserve the number",
                _text(writer), _text(reader),
            )  # fmt: skip
            return
        if (writer.label == "repeated") != (reader.label == "repeated") and not {writer.type, reader.type} <= _REPEATABLE:
            yield Finding(
                "label_changed", path,
                f"'{reader.name}' is written as {writer.label} and read as {reader.label}",
                "keep it as it was, or make a new field", _text(writer), _text(reader),
            )  # fmt: skip
        if reader.label == "required" and writer.label != "required":
            yield self._required(reader, path)
        if writer.type == reader.type == "enum":
            yield from self.enums(writer.named, reader.named)
        elif writer.type == reader.type and writer.type in ("message", "group"):
            yield from self._inner(writer, reader, path)

    def _inner(self, writer: ProtoField, reader: ProtoField, path: str) -> Iterator[Finding]:
        was, now = _relative(writer.named, self.writer.package), _relative(reader.named, self.reader.package)
        entries = self.writer.messages[writer.named].map_entry or self.reader.messages[reader.named].map_entry
        if was != now and not entries and writer.type != "group":
            yield Finding(
                "message_type_changed", path, f"'{reader.name}' is a {was} in the {self.sides.writer} schema and a {now} "
                f"in the {self.sides.reader} one", "keep the type, or make a new field", _text(writer), _text(reader),
            )  # fmt: skip
            return
        yield from self.messages(writer.named, reader.named)

    def _oneofs(self, written: dict[int, ProtoField], reader: ProtoMessage, path: str) -> Iterator[Finding]:
        """A oneof keeps one field only: those in it must have excluded each other when they were written."""
        for name in dict.fromkeys(field.oneof for field in reader.fields if field.oneof is not None):
            members = [written[field.number] for field in reader.fields if field.oneof == name and field.number in written]
            origins = {member.oneof for member in members}
            if len(members) > 1 and (None in origins or len(origins) > 1):
                listed = ", ".join(member.name for member in members)
                yield Finding(
                    "oneof_moved", f"{path}.{name}",
                    f"the {self.sides.writer} schema may write {listed} together, and oneof '{name}' of the "
                    f"{self.sides.reader} one keeps one of them",
                    self.sides.advise("leave existing fields out of the oneof", "leave the fields in their oneof"), listed, name,
                )  # fmt: skip

    def _history(self, old: ProtoMessage, new: ProtoMessage, path: str) -> Iterator[Finding]:
        """What is wrong with the change itself, whoever reads."""
        numbers = {field.number for field in new.fields}
        for field in new.fields:
            if _reserves(old.reserved, field.number) or field.name in old.reserved_names:
                yield self._said(
                    "reserved_number_used", f"{path}.{field.name}",
                    f"'{field.name}' takes number {field.number} or a name that the old schema reserves",
                    "take another number and name",
                    f"reserved {field.number}", _text(field),
                )  # fmt: skip
        for field in old.fields:
            if field.number not in numbers and not self.lenient and not _reserves(new.reserved, field.number):
                yield self._said(
                    "removed_without_reserved", f"{path}.{field.name}",
                    f"'{field.name}' was removed and its number {field.number} may be taken again",
                    f"add: reserved {field.number}; reserved \"{field.name}\";", _text(field), "",
                )  # fmt: skip

    def enums(self, written: str, read: str) -> Iterator[Finding]:
        if (written, read) in self.seen:
            return
        self.seen.add((written, read))
        writer, reader = self.writer.enums[written], self.reader.enums[read]
        self.work.spend(len(writer.values) + len(reader.values))
        path = _relative(read, self.reader.package)
        known = {number for _, number in reader.values}
        missing = [(name, number) for name, number in writer.values if number not in known]
        if missing and reader.closed:
            listed = ", ".join(f"{name} = {number}" for name, number in missing[:20])
            yield Finding(
                "enum_values_missing", path,
                f"the {self.sides.writer} schema may write {listed}, which the closed enum of the {self.sides.reader} one drops",
                self.sides.advise("keep the values", "add no value until readers know it"), listed, "",
            )  # fmt: skip
        old, new = (writer, reader) if self.sides.reader_is_new else (reader, writer)
        yield from self._enum_history(old, new, path)

    def _enum_history(self, old: ProtoEnum, new: ProtoEnum, path: str) -> Iterator[Finding]:
        numbers, before, places = _names(new), _names(old), dict(new.values)
        for name, number in old.values:
            if name in places and places[name] != number:
                yield self._said(
                    "enum_value_changed", f"{path}.{name}", f"{name} was {number} and is {places[name]}",
                    f"keep {name} = {number}",
                    f"{name} = {number}", f"{name} = {places[name]}",
                )  # fmt: skip
            elif number not in numbers and not self.lenient and not _reserves(new.reserved, number):
                yield self._said(
                    "removed_without_reserved", f"{path}.{name}", f"{name} was removed, and {number} may be taken again",
                    f"add: reserved {number};", f"{name} = {number}", "",
                )  # fmt: skip
            elif number in numbers and not self.lenient and not numbers[number] & before[number]:
                now = min(numbers[number])
                yield self._said(
                    "enum_value_changed", f"{path}.{name}", f"{number} meant {name} and means {now}",
                    f"keep {name} = {number}, and give {now} a number of its own", f"{name} = {number}", f"{now} = {number}",
                )  # fmt: skip

    def _said(self, kind: str, path: str, message: str, change: str, old: str, new: str) -> Finding:
        written, read = (old, new) if self.sides.reader_is_new else (new, old)
        return Finding(kind, path, message, change, written, read)


def _same_wire(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _GROUPS)


def _reserves(ranges: tuple[tuple[int, int], ...], number: int) -> bool:
    return any(low <= number <= high for low, high in ranges)


def _names(enum: ProtoEnum) -> dict[int, set[str]]:
    """The names of each number: with allow_alias there may be several."""
    found: dict[int, set[str]] = {}
    for name, number in enum.values:
        found.setdefault(number, set()).add(name)
    return found


def _relative(name: str, package: str) -> str:
    """A renamed package alone changes nothing on the wire."""
    return name.removeprefix(f"{package}.") if package else name


def _text(field: ProtoField) -> str:
    label = "" if field.label == "optional" else f"{field.label} "
    return f"{label}{field.named or field.type} {field.name} = {field.number}"
