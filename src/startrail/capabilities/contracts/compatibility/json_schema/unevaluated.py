"""``unevaluatedProperties`` and ``unevaluatedItems`` in terms of the older keywords, from either side.

Of what is written, everything that *may* have been evaluated is left out, so that what remains surely obeys;
of what is read, only what *must* have been evaluated is, so that the demand is never too weak.
"""

from __future__ import annotations

from collections.abc import Iterator

from startrail.capabilities.contracts.compatibility.json_schema.assertions import (
    ANYTHING,
    Assertions,
    Fact,
    Schema,
    assertions,
)


class Evaluated:
    """Names, patterns and positions that keywords in one place speak of; None for all of them."""

    def __init__(self) -> None:
        self.names: set[str] | None = set()
        self.patterns: set[str] = set()
        self.positions: int | None = 0

    def add(self, a: Assertions, first: bool, sure: bool) -> None:
        """``first``: the schema with the keyword itself. ``sure``: only what must have been evaluated counts."""
        lost = bool(a.unknown) and not sure
        everything = lost or a.additional is not None or (a.unevaluated_properties is not None and not first)
        if everything:
            self.names = None
        elif self.names is not None:
            self.names |= set(a.properties)
            self.patterns |= {pattern for pattern, _ in a.patterns}
        ends = (
            lost or a.rest is not None or (a.unevaluated_items is not None and not first) or (a.contains is not None and not sure)
        )
        if ends:
            self.positions = None
        elif self.positions is not None:
            self.positions = max(self.positions, len(a.prefix))


def evaluated(a: Assertions, sure: bool) -> Evaluated:
    """By the schema itself and those that apply with it: all that may (``sure``: only those that must)."""
    found = Evaluated()
    seen: set[object] = set()
    front = [a]
    while front:
        each = front.pop()
        found.add(each, each is a, sure)
        for schema in _together(each, sure):
            if schema.key not in seen:
                seen.add(schema.key)
                front.append(assertions(schema))
    return found


def _together(a: Assertions, sure: bool) -> Iterator[Schema]:
    yield from a.every
    if not sure:
        yield from (*(a.any or ()), *(a.one or ()), *(schema for _, schema in a.dependent_schemas))
        if a.condition is not None:
            yield from (schema for schema in (a.condition.test, a.condition.then, a.condition.otherwise) if schema is not None)


def implied_properties(schema: Schema, a: Assertions) -> list[Schema]:
    """What ``unevaluatedProperties`` of a written schema says for certain."""
    if a.unevaluated_properties is None:
        return []
    found = evaluated(a, sure=False)
    if found.names is None:
        return []
    closed = Assertions(
        properties=dict.fromkeys(found.names, ANYTHING),
        patterns=tuple((pattern, ANYTHING) for pattern in sorted(found.patterns)),
        additional=a.unevaluated_properties,
    )
    return [Fact((schema.key, "unevaluatedProperties"), closed)]


def implied_items(schema: Schema, a: Assertions) -> list[Schema]:
    """What ``unevaluatedItems`` of a written schema says for certain."""
    if a.unevaluated_items is None:
        return []
    found = evaluated(a, sure=False)
    if found.positions is None:
        return []
    return [Fact((schema.key, "unevaluatedItems"), Assertions(prefix=(ANYTHING,) * found.positions, rest=a.unevaluated_items))]
