"""What a story lacks before it can be told to others: one of the four parts, or a measured result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from startrail.model.story import PARTS, Story

_NUMBER = re.compile(r"\d")


class Finding(msgspec.Struct, frozen=True, tag_field="type", tag="story_finding"):
    """One thing that a story lacks."""

    story: str
    lacks: Literal["part", "measured result"]
    what: str


def lint(stories: Iterable[Story]) -> Iterator[Finding]:
    """Parts without text; of incidents what the result should say and no fact tells; of people's stories a result without
    any number."""
    for story in stories:
        for part in PARTS:
            if not story.written.part(part):
                yield Finding(story.id, "part", f"{part.capitalize()} is missing")
        for what in story.unmeasured:
            yield Finding(story.id, "measured result", f"not measured: {what}")
        if story.origin == "person" and story.written.result and not _NUMBER.search(story.written.result):
            yield Finding(story.id, "measured result", "Result names no number")
