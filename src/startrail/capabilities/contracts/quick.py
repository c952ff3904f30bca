"""The judge, quick about what is fine: it looks only at values of which it is not certain, and gives the same answer.

A record is mostly sound but for one field. For each field of a contract a test is made once, which may doubt a sound
value but never trusts a broken one; what it doubts, and whatever is accepted in the end, goes the judge's own way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal as Number
from typing import Any

from startrail.base.regex import expression
from startrail.capabilities.contracts.judge import RecordJudge, item_field, struct_fields
from startrail.capabilities.contracts.written import null_texts, pattern, shortcut
from startrail.model.contract import Contract, Field
from startrail.model.exact import bound, scalar
from startrail.model.promises import broken
from startrail.model.refusal import JsonNumber, Refused
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf

Sound = Callable[[Any], bool]
"""Whether a value certainly breaks no promise, takes no remark and stands for itself, or for null where null may be."""


class QuickJudge(RecordJudge):
    """Takes what :class:`RecordJudge` takes, and answers as it does."""

    def __init__(self, contract: Contract, *, null_words: tuple[str, ...] = (), **policy: Any) -> None:
        super().__init__(contract, null_words=null_words, **policy)
        key = frozenset(contract.primary_key)
        self._tests = [
            (field.name, _sound(field, null_words, must=field.required or field.name in key)) for field in contract.fields
        ]

        found = {field.name: shortcut(field, null_words) for field in contract.fields}
        self._shortcuts = {name: short for name, short in found.items() if short is not None}

    def _sound(self, tree: dict[str, Any]) -> set[str]:
        find = tree.get
        return {name for name, sound in self._tests if sound(find(name))}

    def _value(self, tree: dict[str, Any], field: Field, case: Any) -> Any:
        short = self._shortcuts.get(field.name)
        found = None if short is None else short(tree.get(field.name))
        return super()._value(tree, field, case) if found is None else found


def _sound(field: Field, null_words: tuple[str, ...], *, must: bool) -> Sound:
    null = not must and field.default is None
    value = _nested(field, null_words) if isinstance(field.type, ListOf | StructOf | MapOf) else _scalar(field)
    texts = frozenset(null_texts(field, null_words))

    def sound(found: Any) -> bool:
        if found is None or (texts and type(found) is str and found in texts):
            return null
        return value(found)

    return sound


def _nested(field: Field, null_words: tuple[str, ...]) -> Sound:
    kind = field.type
    if _limited(field) or field.pattern is not None:
        return _never
    if isinstance(kind, StructOf):
        parts = [(part.name, _sound(part, null_words, must=part.required)) for part in struct_fields(field)]
        names = frozenset(name for name, _ in parts)

        def struct(found: Any) -> bool:
            if type(found) is not dict or not found.keys() <= names:
                return False
            for name, sound in parts:  # noqa: SIM110 -- a generator takes half as long again
                if not sound(found.get(name)):
                    return False
            return True

        return struct
    item = item_field(field)
    each = _sound(item, null_words, must=item.required)
    if isinstance(kind, MapOf):
        return lambda found: type(found) is dict and all(map(each, found.values()))
    low, high = _lengths(field)
    return lambda found: type(found) is list and low <= len(found) <= high and all(map(each, found))


def _scalar(field: Field) -> Sound:
    """A quick test where there is one, with the specification itself behind it."""

    def exact(found: Any) -> bool:
        try:
            return next(broken(scalar(found, field), field), None) is None
        except Refused:
            return False

    try:
        return _quick(field, exact) or exact
    except Refused:  # a limit that is no value of the type: whoever meets it says so
        return exact


def _quick(field: Field, exact: Sound) -> Sound | None:
    kind = field.type
    name = kind.name if isinstance(kind, Primitive) else ""
    if name == "string":
        return _text(field, exact)
    if name == "boolean":
        return None if _limited(field) else lambda found: type(found) is bool or exact(found)
    written = pattern(kind)
    if written is None or field.enum is not None:
        return None
    if isinstance(kind, Decimal) or name in ("int", "long", "double"):
        textual = field.format.decimal_separator == "." or name in ("int", "long")
        return _number(field, written, exact, (JsonNumber, str) if textual else (JsonNumber,))
    if _limited(field) or field.format.pattern is not None:
        return None
    match, taken = written.fullmatch, JsonNumber if name == "float" else str
    return lambda found: (type(found) is taken and match(found) is not None) or exact(found)


def _text(field: Field, exact: Sound) -> Sound | None:
    if field.minimum is not None or field.maximum is not None:
        return None
    allowed = None if field.enum is None else frozenset(bound(word, field) for word in field.enum)
    low, high = _lengths(field)
    bare = field.min_length is None and field.max_length is None and field.pattern is None
    if bare and allowed is not None:
        return lambda found: type(found) is str and found in allowed
    if bare:
        return lambda found: type(found) is str and ((found.isascii() and "\0" not in found) or exact(found))
    matches = None if field.pattern is None else expression(field.pattern).found_in

    def text(found: Any) -> bool:
        return (
            type(found) is str and found.isascii() and "\0" not in found and low <= len(found) <= high
            and (allowed is None or found in allowed) and (matches is None or matches(found) is True)
        ) or exact(found)  # fmt: skip

    return text


def _number(field: Field, written: re.Pattern[str], exact: Sound, kinds: tuple[type, ...]) -> Sound:
    match = written.fullmatch
    if field.minimum is None and field.maximum is None:
        return lambda found: (type(found) in kinds and match(found) is not None) or exact(found)
    value = Number if isinstance(field.type, Decimal) else float if field.type == Primitive("double") else int
    low = None if field.minimum is None else bound(field.minimum, field)
    high = None if field.maximum is None else bound(field.maximum, field)

    def sound(found: Any) -> bool:
        if type(found) not in kinds or match(found) is None:
            return exact(found)
        typed = value(found)
        return (low is None or typed >= low) and (high is None or typed <= high)

    return sound


def _lengths(field: Field) -> tuple[float, float]:
    return field.min_length or 0, float("inf") if field.max_length is None else field.max_length


def _limited(field: Field) -> bool:
    return field.enum is not None or field.minimum is not None or field.maximum is not None


def _never(found: Any) -> bool:  # noqa: ARG001 -- stands for a test of a value
    return False
