"""Situation, Task, Action, Result: what a report of an incident is made of."""

from __future__ import annotations

import re

import msgspec

_PLACE = re.compile(r"\{(\w+)\}")

NOT_MEASURED = "not measured"


class Figure(msgspec.Struct, frozen=True):
    """A number, instant or length of time, and the facts (their seqs) that it was read from. None: no fact tells it."""

    value: str | None
    facts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.value is not None and not self.facts:
            raise ValueError("a figure without a fact behind it cannot be told")

    def __str__(self) -> str:
        return NOT_MEASURED if self.value is None else self.value


class Entry(msgspec.Struct, frozen=True):
    """One sentence; ``{name}`` in it stands for the figure or the words of that name.

    ``words`` are names and texts from facts, ``text`` is ours. ``person``: these are a person's words.
    """

    text: str
    figures: dict[str, Figure] = {}
    words: dict[str, str] = {}
    person: bool = False

    def told(self) -> str:
        """With its figures and words; what they say is not looked at again."""
        return _PLACE.sub(lambda found: str(self.figures.get(found[1]) or self.words.get(found[1], found[0])), self.text)

    @property
    def facts(self) -> tuple[int, ...]:
        """All facts behind its figures, in order."""
        return tuple(sorted({seq for figure in self.figures.values() for seq in figure.facts}))


class Star(msgspec.Struct, frozen=True, tag_field="type", tag="star"):
    """The report of one incident."""

    incident: str
    title: str
    state: str
    severity: str
    situation: tuple[Entry, ...]
    task: tuple[Entry, ...]
    action: tuple[Entry, ...]
    result: tuple[Entry, ...]
