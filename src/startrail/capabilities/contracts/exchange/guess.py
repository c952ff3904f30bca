"""What type every text or number of a field says exactly. A type is struck off by the first value that is not of it.

The test of a value is the one by which loading takes it (``model/exact.py``), so what is inferred here
accepts, when loaded, every value that was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from startrail.capabilities.contracts.exact import JsonNumber, Refused, scalar
from startrail.model.contract import Field, Format
from startrail.model.types import DataType, Decimal, Primitive

_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_SURE = 15
"""A number of no more characters is a long when it is whole, and a double in any case."""
_LONG = Field("", Primitive("long"))
_DOUBLE = Field("", Primitive("double"))

_SHAPES: dict[str, re.Pattern[str]] = {
    "boolean": re.compile("true|false"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII),
    "timestamp": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].{8,}", re.ASCII),
    "timestamptz": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].{8,}", re.ASCII),
    "time": re.compile(r"[0-9]{2}:.{5,}", re.ASCII),
    "uuid": re.compile(r"[0-9a-fA-F-]{36}", re.ASCII),
}
"""A quick look before the exact one."""
_ORDERS = {
    True: ("%Y{0}%m{0}%d", "%Y{0}%d{0}%m"),
    False: ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y"),
}
_DATE = re.compile(r"(?:([0-9]{4})([/.-])[0-9]{2}\2[0-9]{2}|[0-9]{2}([/.-])[0-9]{2}\3[0-9]{4})", re.ASCII)
_LIKE_DATE = re.compile(r"[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}(?:[ T,].*)?", re.ASCII | re.DOTALL)


class NumberGuess:
    """Digits seen before and after the point, and whether an exponent was."""

    def __init__(self) -> None:
        self.seen = False
        self.alive = True
        self.before = 0
        self.after = 0
        self.fraction = False
        self.exponent = False
        self._long = True
        self._double = True

    def see(self, text: str) -> bool:
        """Take a number in, as JSON writes it. False for a text that is none."""
        match = _PLAIN.fullmatch(text)
        if match is None:
            if _NUMBER.fullmatch(text) is None:
                return False
            self.exponent, self._long = True, False
            self.fraction = self.fraction or "." in text
        else:
            whole, after = match.groups()
            self.before = max(self.before, 0 if whole == "0" else len(whole))
            if after is not None:
                self.fraction, self._long = True, False
                self.after = max(self.after, len(after))
            elif len(whole) > _SURE:
                self._long = self._long and _is(JsonNumber(text), _LONG)
        self.seen = True
        if self._double and (match is None or len(text) > _SURE):
            self._double = _is(JsonNumber(text), _DOUBLE)
        return True

    def merge(self, other: NumberGuess) -> None:
        """As if all of the other's numbers had been seen here."""
        if not other.seen:
            return
        self.before, self.after = max(self.before, other.before), max(self.after, other.after)
        self.fraction, self.exponent = self.fraction or other.fraction, self.exponent or other.exponent
        self._long, self._double = self._long and other._long, self._double and other._double
        self.seen = True

    def type(self) -> DataType | None:
        """``long``, the decimal of the digits seen, or ``double`` for numbers with an exponent or too many digits."""
        if self._long:
            return Primitive("long")
        if not self.exponent and 1 <= self.before + self.after <= 38:
            return Decimal(self.before + self.after, self.after)
        return Primitive("double") if self._double else None


class TextGuess:
    """Texts of a field. ``numbers`` is alive while every text is a number."""

    def __init__(self) -> None:
        self.seen = False
        self.numbers = NumberGuess()
        self.patterns: frozenset[str] | None = None
        """Ways to read every text as a date that is not written in ISO form; None = none was looked for yet."""
        self.like_dates = True
        self.leading_zeros = False
        self.unstorable = False
        """A text holds NUL or half a character, which no column of text takes."""
        self.example = ""
        self._alive = {name: Field("", Primitive(name)) for name in _SHAPES}
        self._done = False

    def see(self, texts: Iterable[str]) -> None:
        """Texts that differ from one another."""
        for text in texts:
            if not self.seen:
                self.seen, self.example = True, text
            if "\0" in text or not (text.isascii() or _encodes(text)):
                self.unstorable = True
            if not self._done:
                self._see(text)

    def type(self) -> Primitive | None:
        """The one type that is left besides text, if any; numbers and patterned dates apart."""
        return next(iter(field.type for field in self._alive.values() if isinstance(field.type, Primitive)), None)

    def number(self) -> DataType | None:
        """The type of the numbers that all texts are. ``1E5`` alone may as well be the code of an article."""
        sure = self.numbers.alive and (self.numbers.fraction or not self.numbers.exponent)
        return self.numbers.type() if sure and self.numbers.seen else None

    def pattern(self) -> str | None:
        """The only way to read every text as a date, when there is exactly one."""
        return next(iter(self.patterns)) if self.patterns is not None and len(self.patterns) == 1 else None

    def _see(self, text: str) -> None:
        if self._alive:
            alive = self._alive.items()
            self._alive = {name: field for name, field in alive if _SHAPES[name].fullmatch(text) and _is(text, field)}
        if self.numbers.alive:
            self.leading_zeros = self.leading_zeros or (text[:1] == "0" and len(text) > 1 and text.isdecimal())
            self.numbers.alive = self.numbers.see(text)
        if self.patterns is None or self.patterns:
            found = _patterns(text)
            self.patterns = found if self.patterns is None else self.patterns & found
        self.like_dates = self.like_dates and _LIKE_DATE.fullmatch(text) is not None
        self._done = not (self._alive or self.numbers.alive or self.patterns or self.like_dates)


def _patterns(text: str) -> frozenset[str]:
    match = _DATE.fullmatch(text)
    if match is None:
        return frozenset()
    orders = [order.format(match[2] or match[3]) for order in _ORDERS[match[1] is not None]]
    return frozenset(order for order in orders if _is(text, Field("", Primitive("date"), format=Format(order))))


def _is(value: str, field: Field) -> bool:
    try:
        scalar(value, field)
    except Refused:
        return False
    return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
