"""Data contracts (ODCS): may every row that keeps the one contract be loaded under the other?

Fields are found by name or alias, as loading does; a field that only the written data has is kept beside the
columns by loading and breaks nothing, unless the contract that reads is closed.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal as Number
from decimal import InvalidOperation
from typing import Any

from startrail.base.errors import StartrailError
from startrail.base.text import near_miss
from startrail.capabilities.contracts.compatibility.findings import Finding, Sides, undecided
from startrail.capabilities.contracts.compatibility.regex import within
from startrail.capabilities.contracts.compatibility.work import Work
from startrail.model.contract import Contract, Field
from startrail.model.types import DataType, Decimal
from startrail.ports.compatibility import Refs, SchemaUnreadable, refuse_large
from startrail.project.odcs import read_contract

_WIDER: dict[str, tuple[str, ...]] = {"int": ("long",), "float": ("double",), "uuid": ("string",)}
_WHOLE_DIGITS = {"int": 10, "long": 19}


class Odcs:
    """The ``Language`` of Open Data Contract Standard documents."""

    def read(self, text: str, refs: Refs) -> Contract:
        """Raises SchemaUnreadable with what the project would say about the contract."""
        refuse_large(text, "the contract")
        problems: list[StartrailError] = []
        try:
            contract = read_contract(text.encode("utf-8", "surrogatepass"), "contract.odcs.yml", problems)
        except StartrailError as error:
            problems.append(error)
            contract = None
        if contract is None or problems:
            first = problems[0]
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise SchemaUnreadable(f"{first.code} {first.message}{more}", at=first.at, hint=first.hint)
        return contract

    def compare(self, writer: Contract, reader: Contract, sides: Sides, work: Work) -> list[Finding]:
        """Findings by field path."""
        rules = _Rules(sides, work)
        found = rules.fields(writer.fields, reader.fields, "") + rules.closing(writer, reader, "")
        return [*found, *rules.key(writer, reader)]


class _Rules:
    def __init__(self, sides: Sides, work: Work) -> None:
        self.sides, self.work = sides, work

    def fields(self, writer: tuple[Field, ...], reader: tuple[Field, ...], path: str) -> list[Finding]:
        written = {field.name: field for field in writer}
        by_alias = {alias: field for field in writer for alias in field.aliases}
        found: list[Finding] = []
        for field in reader:
            inner = f"{path}.{field.name}" if path else field.name
            source = next((written[name] for name in (field.name, *field.aliases) if name in written), by_alias.get(field.name))
            if source is not None:
                found += self.field(source, field, inner)
            elif field.required and field.default is None:
                found.append(self._missing(field, written, {each.name for each in reader}, inner))
        return found

    def _missing(self, field: Field, written: dict[str, Field], kept: set[str], path: str) -> Finding:
        like = near_miss(field.name, [name for name in written if name not in kept])
        renamed = f", or give it the alias '{like}' if it was renamed" if like else ""
        return Finding(
            "required_field_added", path,
            f"'{field.name}' is required by the {self.sides.reader} contract, and the {self.sides.writer} one does not have it",
            self.sides.advise(f"make it optional{renamed}", f"keep '{field.name}' in the contract"),
            like or "", f"{field.name}: {field.type}, required",
        )  # fmt: skip

    def closing(self, writer: Contract | Field, reader: Contract | Field, path: str) -> list[Finding]:
        """Fields that may be written and that a closed object does not let in."""
        if not reader.closed:
            return []
        if not writer.closed:
            advice = self.sides.advise("leave it open", "close it as well")
            said = f"the {self.sides.writer} contract lets other fields come, and the {self.sides.reader} one is closed"
            return [Finding("object_closed", path or "$", said, advice, "open", "closed")]
        known = {name for field in reader.fields for name in (field.name, *field.aliases)}
        known |= {field.name for field in writer.fields if known & set(field.aliases)}
        return [
            Finding(
                "field_not_allowed", f"{path}.{field.name}" if path else field.name,
                f"'{field.name}' may be written, and the {self.sides.reader} contract is closed without it",
                self.sides.advise(f"keep '{field.name}', or leave the object open", "stop writing it"), field.name, "",
            )
            for field in writer.fields
            if field.name not in known
        ]  # fmt: skip

    def field(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        self.work.spend()
        if writer.fields and reader.fields and not writer.item and not reader.item:
            found = self.fields(writer.fields, reader.fields, path) + self.closing(writer, reader, path)
        elif writer.item is not None and reader.item is not None and _shape(writer.type) == _shape(reader.type):
            found = self.field(writer.item, reader.item, f"{path}[]")
            found += self.fields(writer.fields, reader.fields, path)
        elif not _widens(writer.type, reader.type):
            return [self._type(writer, reader, path)]
        else:
            found = []
        if reader.required and not writer.required:
            found.append(
                self._narrowed("required_added", path, "null or missing values", "optional", "required", "make it optional")
            )
        found += self._default(writer, reader, path)
        if reader.unique and not writer.unique:
            found.append(self._narrowed("unique_added", path, "repeated values", "not unique", "unique", "drop unique"))
        found += self._enum(writer, reader, path)
        return [
            *found,
            *self._ranges(writer, reader, path),
            *self._texts(writer, reader, path),
            *self._meaning(writer, reader, path),
        ]

    def _default(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        """What may be missing where it is written, and means something else, or nothing, where it is read."""
        if writer.default is None or writer.default == reader.default:
            return []
        if reader.default is not None:
            said = (
                f"a missing value means {writer.default} to the {self.sides.writer} contract, and {reader.default} to the other"
            )
            return [Finding("default_changed", path, said, "keep the default", writer.default, reader.default)]
        then = "and breaks" if reader.required else "and is null under"
        said = f"a missing value means {writer.default} to the {self.sides.writer} contract, {then} the {self.sides.reader} one"
        return [
            Finding("default_removed", path, said, self.sides.advise("keep the default", "drop it there"), writer.default, "")
        ]

    def _type(self, writer: Field, reader: Field, path: str) -> Finding:
        was, now = str(writer.type), str(reader.type)
        kind = "type_narrowed" if _widens(reader.type, writer.type) else "type_changed"
        return Finding(
            kind, path, f"{was} is written, and {now} does not hold all of it",
            self.sides.advise(f"keep {was}, or widen it", f"keep {now}"), was, now,
        )  # fmt: skip

    def _enum(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        if reader.enum is None or reader.enum_open:
            return []
        if writer.enum is not None and writer.enum_open:
            was, now = ", ".join(writer.enum) + ", and others", ", ".join(reader.enum)
            return [self._narrowed("enum_closed", path, "other values", was, now, "keep enumOpen")]
        if writer.enum is None:
            return [self._narrowed("enum_added", path, "other values", "any", ", ".join(reader.enum), "drop the enum")]
        missing = sorted(set(writer.enum) - set(reader.enum))
        if not missing:
            return []
        was, now = ", ".join(writer.enum), ", ".join(reader.enum)
        return [self._narrowed("enum_narrowed", path, ", ".join(missing), was, now, "keep these values")]

    def _ranges(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        found: list[Finding] = []
        for word, was, now, sign in (
            ("minimum", writer.minimum, reader.minimum, 1),
            ("maximum", writer.maximum, reader.maximum, -1),
        ):
            if now is None:
                continue
            one, other = _value(was), _value(now)
            fits = was is not None and type(one) is type(other) and (one >= other if sign > 0 else one <= other)
            if not fits:
                found.append(
                    self._narrowed("range_narrowed", path, f"values beyond {word} {now}", was or "open", now, f"leave the {word}")
                )
        return found

    def _texts(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        found: list[Finding] = []
        if (reader.min_length or 0) > (writer.min_length or 0):
            was, now = str(writer.min_length or 0), str(reader.min_length)
            found.append(self._narrowed("length_narrowed", path, f"texts shorter than {now}", was, now, "leave minLength"))
        if reader.max_length is not None and (writer.max_length is None or writer.max_length > reader.max_length):
            was, now = str(writer.max_length or "open"), str(reader.max_length)
            found.append(self._narrowed("length_narrowed", path, f"texts longer than {now}", was, now, "leave maxLength"))
        if reader.pattern is not None and reader.pattern != writer.pattern:
            answer = within(writer.pattern or "", reader.pattern, self.work)
            if answer is None:
                found.append(
                    undecided(path, "the expressions are beyond the comparable subset", writer.pattern or "", reader.pattern)
                )
            elif not answer:
                was = writer.pattern or "any"
                found.append(
                    self._narrowed("pattern_narrowed", path, "other texts", was, reader.pattern, "keep or widen the pattern")
                )
        return found

    def _meaning(self, writer: Field, reader: Field, path: str) -> list[Finding]:
        found: list[Finding] = []
        if writer.unit != reader.unit and writer.unit is not None and reader.unit is not None:
            found.append(
                Finding(
                    "unit_changed", path, f"{writer.unit} is written and read as {reader.unit}",
                    "keep the unit, or make a new field", writer.unit, reader.unit,
                )
            )  # fmt: skip
        if writer.format != reader.format:
            was, now = _told(writer), _told(reader)
            found.append(
                Finding(
                    "format_changed", path, f"values are written as {was} and read as {now}",
                    "keep the format, or make a new field", was, now,
                )
            )  # fmt: skip
        return found

    def key(self, writer: Contract, reader: Contract) -> list[Finding]:
        """The key that reads must be unique in what is written: it needs all fields of the key that was written."""
        if not reader.primary_key or (writer.primary_key and set(writer.primary_key) <= _old_names(writer, reader)):
            return []
        was, now = ", ".join(writer.primary_key) or "none", ", ".join(reader.primary_key)
        return [
            Finding(
                "primary_key_changed", "primaryKey",
                f"the {self.sides.reader} contract's key is {now}, and {was} in the {self.sides.writer} one: rows may share it",
                "keep the primary key", was, now,
            )
        ]  # fmt: skip

    def _narrowed(self, kind: str, path: str, what: str, was: str, now: str, change: str) -> Finding:
        return Finding(
            kind, path,
            f"the {self.sides.writer} contract lets '{path}' have {what}, and the {self.sides.reader} one does not",
            self.sides.advise(change, "narrow it to what the old contract allows"), was, now,
        )  # fmt: skip


def _old_names(writer: Contract, reader: Contract) -> set[str]:
    """The written names of the fields of the key that reads."""
    names: set[str] = set()
    for field in reader.fields:
        if field.name in reader.primary_key:
            known = {each.name for each in writer.fields}
            names |= {field.name, *(each.name for each in writer.fields if field.name in each.aliases)}
            names |= {alias for alias in field.aliases if alias in known}
    return names


def _shape(kind: DataType) -> str:
    return type(kind).__name__


def _widens(writer: DataType, reader: DataType) -> bool:
    """True when every value is kept as it is. Integers are exact in a double only up to 32 bits."""
    if writer == reader:
        return True
    was, now = str(writer), str(reader)
    if isinstance(reader, Decimal):
        digits = reader.precision - reader.scale
        if isinstance(writer, Decimal):
            return writer.scale <= reader.scale and writer.precision - writer.scale <= digits
        return _WHOLE_DIGITS.get(was, 99) <= digits
    return now in _WIDER.get(was, ()) or (was, now) == ("int", "double")


def _value(text: str | None) -> Any:
    """A bound as something that can be compared."""
    if text is None:
        return None
    try:
        return Number(text)
    except InvalidOperation:
        pass
    for read in (date.fromisoformat, datetime.fromisoformat, time.fromisoformat):
        try:
            found = read(text)
        except ValueError:
            continue
        return found if getattr(found, "tzinfo", None) is None else found.timestamp() if isinstance(found, datetime) else text
    return text


def _told(field: Field) -> str:
    shape = field.format
    parts = [shape.pattern, shape.timezone, f"decimal {shape.decimal_separator}"]
    words = [*shape.true_words, *shape.false_words, *(shape.null_words or ())]
    return " ".join(part for part in parts if part) + f" ({', '.join(words[:20])})"
