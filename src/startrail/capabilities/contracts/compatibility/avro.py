"""Schema resolution as the Avro specification (1.12, "Schema Resolution") has it, decided before any data is read."""

from __future__ import annotations

from startrail.capabilities.contracts.compatibility.findings import MEANING, Finding, Sides
from startrail.capabilities.contracts.compatibility.work import Work
from startrail.ports.compatibility import (
    AvroArray,
    AvroDefinition,
    AvroEnum,
    AvroField,
    AvroFixed,
    AvroLogical,
    AvroMap,
    AvroNamed,
    AvroPrimitive,
    AvroReader,
    AvroRecord,
    AvroSchema,
    AvroType,
    AvroUnion,
    Refs,
)

_PROMOTIONS = {
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"), ("float", "double"),
    ("string", "bytes"), ("bytes", "string"),
}  # fmt: skip
_UNITS = ("-millis", "-micros", "-nanos")


class Avro:
    """The ``Language`` of Avro schemas."""

    def __init__(self, reader: AvroReader) -> None:
        self._reader = reader

    def read(self, text: str, refs: Refs) -> AvroSchema:
        """Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        return self._reader.read(text, refs)

    def compare(self, writer: AvroSchema, reader: AvroSchema, sides: Sides, work: Work) -> list[Finding]:
        """Findings by field path; empty when every datum of ``writer`` resolves."""
        return _Resolution(writer, reader, sides, work).resolve(writer.root, reader.root, "")


class _Resolution:
    def __init__(self, writer: AvroSchema, reader: AvroSchema, sides: Sides, work: Work) -> None:
        self.writer, self.reader, self.sides, self.work = writer, reader, sides, work
        self.settled: dict[tuple[str, str], list[Finding]] = {}
        """Pairs of names; one that is being resolved counts as resolved, which recursion needs and induction allows."""

    def resolve(self, writer: AvroType, reader: AvroType, path: str) -> list[Finding]:
        self.work.spend()
        match writer, reader:
            case AvroUnion(), _:
                found = [each for branch in writer.branches for each in self.resolve(branch, reader, path)]
                return list(dict.fromkeys(found))
            case _, AvroUnion():
                return self._into_union(writer, reader, path)
            case AvroPrimitive(), AvroPrimitive():
                if writer.name == reader.name or (writer.name, reader.name) in _PROMOTIONS:
                    return self._logical(writer.logical, reader.logical, reader.name, path)
            case AvroArray(), AvroArray():
                return self.resolve(writer.items, reader.items, f"{path}[]")
            case AvroMap(), AvroMap():
                return self.resolve(writer.values, reader.values, f"{path}{{}}")
            case AvroNamed(), AvroNamed():
                return self._named(writer.name, reader.name, path)
        return [self._mismatch(writer, reader, path)]

    def _into_union(self, writer: AvroType, reader: AvroUnion, path: str) -> list[Finding]:
        """Data goes to the first branch of the same type, or else the first that it can be promoted to."""
        self.work.spend(len(reader.branches))
        near: list[Finding] = []
        for branch in sorted(reader.branches, key=lambda branch: _word(branch) != _word(writer)):
            found = self.resolve(writer, branch, path)
            if all(each.kind in MEANING for each in found):
                return found
            if _word(branch) == _word(writer):
                near = near or found
        if near:
            return near
        writes, reads = self._text(writer), self._text(reader)
        return [
            Finding(
                "union_branch_missing", path,
                f"the {self.sides.writer} schema writes {writes}, for which the {self.sides.reader} union has no branch",
                self.sides.advise(f"add {writes} to the union", f"leave {writes} out of what is written"),
                writes, reads,
            )
        ]  # fmt: skip

    def _named(self, written: str, read: str, path: str) -> list[Finding]:
        pair = (written, read)
        if pair in self.settled:
            return self.settled[pair]
        before = len(self.settled)
        self.settled[pair] = []
        found = self._definitions(self.writer.names[written], self.reader.names[read], path)
        if any(each.kind not in MEANING for each in found):
            for later in list(self.settled)[before:]:  # they may stand on this pair being sound
                if not self.settled[later]:
                    del self.settled[later]
        self.settled[pair] = found
        return found

    def _definitions(self, writer: AvroDefinition, reader: AvroDefinition, path: str) -> list[Finding]:
        if type(writer) is not type(reader):
            return [self._mismatch(AvroNamed(writer.name), AvroNamed(reader.name), path)]
        if not _same_name(writer, reader):
            return [
                Finding(
                    "name_changed", path,
                    f"the {self.sides.writer} schema names it '{writer.name}', the {self.sides.reader} one '{reader.name}'",
                    self.sides.advise(f"keep the name, or give it the alias '{writer.name}'", "keep the name"),
                    writer.name, reader.name,
                )
            ]  # fmt: skip
        match writer, reader:
            case AvroRecord(), AvroRecord():
                return self._records(writer, reader, path)
            case AvroEnum(), AvroEnum():
                return self._enums(writer, reader, path)
            case AvroFixed(), AvroFixed():
                if writer.size != reader.size:
                    return [
                        Finding(
                            "fixed_size_changed", path,
                            f"{writer.size} bytes are written where {reader.size} are read",
                            f"keep the size of {reader.name}, or make a new type", str(writer.size), str(reader.size),
                        )
                    ]  # fmt: skip
                return self._logical(writer.logical, reader.logical, "fixed", path)
        return []

    def _records(self, writer: AvroRecord, reader: AvroRecord, path: str) -> list[Finding]:
        written = {field.name: field for field in writer.fields}
        found: list[Finding] = []
        for field in reader.fields:
            inner = f"{path}.{field.name}" if path else field.name
            source = next((written[name] for name in (field.name, *field.aliases) if name in written), None)
            if source is not None:
                found += self.resolve(source.type, field.type, inner)
            elif field.default is None:
                found.append(self._no_default(field, inner))
        return list(dict.fromkeys(found))

    def _no_default(self, field: AvroField, path: str) -> Finding:
        return Finding(
            "field_without_default", path,
            f"'{field.name}' has no default in the {self.sides.reader} schema, and the {self.sides.writer} one does not write it",
            self.sides.advise(
                f"give '{field.name}' a default, or an alias when it was renamed", f"keep '{field.name}' in the new schema"
            ),
            read=f"{field.name}: {self._text(field.type)}",
        )  # fmt: skip

    def _enums(self, writer: AvroEnum, reader: AvroEnum, path: str) -> list[Finding]:
        known = set(reader.symbols)
        missing = [symbol for symbol in writer.symbols if symbol not in known]
        if not missing or reader.default is not None:
            return []
        words = ", ".join(missing)
        return [
            Finding(
                "enum_symbols_missing", path,
                f"the {self.sides.writer} schema may write {words}, which the {self.sides.reader} enum does not know",
                self.sides.advise("keep the symbols, or give the enum a default", "add no symbol until readers know it"),
                ", ".join(writer.symbols), ", ".join(reader.symbols),
            )
        ]  # fmt: skip

    def _logical(self, writer: AvroLogical | None, reader: AvroLogical | None, base: str, path: str) -> list[Finding]:
        kind = _meaning(writer, reader)
        if kind is None:
            return []
        was, now = str(writer or base), str(reader or base)
        return [
            Finding(
                kind, path, f"{was} is written and read as {now}: the bytes fit, the meaning does not",
                "keep the logical type, or make a new field", was, now,
            )
        ]  # fmt: skip

    def _mismatch(self, writer: AvroType, reader: AvroType, path: str) -> Finding:
        was, now = self._text(writer), self._text(reader)
        return Finding(
            "type_changed", path, f"{was} is written, and {now} cannot be read from it",
            self.sides.advise(f"keep {was}, or widen it", f"keep {now}"), was, now,
        )  # fmt: skip

    def _text(self, kind: AvroType) -> str:
        match kind:
            case AvroPrimitive():
                return f"{kind.name} ({kind.logical})" if kind.logical else kind.name
            case AvroNamed():
                return kind.name
            case AvroArray():
                return f"array of {self._short(kind.items)}"
            case AvroMap():
                return f"map of {self._short(kind.values)}"
        return "[" + ", ".join(self._short(branch) for branch in kind.branches[:20]) + "]"

    def _short(self, kind: AvroType) -> str:
        return self._text(kind) if isinstance(kind, AvroPrimitive | AvroNamed) else _word(kind)


def _word(kind: AvroType) -> str:
    match kind:
        case AvroPrimitive() | AvroNamed():
            return kind.name.rpartition(".")[2]
        case AvroArray():
            return "array"
        case AvroMap():
            return "map"
    return "union"


def _same_name(writer: AvroDefinition, reader: AvroDefinition) -> bool:
    """Unqualified names count, as in the specification; an alias is a full name."""
    return writer.name.rpartition(".")[2] == reader.name.rpartition(".")[2] or writer.name in reader.aliases


def _meaning(writer: AvroLogical | None, reader: AvroLogical | None) -> str | None:
    """The kind of a change of meaning, None for none. Text of a uuid may be read as any text."""
    if writer == reader or (writer is not None and writer.name == "uuid" and reader is None):
        return None
    if writer is None or reader is None:
        return "logical_type_changed"
    if writer.name == reader.name == "decimal":
        if writer.scale != reader.scale:
            return "decimal_scale_changed"
        return "decimal_precision_narrowed" if reader.precision < writer.precision else None
    if _unitless(writer.name) == _unitless(reader.name) and writer.name.endswith(_UNITS):
        return "timestamp_unit_changed"
    return "logical_type_changed"


def _unitless(name: str) -> str:
    return name.rpartition("-")[0] if name.endswith(_UNITS) else name
