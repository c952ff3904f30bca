"""The judge: one record against its contract, in plain Python, with every violation named.

It is slow and sees only what a loader would not pass by itself; it is also the specification that loaders are
tested against. A record is a JSON object. For CSV it holds the texts of one line under the header's names.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal as Number
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.exact import JsonNumber, Refused, bound, scalar, show
from startrail.model.contract import Contract, Field
from startrail.model.drift import DriftKind
from startrail.model.names import Names
from startrail.model.types import ListOf, MapOf, Primitive, StructOf
from startrail.ports.loader import Judged, Violation

MOST_VIOLATIONS = 100
"""Kept per record; a record with more says so in its last one."""
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RecordJudge:
    """``null_words``: texts that mean null where a field declares none of its own (CSV). ``textual``: objects,
    arrays and so on stand as JSON text (CSV).

    ``accepted``: kinds that are noted and let in as they are. ``kept``: kinds whose value is kept as text in the extra
    fields, the field itself being null if it may be. ``closed``: an undeclared field breaks the contract.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        null_words: tuple[str, ...] = (),
        textual: bool = False,
        accepted: frozenset[DriftKind] = frozenset(),
        kept: frozenset[DriftKind] = frozenset(),
        closed: bool = False,
    ) -> None:
        self._fields = {field.name: field for field in contract.fields}
        self._key = frozenset(contract.primary_key)
        self._null_words = null_words
        self._textual = textual
        self._accepted = accepted
        self._kept = kept
        self._closed = closed
        self._names = Names(contract)

    def __call__(self, raw: bytes) -> Judged:
        try:
            tree = parse(raw)
        except Unreadable as error:
            return Judged((Violation("$", error.rule, error.expected, error.got),))
        if not isinstance(tree, dict):
            return Judged((Violation("$", "wrong_type", "an object", show(tree)),))
        case = _Case(self._null_words, self._textual, self._accepted, self._kept)
        meant = self._names.meant(tree)
        for found, name in meant.items():
            tree[name] = tree.pop(found)
            if not self._names.promises(found):
                case.noted.append(Violation(f"$.{name}", "case_change", name, show(found)))
        typed: dict[str, Any] = {}
        for name, field in self._fields.items():
            typed[name] = case.value(tree.get(name), field, f"$.{name}", must=field.required or name in self._key)
        unknown = [name for name in tree if name not in self._fields]
        if unknown:
            texts = _texts(raw)
            for name in unknown:
                case.keep(name, f"$.{name}", bytes(texts[name]).decode() if texts else dump(tree[name]))
        if self._closed:
            case.violations += [Violation(path, "new_field", "no such field", "one") for path in case.unknown]
        if case.violations:
            return Judged(case.bounded(), unknown=tuple(case.unknown))
        return Judged(record=canonical(typed), extra=case.extra(), unknown=tuple(case.unknown), noted=tuple(case.noted))


class _Case:
    """One record under judgement: what was found so far."""

    def __init__(
        self, null_words: tuple[str, ...], textual: bool, accepted: frozenset[DriftKind], kept: frozenset[DriftKind]
    ) -> None:
        self._accepted = accepted
        self._aside = kept
        self.violations: list[Violation] = []
        self.noted: list[Violation] = []
        self.unknown: dict[str, None] = {}
        self._kept: dict[str, str] = {}
        self._null_words = null_words
        self._textual = textual

    def keep(self, key: str, path: str, text: str) -> None:
        if not self._fit(key + text, path):
            return
        self._kept[key] = text
        self.unknown[re.sub(r"\[[0-9]+\]", "[]", path)] = None

    def _fit(self, text: str, path: str) -> bool:
        """False after noting that the text can be no part of the extra fields."""
        try:
            text.encode()
        except UnicodeEncodeError:
            where = path.encode(errors="backslashreplace").decode()
            self.violations.append(Violation(where, "malformed", "text without lone surrogates", printable(text, 120)))
            return False
        return True

    def extra(self) -> str | None:
        return "{" + ",".join(f"{quoted(key)}:{text}" for key, text in self._kept.items()) + "}" if self._kept else None

    def bounded(self) -> tuple[Violation, ...]:
        found = self.violations
        if len(found) <= MOST_VIOLATIONS:
            return tuple(found)
        more = Violation("$", "malformed", "a record that keeps its contract", f"{len(found) - MOST_VIOLATIONS} more violations")
        return (*found[:MOST_VIOLATIONS], more)

    def value(self, value: Any, field: Field, path: str, *, must: bool) -> Any:
        """The typed value, or None after noting why there is none."""
        words = field.format.null_words
        if value is None or (
            isinstance(value, str)
            and not isinstance(value, JsonNumber)
            and value in (self._null_words if words is None else words)
        ):
            if must:
                self.violations.append(Violation(path, "null_in_required", f"{field.type}, not null", show(value)))
            return None
        kind = field.type
        if isinstance(kind, ListOf | StructOf | MapOf):
            return self._nested(value, field, path, must)
        try:
            typed = scalar(value, field)
        except Refused as refused:
            rule = "date_order" if refused.rule == "wrong_format" and _turned(value, field) else refused.rule
            self._breaks(Violation(path, rule, refused.expected, show(value)), value, must)
            return None
        return typed if self._limits(typed, value, field, path, must) else None

    def _breaks(self, violation: Violation, value: Any, must: bool) -> bool:
        """True when the value may stay. One that is kept as text instead is as good as null, where null may be."""
        if violation.rule in self._accepted:
            self.noted.append(violation)
            return True
        if violation.rule in self._aside and not must:
            text = dump(value)
            if self._fit(text, violation.path):
                self.noted.append(violation)
                name = violation.path.removeprefix("$.")
                self._kept[violation.path if "." in name or "[" in name else name] = text
        else:
            self.violations.append(violation)
        return False

    def _nested(self, value: Any, field: Field, path: str, must: bool) -> Any:
        kind = field.type
        if self._textual and isinstance(value, str):
            try:
                value = parse(value.encode())
            except (Unreadable, UnicodeEncodeError):
                value = None
        if isinstance(kind, ListOf) and isinstance(value, list):
            if not self._limits(value, value, field, path, must):
                return None
            item = item_field(field)
            return [self.value(inner, item, f"{path}[{index}]", must=item.required) for index, inner in enumerate(value)]
        if isinstance(kind, MapOf) and isinstance(value, dict):
            item = item_field(field)
            return {key: self.value(inner, item, f"{path}.{key}", must=item.required) for key, inner in value.items()}
        if isinstance(kind, StructOf) and isinstance(value, dict):
            parts = {part.name: part for part in struct_fields(field)}
            for key in value:
                if key not in parts:
                    self.keep(f"{path}.{key}", f"{path}.{key}", dump(value[key]))
            return {name: self.value(value.get(name), part, f"{path}.{name}", must=part.required) for name, part in parts.items()}
        expected = "an array" if isinstance(kind, ListOf) else "an object"
        self._breaks(Violation(path, "wrong_type", expected, show(value)), value, must)
        return None

    def _limits(self, typed: Any, value: Any, field: Field, path: str, must: bool) -> bool:
        """True when the value may stay."""
        stays = True

        def note(rule: Any, expected: str) -> None:
            nonlocal stays
            stays &= self._breaks(Violation(path, rule, expected, show(value)), value, must)

        if field.enum is not None and all(typed != bound(word, field) for word in field.enum):
            note("unknown_value", "one of " + ", ".join(field.enum[:20]) + (" …" if len(field.enum) > 20 else ""))
        if field.minimum is not None and typed < bound(field.minimum, field):
            note("out_of_range", f"at least {field.minimum}")
        if field.maximum is not None and typed > bound(field.maximum, field):
            note("out_of_range", f"at most {field.maximum}")
        if isinstance(typed, str | bytes | list | dict):
            if field.min_length is not None and len(typed) < field.min_length:
                note("wrong_length", f"a length of at least {field.min_length}")
            if field.max_length is not None and len(typed) > field.max_length:
                note("wrong_length", f"a length of at most {field.max_length}")
        if field.pattern is not None and isinstance(typed, str) and _pattern(field.pattern).search(typed) is None:
            note("pattern_mismatch", f"text that matches {field.pattern}")
        return stays


def _texts(raw: bytes) -> dict[str, msgspec.Raw]:
    """The texts of a record's fields; none where one has half of a surrogate pair, which only Python can read."""
    try:
        return _RAW_OBJECT.decode(raw)
    except msgspec.DecodeError:
        return {}


def _turned(value: Any, field: Field) -> bool:
    """Whether a date in the declared pattern could be read with day and month the other way round."""
    pattern = field.format.pattern
    if pattern is None or "%d" not in pattern or "%m" not in pattern:
        return False
    other = pattern.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
    turned = msgspec.structs.replace(field, format=msgspec.structs.replace(field.format, pattern=other))
    try:
        scalar(value, turned)
    except Refused:
        return False
    return True


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


@lru_cache(maxsize=1024)
def struct_fields(field: Field) -> tuple[Field, ...]:
    """The inner fields of an object: as declared, or made up from its type."""
    if field.fields or not isinstance(field.type, StructOf):
        return field.fields
    return tuple(Field(name, kind) for name, kind in field.type.fields)


@lru_cache(maxsize=1024)
def item_field(field: Field) -> Field:
    """The field that stands for each item of an array, or each value of a map."""
    if field.item is not None:
        return field.item
    kind = field.type
    return Field("item", kind.item if isinstance(kind, ListOf) else kind.value if isinstance(kind, MapOf) else kind)


class Unreadable(Exception):
    """The record is not JSON that means one thing."""

    def __init__(self, rule: Any, expected: str, got: str) -> None:
        self.rule = rule
        self.expected = expected
        self.got = got


def parse(raw: bytes) -> Any:
    """Strict JSON with number texts kept. Raises Unreadable for what is not JSON, or says one key twice."""
    try:
        return _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise Unreadable("malformed", "UTF-8", f"byte {raw[error.start]:#04x} at {error.start}") from error
    except _Twice as error:
        raise Unreadable("duplicate_key", "each key once in an object", show(error.args[0])) from error
    except RecursionError as error:
        raise Unreadable("malformed", "JSON nested less deeply", "hundreds of levels") from error
    except ValueError as error:
        raise Unreadable("malformed", "JSON", printable(str(error), 120)) from error


class _Twice(Exception):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return found


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_constant)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def dump(tree: Any) -> str:
    """A parsed tree as JSON text again, with each number as it was written."""
    if isinstance(tree, JsonNumber):
        return str.__str__(tree)
    if isinstance(tree, dict):
        return "{" + ",".join(f"{quoted(key)}:{dump(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(dump, tree)) + "]"
    return json.dumps(tree, ensure_ascii=False)


def canonical(typed: dict[str, Any]) -> bytes:
    """An accepted record as JSON in the form every engine reads alike: numbers of a declared binary type as JSON
    numbers, booleans as such, all else as text: decimals with their full scale, dates and times in ISO form with
    microseconds, instants in UTC with ``Z``, binary as base64."""
    return msgspec.json.encode(_plain(typed))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    text = _TEXT.get(type(value))
    return value if text is None else text(value)


def _instant(value: datetime) -> str:
    text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text + ("" if value.tzinfo is None else "Z")


_TEXT: dict[type, Callable[[Any], str]] = {
    Number: lambda value: f"{value:f}",
    datetime: _instant,
    date: date.isoformat,
    time: lambda value: value.isoformat(timespec="microseconds"),
    UUID: str,
    bytes: lambda value: b64encode(value).decode(),
}


def is_string(field: Field) -> bool:
    return field.type == Primitive("string")
