"""The judge: one record against its contract, in plain Python, with every violation named.

It is slow and sees only what a loader would not pass by itself; it is also the specification that loaders are
tested against. A record is a JSON object. For CSV it holds the texts of one line under the header's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.records import Unreadable, canonical, dump, parse, quoted
from startrail.model.contract import Contract, Field
from startrail.model.drift import DriftKind
from startrail.model.exact import bound, scalar
from startrail.model.names import Names
from startrail.model.promises import broken
from startrail.model.refusal import JsonNumber, Refused, show
from startrail.model.types import ListOf, MapOf, StructOf
from startrail.ports.loader import Judged, Violation, defaulted

MOST_VIOLATIONS = 100
"""Kept per record; a record with more says so in its last one."""
MOST_UNKNOWN = 1_000
"""Undeclared fields that are told by name per record; more are told as one, and all are kept."""
OTHERS = "$.(others)"
_INDEX = re.compile(r"\[[0-9]+\]")
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RecordJudge:
    """``null_words``: texts that mean null where a field declares none of its own (CSV). ``textual``: objects,
    arrays and so on stand as JSON text (CSV).

    ``accepted``: kinds that are noted and let in as they are. ``kept``: kinds whose value is kept as text in the extra
    fields, the field itself being null if it may be. ``closed``: an undeclared field breaks the contract.
    ``taken``: fields that are columns though nobody declared them; what does not fit one counts as undeclared.
    ``waved``: (kind, path) of promises about a value that a person has said may be broken for now.
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
        taken: frozenset[str] = frozenset(),
        waved: frozenset[tuple[DriftKind, str]] = frozenset(),
    ) -> None:
        self._fields = {field.name: field for field in contract.fields}
        self._key = frozenset(contract.primary_key)
        self._complete = contract.closed
        self._null_words = null_words
        self._textual = textual
        self._accepted = accepted
        self._kept = kept
        self._closed = closed
        self._taken = taken
        self._waved = waved
        self._names = Names(contract)

    def __call__(self, raw: bytes) -> Judged:
        try:
            tree = parse(raw)
        except Unreadable as error:
            return Judged((Violation("$", error.rule, error.expected, error.got),))
        if not isinstance(tree, dict):
            return Judged((Violation("$", "wrong_type", "an object", show(tree)),))
        return self._judged(tree, raw)

    def _sound(self, tree: dict[str, Any]) -> set[str]:
        """Fields whose values certainly break no promise and take no remark; they are looked at only when the record is
        accepted. Any set of such fields gives the same answer."""
        return set()

    def _value(self, tree: dict[str, Any], field: Field, case: _Case) -> Any:
        """Of a sound field: its typed value, or what stands for that in canonical form."""
        return case.member(tree, field, "$", must=field.required or field.name in self._key)

    def fields(self, members: bytes, doubtful: tuple[str, ...]) -> Judged | None:
        """See :meth:`startrail.ports.loader.FieldJudge.fields`."""
        tree = parse(members)
        case = self._case()
        self._typed(tree, doubtful, case)
        self._undeclared(tree, members, case)
        return _refused(case) if case.violations else None

    def _case(self) -> _Case:
        return _Case(self._null_words, self._textual, self._accepted, self._kept, self._waved)

    def _judged(self, tree: dict[str, Any], raw: bytes) -> Judged:
        case = self._case()
        if not tree.keys() <= self._fields.keys():
            for found, name in self._names.meant(tree).items():
                tree[name] = tree.pop(found)
                if not self._names.promises(found):
                    case.noted.append(Violation(f"$.{name}", "case_change", name, show(found)))
        sound = self._sound(tree)
        typed = self._typed(tree, [name for name in self._fields if name not in sound], case)
        self._undeclared(tree, raw, case)
        if case.violations:
            return _refused(case)
        for name in sound:
            typed[name] = self._value(tree, self._fields[name], case)
        record = canonical({name: typed[name] for name in self._fields})
        return Judged(record=record, extra=case.extra(), unknown=tuple(case.unknown), noted=tuple(case.noted))

    def _typed(self, tree: dict[str, Any], names: Iterable[str], case: _Case) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        for name in names:
            field = self._fields[name]
            case.taken = name in self._taken
            typed[name] = case.member(tree, field, "$", must=field.required or name in self._key)
        return typed

    def _undeclared(self, tree: dict[str, Any], raw: bytes, case: _Case) -> None:
        unknown = [name for name in tree if name not in self._fields]
        if unknown:
            texts = _texts(raw)
            for name in unknown:
                text = bytes(texts[name]).decode() if texts else dump(tree[name])
                case.keep(name, f"$.{name}", text, breaks=self._complete)
        if self._closed:
            case.violations += [Violation(path, "new_field", "no such field", "one") for path in case.unknown]


class _Case:
    """One record under judgement: what was found so far."""

    def __init__(
        self,
        null_words: tuple[str, ...],
        textual: bool,
        accepted: frozenset[DriftKind],
        kept: frozenset[DriftKind],
        waved: frozenset[tuple[DriftKind, str]],
    ) -> None:
        self._accepted = accepted
        self._aside = kept
        self._waved = waved
        self.taken = False
        """The field at hand is a column that nobody declared."""
        self.violations: list[Violation] = []
        self.noted: list[Violation] = []
        self.unknown: dict[str, None] = {}
        self._kept: dict[str, str] = {}
        self._null_words = null_words
        self._textual = textual

    def keep(self, key: str, path: str, text: str, *, breaks: bool) -> None:
        """An undeclared field; ``breaks``: the object that it stands in is closed."""
        if not self._fit(key + text, path):
            return
        if breaks:
            found = Violation(path, "undeclared_field", "no field but those declared", printable(text, 120))
            waved = (found.rule, _INDEX.sub("[]", path)) in self._waved
            if not waved and found.rule not in self._accepted | self._aside:
                self.violations.append(found)
                return
            self.noted.append(found)
        elif len(self.unknown) < MOST_UNKNOWN:
            self.unknown[_INDEX.sub("[]", path) if "[" in path else path] = None
        else:
            self.unknown[OTHERS] = None
        self._kept[key] = text

    def _fit(self, text: str, path: str) -> bool:
        """False after noting that the text can be no part of the extra fields."""
        if text.isascii():
            return True
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

    def member(self, tree: dict[str, Any], field: Field, path: str, *, must: bool) -> Any:
        """The typed value of one field of an object, or what stands for it when it is not there."""
        path = f"{path}.{field.name}"
        if field.default is not None and field.name not in tree:
            self.noted.append(defaulted(field, path))
            return bound(field.default, field)
        return self.value(tree.get(field.name), field, path, must=must)

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
            self._unlike(Violation(path, rule, refused.expected, show(value)), value, must)
            return None
        return typed if self._limits(typed, value, field, path, must) else None

    def _breaks(self, violation: Violation, value: Any, must: bool) -> bool:
        """True when the value may stay. One that is kept as text instead is as good as null, where null may be."""
        rule = violation.rule
        if rule in self._accepted or (rule, _INDEX.sub("[]", violation.path)) in self._waved:
            self.noted.append(violation)
            return True
        self._aside_or_out(violation, value, may=rule in self._aside and not must)
        return False

    def _unlike(self, violation: Violation, value: Any, must: bool) -> None:
        """The value is none of the field's type, so that it can never stay: where its kind may, it is kept as text."""
        if self.taken:
            name = violation.path.removeprefix("$.")
            self.keep(violation.path if "." in name or "[" in name else name, violation.path, dump(value), breaks=False)
            return
        self._aside_or_out(violation, value, may=violation.rule in self._accepted | self._aside and not must)

    def _aside_or_out(self, violation: Violation, value: Any, *, may: bool) -> None:
        if not may:
            self.violations.append(violation)
            return
        text = dump(value)
        if self._fit(text, violation.path):
            self.noted.append(violation)
            name = violation.path.removeprefix("$.")
            self._kept[violation.path if "." in name or "[" in name else name] = text

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
                    self.keep(f"{path}.{key}", f"{path}.{key}", dump(value[key]), breaks=field.closed)
            return {name: self.member(value, part, path, must=part.required) for name, part in parts.items()}
        expected = "an array" if isinstance(kind, ListOf) else "an object"
        self._unlike(Violation(path, "wrong_type", expected, show(value)), value, must)
        return None

    def _limits(self, typed: Any, value: Any, field: Field, path: str, must: bool) -> bool:
        """True when the value may stay."""
        found = [Violation(path, rule, expected, show(value)) for rule, expected in broken(typed, field)]
        stays = [self._breaks(violation, value, must) for violation in found]
        return all(stays)


def _refused(case: _Case) -> Judged:
    defaulted = tuple(found for found in case.noted if found.rule == "defaulted")
    return Judged(case.bounded(), unknown=tuple(case.unknown), noted=defaulted)


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
