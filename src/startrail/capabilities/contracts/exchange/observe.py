"""Records of a sample, looked at one after another and not kept: per path the kinds, types, nulls and variety seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from startrail.capabilities.contracts.exact import JsonNumber
from startrail.capabilities.contracts.exchange.guess import NumberGuess, TextGuess

DEEPEST = 9
MOST_NAMES = 1000
"""Different names in one object: with more, the names are data."""
MOST_NODES = 20_000
FEW = 12
_TRACKED = 200_000
"""Different values up to which it is known whether one comes twice."""
_PENDING = 1024


class Variety:
    """How much values differ, in bounded memory."""

    def __init__(self) -> None:
        self.few: dict[str, None] | None = {}
        """The different values while there are few."""
        self.unique = True
        self._seen: set[int] | None = set()

    def see(self, values: list[str], different: set[str]) -> None:
        if self.few is not None:
            self.few.update(dict.fromkeys(different))
            if len(self.few) > FEW:
                self.few = None
        if self.unique and self._seen is not None:
            marks = set(map(hash, different))
            if len(different) < len(values) or not self._seen.isdisjoint(marks):
                self.unique, self._seen = False, None
            else:
                self._seen |= marks
                if len(self._seen) > _TRACKED:
                    self.unique, self._seen = False, None


class Seen:
    """What was seen at one path. ``count`` values were there, ``nulls`` of them null; missing ones are not counted."""

    def __init__(self, room: Room, depth: int) -> None:
        self.count = 0
        self.nulls = 0
        self.kinds: dict[str, int] = {}
        self.texts = TextGuess()
        self.numbers = NumberGuess()
        self.variety = Variety()
        self.children: dict[str, Seen] = {}
        self.names_are_data = False
        self.item: Seen | None = None
        self._room = room
        self._depth = depth
        self._pending_texts: list[str] = []
        self._pending_numbers: list[str] = []

    def see(self, value: Any) -> None:
        """One value of a parsed record."""
        self.count += 1
        if value is None:
            self.nulls += 1
        elif isinstance(value, JsonNumber):
            self._note("number")
            self._pending_numbers.append(str.__str__(value))
            if len(self._pending_numbers) >= _PENDING:
                self.settle()
        elif isinstance(value, str):
            self._note("text")
            self._pending_texts.append(value)
            if len(self._pending_texts) >= _PENDING:
                self.settle()
        elif isinstance(value, bool):
            self._note("boolean")
        elif isinstance(value, dict):
            self._note("object")
            self._see_object(value)
        else:
            self._note("array")
            self._see_array(value)

    def see_texts(self, column: Iterable[str], null_words: tuple[str, ...]) -> None:
        """A column of CSV."""
        values = list(column)
        there = [value for value in values if value not in null_words]
        self.count += len(values)
        self.nulls += len(values) - len(there)
        if there:
            self.kinds["text"] = self.kinds.get("text", 0) + len(there)
            different = set(there)
            self.variety.see(there, different)
            self.texts.see(sorted(different))

    def settle(self) -> None:
        """Judge what was put off so that equal values are judged once."""
        if self._pending_texts:
            different = set(self._pending_texts)
            self.variety.see(self._pending_texts, different)
            self.texts.see(sorted(different))
            self._pending_texts = []
        if self._pending_numbers:
            different = set(self._pending_numbers)
            self.variety.see(self._pending_numbers, different)
            for text in different:
                self.numbers.see(text)
            self._pending_numbers = []
        for child in self.children.values():
            child.settle()
        if self.item is not None:
            self.item.settle()

    def _note(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def _see_object(self, value: dict[str, Any]) -> None:
        if self.names_are_data or self._depth >= DEEPEST:
            return
        for name, inner in value.items():
            child = self.children.get(name)
            if child is None:
                child = self.children[name] = Seen(self._room, self._depth + 1)
                self._room.nodes += 1
            child.see(inner)
        if len(self.children) > MOST_NAMES or self._room.nodes > MOST_NODES:
            self.names_are_data, self.children = True, {}

    def _see_array(self, value: list[Any]) -> None:
        if self._depth >= DEEPEST:
            return
        if self.item is None:
            self.item = Seen(self._room, self._depth + 1)
        for inner in value:
            self.item.see(inner)


class Room:
    """How many paths there are in all."""

    def __init__(self) -> None:
        self.nodes = 0
