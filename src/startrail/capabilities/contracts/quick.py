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
from startrail.model.contract import Contract, Field, Format
from startrail.model.exact import bound, scalar
from startrail.model.promises import broken
from startrail.model.refusal import JsonNumber, Refused
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf

Sound = Callable[[Any], bool]
"""Whether a value certainly breaks no promise, takes no remark and stands for itself, or for null where null may be."""

_DIGITS = {"int": 9, "long": 18, "float": 7, "double": 15}
"""Whole numbers of so many digits are held exactly."""
_DAY = r"(?!000[01]|9999)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
"""Days that every month has. In the first and last years an offset may lead out of the calendar."""
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_WRITTEN = {
    "date": re.compile(_DAY, re.ASCII),
    "time": re.compile(_CLOCK, re.ASCII),
    "timestamp": re.compile(_DAY + "[T ]" + _CLOCK, re.ASCII),
    "timestamptz": re.compile(_DAY + "[T ]" + _CLOCK + _ZONE, re.ASCII),
}


class QuickJudge(RecordJudge):
    """Takes what :class:`RecordJudge` takes, and answers as it does."""

    def __init__(self, contract: Contract, *, null_words: tuple[str, ...] = (), **policy: Any) -> None:
        super().__init__(contract, null_words=null_words, **policy)
        key = frozenset(contract.primary_key)
        self._tests = [
            (field.name, _sound(field, null_words, must=field.required or field.name in key)) for field in contract.fields
        ]

    def _sound(self, tree: dict[str, Any]) -> set[str]:
        find = tree.get
        return {name for name, sound in self._tests if sound(find(name))}


def _sound(field: Field, null_words: tuple[str, ...], *, must: bool) -> Sound:
    words = null_words if field.format.null_words is None else field.format.null_words
    null = not must and field.default is None
    value = _nested(field, null_words) if isinstance(field.type, ListOf | StructOf | MapOf) else _scalar(field)
    texts = frozenset(words)

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
    if isinstance(kind, Decimal):
        return _decimal(field, kind, exact)
    assert isinstance(kind, Primitive), "nested types are taken apart before"
    if kind.name == "string":
        return _text(field, exact)
    if kind.name in _DIGITS:
        return _number(field, kind.name, exact)
    if _limited(field):
        return None
    if kind.name == "boolean":
        return lambda found: type(found) is bool or exact(found)
    written = _WRITTEN.get(kind.name)
    if written is None or field.format.pattern is not None:
        return None
    match = written.fullmatch
    return lambda found: (type(found) is str and match(found) is not None) or exact(found)


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


def _decimal(field: Field, kind: Decimal, exact: Sound) -> Sound | None:
    whole, behind = kind.precision - kind.scale, rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
    front = rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    return _matched(field, re.compile(f"-?{front}{behind}", re.ASCII), Number, exact, textual=_pointed(field.format))


def _number(field: Field, name: str, exact: Sound) -> Sound | None:
    whole = rf"-?(?:0|[1-9][0-9]{{0,{_DIGITS[name] - 1}}})"
    if name in ("int", "long"):
        return _matched(field, re.compile(whole, re.ASCII), int, exact, textual=True)
    if name == "float" and _limited(field):
        return None
    written = re.compile(whole + r"(?:\.[0-9]{1,20})?", re.ASCII)
    return _matched(field, written, float, exact, textual=_pointed(field.format))


def _matched(field: Field, written: re.Pattern[str], value: Callable[[str], Any], exact: Sound, *, textual: bool) -> Sound | None:
    """``textual``: a text counts as it would as a JSON number."""
    match = written.fullmatch
    kinds = (JsonNumber, str) if textual else (JsonNumber,)
    if field.enum is not None:
        return None
    if field.minimum is None and field.maximum is None:
        return lambda found: (type(found) in kinds and match(found) is not None) or exact(found)
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


def _pointed(form: Format) -> bool:
    return form.decimal_separator == "."


def _never(found: Any) -> bool:  # noqa: ARG001 -- stands for a test of a value
    return False
