"""A regular expression read into an automaton: the subset that describes regular sets, so that matching is linear.

Two dialects, which agree but for corners: ``ecma`` (JSON Schema) and ``re2``, which contracts and engines speak. No
lookaround, no back references, no word boundaries, no flags but a leading ``(?i)`` over ASCII (``re2``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

LAST = 0x10FFFF
_MAX_STATES, _MAX_NESTING, _MAX_REPEAT = 4_000, 40, 1_000
Dialect = Literal["ecma", "re2"]
_START, _END = -1, -2
Ranges = tuple[tuple[int, int], ...]
Frozen = frozenset[int]


class Unsupported(Exception):
    """The expression is not of the subset, wrong, or too large."""


class Nfa:
    """States with letters and silent steps; a silent step may stand for ``^`` or ``$``. ``goal`` keeps what reached it."""

    def __init__(self) -> None:
        self.letters: list[list[tuple[Ranges, int]]] = []
        self.silent: list[list[tuple[int, int]]] = []
        self.start = self.goal = self.untouched = 0
        """``untouched`` leads nowhere: it tells the text without letters, where ``$`` may come before ``^``."""

    def state(self) -> int:
        """A new state."""
        if len(self.letters) >= _MAX_STATES:
            raise Unsupported("too large")
        self.letters.append([])
        self.silent.append([])
        return len(self.letters) - 1

    def ranges(self) -> Iterator[tuple[int, int]]:
        """All ranges of letters that any step takes."""
        for steps in self.letters:
            for ranges, _ in steps:
                yield from ranges

    def begin(self) -> Frozen:
        """Before the first letter."""
        return self._spread({self.start, self.untouched}, at_start=True)

    def step(self, states: Frozen, letter: int) -> Frozen:
        """After one more letter; a match may begin at any letter."""
        if self.goal in states:
            return frozenset((self.goal,))
        following = {self.start}
        for state in states:
            for ranges, to in self.letters[state]:
                if any(low <= letter <= high for low, high in ranges):
                    following.add(to)
        return self._spread(following)

    def accepts(self, states: Frozen) -> bool:
        """True when the text may end here. The start is taken at the end too, for expressions such as ``$``."""
        return self.goal in states or self.goal in self._spread(set(states), at_start=self.untouched in states, at_end=True)

    def _spread(self, states: set[int], at_start: bool = False, at_end: bool = False) -> Frozen:
        front = list(states)
        while front:
            for condition, to in self.silent[front.pop()]:
                passes = condition == 0 or (condition == _START and at_start) or (condition == _END and at_end)
                if passes and to not in states:
                    states.add(to)
                    front.append(to)
        return frozenset(states)


def parse(pattern: str, dialect: Dialect = "ecma") -> Nfa:
    """Raises Unsupported."""
    reader = _Reader(pattern, dialect)
    start, goal = reader.alternatives(0)
    if reader.at < len(pattern):
        raise Unsupported("a parenthesis too many")
    reader.nfa.start, reader.nfa.goal, reader.nfa.untouched = start, goal, reader.nfa.state()
    return reader.nfa


Piece = tuple[int, int]
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = (
    (9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_CLASSES: dict[str, Ranges] = {"d": ((48, 57),), "w": _WORD, "s": _SPACE}
_RE2_CLASSES: dict[str, Ranges] = {**_CLASSES, "s": ((9, 10), (12, 13), (32, 32))}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_SYNTAX = set("^$\\.*+?()[]{}|/-")
_BREAKS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,60}", re.ASCII)


def _others(ranges: Ranges) -> Ranges:
    out: list[tuple[int, int]] = []
    next_free = 0
    for low, high in sorted(ranges):
        if low > next_free:
            out.append((next_free, low - 1))
        next_free = max(next_free, high + 1)
    if next_free <= LAST:
        out.append((next_free, LAST))
    return tuple(out)


class _Reader:
    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text, self.at, self.nfa = text, 0, Nfa()
        self.re2 = dialect == "re2"
        self.classes = _RE2_CLASSES if self.re2 else _CLASSES
        self.fold = self.re2 and text.startswith("(?i)") and text.isascii()
        self.at = 4 if self.fold else 0
        self.names: dict[str, int] = {}
        self.times = 1
        """How often what is read now stands in the repeats around it, all multiplied: RE2 bounds that."""
        if len(text) > 2_000:
            raise Unsupported("too long")

    def peek(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def take(self) -> str:
        if self.at >= len(self.text):
            raise Unsupported("ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self, depth: int) -> Piece:
        if depth > _MAX_NESTING:
            raise Unsupported("nested too deep")
        start, goal = self.nfa.state(), self.nfa.state()
        while True:
            first, last = self.sequence(depth)
            self.nfa.silent[start].append((0, first))
            self.nfa.silent[last].append((0, goal))
            if not self.peek("|"):
                return start, goal
            self.at += 1

    def sequence(self, depth: int) -> Piece:
        start = last = self.nfa.state()
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            first, end = self.repeated(depth)
            self.nfa.silent[last].append((0, first))
            last = end
        return start, last

    def repeated(self, depth: int) -> Piece:
        begin = self.at
        piece = self.atom(depth)
        end = self.at
        least, most = self.quantifier()
        if (least, most) == (1, 1):
            return piece
        if self.at < len(self.text) and self.text[self.at] == "?":
            self.at += 1  # a lazy one has the same texts
        after, outer = self.at, self.times
        pieces = [piece]
        copies = most if most is not None else max(least, 1)
        self.times = outer * max(copies, 1)
        if self.re2 and self.times > _MAX_REPEAT:
            raise Unsupported("repeated too often")
        for _ in range(copies - 1):
            self.at = begin
            pieces.append(self.atom(depth))
            assert self.at == end
        self.at, self.times = after, outer
        return self.chain(pieces, least, most)

    def chain(self, pieces: list[Piece], least: int, most: int | None) -> Piece:
        start, goal = self.nfa.state(), self.nfa.state()
        last = start
        if most == 0:
            pieces = []
        for number, (first, end) in enumerate(pieces):
            if number >= least:
                self.nfa.silent[last].append((0, goal))
            self.nfa.silent[last].append((0, first))
            last = end
            if most is None and number == len(pieces) - 1:
                self.nfa.silent[end].append((0, first))
        self.nfa.silent[last].append((0, goal))
        return start, goal

    def quantifier(self) -> tuple[int, int | None]:
        if self.at >= len(self.text):
            return 1, 1
        mark = self.text[self.at]
        if mark in "*+?":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        if mark != "{":
            return 1, 1
        inner, close, _ = self.text[self.at + 1 :].partition("}")
        low, comma, high = inner.partition(",")
        if not close or not _count(low) or (high and not _count(high)):
            raise Unsupported("a brace that is no repeat")
        self.at += len(inner) + 2
        least = int(low)
        most = None if comma and not high else int(high) if high else least
        if least > _MAX_REPEAT or (most is not None and (most > _MAX_REPEAT or most < least)):
            raise Unsupported("repeated too often")
        return least, most

    def atom(self, depth: int) -> Piece:
        mark = self.take()
        if mark == "(":
            self.group()
            piece = self.alternatives(depth + 1)
            if self.take() != ")":
                raise Unsupported("a parenthesis too few")
            return piece
        if mark in "^$":
            start, goal = self.nfa.state(), self.nfa.state()
            self.nfa.silent[start].append((_START if mark == "^" else _END, goal))
            return start, goal
        if mark == "[":
            return self.letter(self.bracket())
        if mark == ".":
            return self.letter(_others(((10, 10),) if self.re2 else _BREAKS))
        if mark == "\\":
            return self.letter(self.folded(self.escape()))
        if mark in "*+?{})":
            raise Unsupported("a repeat of nothing")
        return self.letter(self.folded(((ord(mark), ord(mark)),)))

    def folded(self, ranges: Ranges) -> Ranges:
        """With the other letter case; k and s have a third one in RE2."""
        if not self.fold:
            return ranges
        found = list(ranges)
        for low, high in ranges:
            for first, offset in ((65, 32), (97, -32)):
                least, most = max(low, first), min(high, first + 25)
                if least <= most:
                    found.append((least + offset, most + offset))
        for upper, third in ((75, 0x212A), (83, 0x17F)):
            family = (upper, upper + 32, third)
            if any(low <= each <= high for low, high in ranges for each in family):
                found += [(each, each) for each in family]
        return tuple(found)

    def letter(self, ranges: Ranges) -> Piece:
        start, goal = self.nfa.state(), self.nfa.state()
        self.nfa.letters[start].append((ranges, goal))
        return start, goal

    def group(self) -> None:
        if not self.peek("?"):
            return
        begin = self.at
        if self.peek("?:"):
            self.at += 2
        elif self.re2 and self.peek("?P<"):
            self.at = self.text.find(">", self.at) + 1
            name = self.text[begin + 3 : self.at - 1]
            if self.at == 0 or _NAME.fullmatch(name) is None or self.names.setdefault(name, begin) != begin:
                raise Unsupported("a group's name that is none, or stands twice")
        elif self.re2:
            raise Unsupported("lookaround, flags or a group's name without P")
        elif self.peek("?<") and not self.peek("?<=") and not self.peek("?<!"):
            self.at = self.text.find(">", self.at) + 1
            if self.at == 0:
                raise Unsupported("a group's name does not end")
        else:
            raise Unsupported("lookaround or flags")

    def escape(self, in_class: bool = False) -> Ranges:
        mark = self.take()
        if mark.lower() in self.classes:
            ranges = self.folded(self.classes[mark.lower()])
            return ranges if mark.islower() else _others(ranges)
        if mark in _CONTROLS and not (mark == "0" and self.at < len(self.text) and self.text[self.at].isdigit()):
            return ((_CONTROLS[mark], _CONTROLS[mark]),)
        if mark == "x" or (mark == "u" and not self.re2):
            code = self.code(2 if mark == "x" else 4)
            return ((code, code),)
        if in_class and mark == "b" and not self.re2:
            return ((8, 8),)
        if mark in _SYNTAX or not (mark.isalnum() or mark == "_" or (self.re2 and not mark.isascii())):
            return ((ord(mark), ord(mark)),)
        raise Unsupported(f"\\{mark}")

    def code(self, digits: int) -> int:
        text = self.text[self.at : self.at + digits]
        if len(text) < digits or any(letter not in "0123456789abcdefABCDEF" for letter in text):
            raise Unsupported("a code without its digits")
        self.at += digits
        code = int(text, 16)
        if 0xD800 <= code <= 0xDFFF:
            raise Unsupported("half of a surrogate pair")
        return code

    def bracket(self) -> Ranges:
        negated = self.peek("^")
        self.at += negated
        found: list[tuple[int, int]] = []
        first = self.re2  # where a closing bracket is a letter
        while first or not self.peek("]"):
            first = False
            ranges = self.member()
            if self.peek("-") and not self.peek("-]") and ranges[0][0] == ranges[-1][1]:
                self.at += 1
                high = self.member()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < ranges[0][0]:
                    raise Unsupported("a range that is none")
                ranges = ((ranges[0][0], high[0][0]),)
            found += ranges
        self.at += 1
        ranges = self.folded(tuple(found))
        return _others(ranges) if negated else ranges

    def member(self) -> Ranges:
        mark = self.take()
        if mark == "[" and not (self.re2 and self.text[self.at : self.at + 1] not in tuple(":.=[")):
            raise Unsupported("a bracket in a bracket means different things")
        return self.escape(in_class=True) if mark == "\\" else ((ord(mark), ord(mark)),)


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
