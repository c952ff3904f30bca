"""What the names of a source's files say."""

from __future__ import annotations

import re

from startrail.model.archive import splits
from startrail.model.pattern import Named, name_pattern
from startrail.model.source import HttpFeed, PostgresFeed, Source

_NOT_ITSELF = re.compile(r"\\|…[0-9a-f]{16}$")
"""How feeds show a name that cannot be shown as it is."""


def pattern_of(source: Source) -> str | None:
    """The pattern of the source's names; None where names are not its own."""
    if isinstance(source.feed, PostgresFeed):
        return None
    return source.feed.links if isinstance(source.feed, HttpFeed) else source.feed.pattern


def named(source: Source, name: str) -> Named:
    """The fields of a delivery's name."""
    pattern = pattern_of(source)
    if pattern is None:
        return Named()
    if isinstance(source.feed, HttpFeed):  # whose names are whole paths
        name = name.rpartition("/")[2]
    if source.archive is not None:
        for archive, member in splits(name):
            if name_pattern(pattern).matches(archive):
                outer, inner = _read(pattern, archive), _read(source.archive.members, member)
                return Named(outer.fields | inner.fields, outer.problem or inner.problem)
    return _read(pattern, name)


def gives(source: Source) -> tuple[str, ...]:
    """The fields that the names of this source give."""
    within = source.archive.members if source.archive is not None else ""
    return name_pattern(pattern_of(source) or "").fields + name_pattern(within).fields


def _read(pattern: str, name: str) -> Named:
    read = name_pattern(pattern)
    if read.fields and _NOT_ITSELF.search(name):
        return Named(problem="has characters, or a length, that cannot be kept as they are")
    return read.read(name)
