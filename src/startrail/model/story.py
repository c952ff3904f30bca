"""Stories: what was wrong and how it ended, in the four parts Situation, Task, Action, Result."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

PARTS = ("situation", "task", "action", "result")
"""In their order."""

PRINCIPLES = ("ownership", "dive deep", "bias for action", "deliver results", "customer obsession")
"""The leadership principles that a story can be an example of."""

RULE = "rule"
"""Who tagged a story that no person tagged."""


class Tag(msgspec.Struct, frozen=True):
    """A story shows a principle: ``by`` a person's word, or by a rule of the table, which says why from ``facts``."""

    principle: str
    by: str
    why: str
    facts: tuple[int, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """A story as it is written in Markdown; each part is text of any number of lines. ``about`` stands before the parts."""

    title: str = ""
    situation: str = ""
    task: str = ""
    action: str = ""
    result: str = ""
    principles: tuple[str, ...] = ()
    about: str = ""

    def part(self, name: str) -> str:
        """The text of one of :data:`PARTS`."""
        return getattr(self, name)


class Story(msgspec.Struct, frozen=True, tag_field="type", tag="story"):
    """One story of the bank. ``by``: whose own words it is; None for one that is told from facts alone."""

    id: str
    origin: Literal["incident", "person"]
    at: datetime
    written: Written
    by: str | None = None
    tags: tuple[Tag, ...] = ()
    unmeasured: tuple[str, ...] = ()
    """What its result should say and no fact tells."""
