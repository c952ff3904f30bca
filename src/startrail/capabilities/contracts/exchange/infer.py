"""A contract of what a sample shows: no type beyond what every value says, nothing asserted that is only likely."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.fields import ITEM, array_field, object_field
from startrail.capabilities.contracts.exchange.observe import DEEPEST, MOST_NAMES, Room, Seen
from startrail.capabilities.contracts.exchange.remarks import number_remarks, text_remarks, variety_remarks
from startrail.capabilities.contracts.records import Unreadable, parse
from startrail.model.contract import Contract, Field, Format
from startrail.model.types import Primitive
from startrail.ports.exchange import Batch
from startrail.ports.loader import OWN_COLUMNS

INFERRED_VERSION = "0.1.0"


class Inferred(msgspec.Struct, frozen=True):
    """A contract with comments. ``notes`` stand by path; ``rows`` were seen, ``broken`` passed over."""

    contract: Contract
    notes: dict[str, tuple[str, ...]]
    rows: int
    broken: int = 0
    cut: bool = False
    """True when the sample goes on beyond what was read."""
    left_out: tuple[str, ...] = ()
    """Paths of fields of which no type could be said."""


def infer(batches: Iterable[Batch], name: str, origin: str, *, null_words: tuple[str, ...] = ("",)) -> Inferred:
    """The contract of a text file's records; ``origin`` names the file in the comments.

    Raises NothingToPromise (ST372).
    """
    sample = _Sample(null_words)
    for batch in batches:
        sample.see(batch)
    return sample.inferred(name, origin)


class _Sample:
    def __init__(self, null_words: tuple[str, ...]) -> None:
        self.rows = 0
        self.broken: list[str] = []
        self.broken_count = 0
        self.cut = False
        self._null_words = null_words
        self._room = Room()
        self._top = Seen(self._room, 0)
        self._columns: dict[str, Seen] = {}
        self._notes: dict[str, list[str]] = {}
        self._left_out: dict[str, str] = {}

    def see(self, batch: Batch) -> None:
        self.cut = self.cut or batch.cut
        for problem in batch.broken:
            self._passed_over(problem)
        for name in batch.names:
            self._columns.setdefault(name, Seen(self._room, 1))
        for name, column in zip(batch.names, batch.columns, strict=False):
            self._columns[name].see_texts(column, self._null_words)
        self.rows += len(batch.columns[0]) if batch.columns else 0
        for raw in batch.raws:
            self._see_record(raw)

    def inferred(self, name: str, origin: str) -> Inferred:
        self._top.settle()
        textual = bool(self._columns)
        seen = self._columns or self._top.children
        if self._top.names_are_data:
            self._left_out["$"] = f"records have more than {MOST_NAMES} different names, so the names are data"
        fields = self._fields(seen, "$", self.rows, textual)
        if not fields:
            why = "; ".join(f"{path} {why}" for path, why in list(self._left_out.items())[:3]) or _nothing(self.broken)
            raise NothingToPromise(
                f"{origin} shows no field whose type could be said: {why}", hint="give a sample with records of one form"
            )
        contract = Contract(name, INFERRED_VERSION, fields, Span(f"{name}.odcs.yml"))
        notes = {path: tuple(notes) for path, notes in self._notes.items()}
        notes["$"] = tuple(self._about(origin))
        return Inferred(contract, notes, self.rows, self.broken_count, self.cut, tuple(self._left_out))

    def _see_record(self, raw: bytes) -> None:
        try:
            tree = parse(raw)
        except Unreadable as error:
            self._passed_over(f"expected {error.expected}, got {error.got}")
            return
        if not isinstance(tree, dict):
            self._passed_over("it is no object")
            return
        self.rows += 1
        self._top.see(tree)

    def _passed_over(self, problem: str) -> None:
        self.broken_count += 1
        if len(self.broken) < 3:
            self.broken.append(problem)

    def _about(self, origin: str) -> list[str]:
        extent = f"the first {self.rows:,} rows; the file goes on" if self.cut else f"all {self.rows:,} rows"
        said = [
            f"Inferred from {origin}: {extent}.",
            "Types are what every value says exactly. What is only likely is a comment.",
        ]
        if self.broken_count:
            said.append(f"Passed over, since not readable: {self.broken_count:,}, as in: {'; '.join(self.broken)}.")
        said += [f"Left out: {path}: {why}. Loading keeps it in _extra." for path, why in self._left_out.items()]
        return said

    def _fields(self, seen: dict[str, Seen], path: str, objects: int, textual: bool = False) -> tuple[Field, ...]:
        found: dict[str, Field] = {}
        for name, node in seen.items():
            at = f"{path}.{name}"
            why = _bad_name(name, found, top=path == "$")
            if why is not None:
                self._left_out[printable(at)] = why
                continue
            required = objects > 0 and node.count - node.nulls == objects
            field = self._field(name, node, at, textual, required)
            if field is not None:
                found[name.lower()] = field
        return tuple(found.values())

    def _field(self, name: str, node: Seen, path: str, textual: bool, required: bool) -> Field | None:
        kinds = set(node.kinds)
        if not kinds and textual:
            self._note(path, ["no value was seen"])
            return Field(name, Primitive("string"))
        if kinds == {"number", "text"} and node.texts.number() is not None:
            self._note(path, [f"a number, written as text in {node.kinds['text']:,} of {node.count - node.nulls:,} values"])
            node.numbers.merge(node.texts.numbers)
            kinds = {"number"}
        if len(kinds) != 1:
            mixed = " and ".join(f"{count:,} times {kind}" for kind, count in sorted(node.kinds.items()))
            self._left_out[printable(path)] = mixed or "only null was seen"
            return None
        kind = kinds.pop()
        if kind == "object":
            return self._object(name, node, path, required)
        if kind == "array":
            return self._array(name, node, path, required)
        if kind == "boolean":
            return Field(name, Primitive("boolean"), required=required)
        return self._number(name, node, path, required) if kind == "number" else self._text(name, node, path, textual, required)

    def _object(self, name: str, node: Seen, path: str, required: bool) -> Field | None:
        if node.names_are_data:
            self._left_out[printable(path)] = f"an object of more than {MOST_NAMES} different names: declare it as a map"
            return None
        fields = self._fields(node.children, path, node.kinds["object"])
        if not fields:
            self._left_out[printable(path)] = "an object in which no field has a type, or too deep"
            return None
        return object_field(name, fields, required=required)

    def _array(self, name: str, node: Seen, path: str, required: bool) -> Field | None:
        item = node.item
        if item is None or not item.kinds:
            why = f"an array deeper than {DEEPEST} levels" if item is None else "an array of which no item was seen"
            self._left_out[printable(path)] = why
            return None
        found = self._field("element", item, path + ITEM, textual=False, required=item.nulls == 0)
        return None if found is None else array_field(name, found, required=required)

    def _number(self, name: str, node: Seen, path: str, required: bool) -> Field | None:
        kind = node.numbers.type()
        if kind is None:
            self._left_out[printable(path)] = "its numbers have more digits than any type holds"
            return None
        self._note(path, number_remarks(node.numbers) + variety_remarks(node, kind, required))
        return Field(name, kind, required=required)

    def _text(self, name: str, node: Seen, path: str, textual: bool, required: bool) -> Field:
        texts, promises = node.texts, {"required": required}
        kind = texts.type()
        if kind is not None and (textual or kind.name != "boolean"):
            self._note(path, variety_remarks(node, kind, required))
            return Field(name, kind, **promises)
        number = texts.number()
        if number is not None and textual:
            self._note(path, number_remarks(texts.numbers) + variety_remarks(node, number, required))
            return Field(name, number, **promises)
        pattern = texts.pattern()
        self._note(path, text_remarks(texts, number))
        if pattern is not None:
            return Field(name, Primitive("date"), format=Format(pattern), **promises)
        self._note(path, variety_remarks(node, Primitive("string"), required))
        return Field(name, Primitive("string"), **promises)

    def _note(self, path: str, notes: list[str]) -> None:
        if notes:
            self._notes.setdefault(path, []).extend(notes)


def _bad_name(name: str, taken: dict[str, Any], *, top: bool) -> str | None:
    if not name:
        return "it has no name"
    if name.lower() in taken:
        return "its name differs from another one in letter case only"
    if top and name.lower() in OWN_COLUMNS:
        return "loading uses this name for a column of its own"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name holds half a character"
    return None


def _nothing(broken: list[str]) -> str:
    return "no record could be read: " + broken[0] if broken else "it has no records"
