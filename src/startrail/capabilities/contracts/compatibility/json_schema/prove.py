"""Proof that a world lies within a schema, or the reasons why no proof was found.

Goals are followed as structural induction over instances: a goal met again at a smaller part of the instance holds
by induction; met again at the same part, nothing is known (a reference that leads to itself). Whatever was proven
on the strength of a goal that then failed is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from startrail.capabilities.contracts.compatibility.findings import Finding, Sides, undecided
from startrail.capabilities.contracts.compatibility.json_schema.assertions import (
    NUMBERS,
    Assertions,
    Schema,
    assertions,
)
from startrail.capabilities.contracts.compatibility.json_schema.empty import contradictory
from startrail.capabilities.contracts.compatibility.json_schema.evaluate import accepts
from startrail.capabilities.contracts.compatibility.json_schema.keywords import KeywordRules
from startrail.capabilities.contracts.compatibility.json_schema.places import place, shown
from startrail.capabilities.contracts.compatibility.json_schema.world import World, groups
from startrail.capabilities.contracts.compatibility.work import Work

_MAX_GOALS = 66
"""Goals within goals: each takes nine frames of Python's thousand."""
_MAX_SPLITS = 5
_MAX_CASES = 2_000
_DEAD_ENDS = frozenset(("no_branch_accepts", "not_decidable"))


class Prover:
    """For one pair of schemas."""

    def __init__(self, sides: Sides, lenient: bool, work: Work) -> None:
        self.sides, self.lenient, self.work = sides, lenient, work
        self.level = 0
        self.proven: dict[object, list[Finding]] = {}
        self.relied: list[object] = []
        """The goals of :attr:`proven` that hold, in the order in which they were proven."""
        self.places: dict[object, str] = {}
        """Where a goal was first met: equal schemas at several places are one goal, and told at each."""
        self.active: dict[object, int] = {}
        self.rules = KeywordRules(self)

    def within(self, world: World, schema: Schema) -> list[Finding]:
        """Why an instance of the world may be none of the schema; empty when it cannot."""
        if schema.key in world.holds or assertions(schema) == Assertions():
            return []
        goal = (world.key, schema.key)
        here = place(schema)
        found = self._settle(goal, lambda: self._within(world, schema), undecided(here, "a reference leads to itself"))
        origin = self.places.setdefault(goal, here)
        return found if origin == here else [_moved(each, origin, here) for each in found]

    def empty(self, world: World) -> bool:
        """True when the world is proven to have no instance."""
        goal = ("empty", world.key)
        reason = undecided("", "a reference leads to itself")
        return not self._settle(goal, lambda: [] if self._empty(world) else [reason], reason)

    def deeper(self, act: Callable[[], list[Finding]]) -> list[Finding]:
        """``act`` about a part of the instance."""
        self.level += 1
        try:
            return act()
        finally:
            self.level -= 1

    def _settle(self, goal: object, act: Callable[[], list[Finding]], circular: Finding) -> list[Finding]:
        self.work.spend()
        if goal in self.proven:
            return self.proven[goal]
        if goal in self.active:
            return [] if self.active[goal] < self.level else [circular]
        if len(self.active) > _MAX_GOALS:
            return [undecided(circular.path, "the schema is nested too deep")]
        before = len(self.relied)
        self.active[goal] = self.level
        try:
            found = act()
        finally:
            del self.active[goal]
        if found:
            for later in self.relied[before:]:
                del self.proven[later]
            del self.relied[before:]
        else:
            self.relied.append(goal)
        self.proven[goal] = found
        return found

    def _within(self, world: World, schema: Schema) -> list[Finding]:
        values = world.values
        if values is not None:
            refused = self._values(world, schema, values)
            if refused is not None:
                return refused
        a = assertions(schema)
        found: list[Finding] = []
        for inner in a.every:
            found += self.within(world, inner)
        for rule in self.rules.of(a):
            found += self._by_cases(world, lambda w, rule=rule: rule(w, schema, a), _MAX_SPLITS)
        if found and self.empty(world):
            return []
        return list(dict.fromkeys(found))

    def _values(self, world: World, schema: Schema, values: list) -> list[Finding] | None:
        """The answer by trying each value; None when some cannot be tried."""
        answers = [(value, accepts(schema, value, self.work)) for value in values]
        bad = [value for value, answer in answers if answer is False]
        if bad:
            words = ", ".join(shown(value) for value in bad[:10]) + (", …" if len(bad) > 10 else "")
            return [
                Finding(
                    "values_refused", place(schema),
                    f"{words} may be written under the {self.sides.writer} schema and is refused by the {self.sides.reader} one",
                    self.sides.advise("accept the values that old data may have", "write only what the old schema accepts"),
                    ", ".join(shown(value) for value in values[:20]), shown(getattr(schema, "value", "")),
                )
            ]  # fmt: skip
        return None if any(answer is None for _, answer in answers) else []

    def _by_cases(self, world: World, prove: Callable[[World], list[Finding]], splits: int) -> list[Finding]:
        """As it stands, or else by the cases of one alternative after the other."""
        found = prove(world)
        if not found or not world.splits or splits == 0:
            return found
        best = found
        for split in world.splits[:_MAX_SPLITS]:
            if len(split.cases) > _MAX_CASES:
                continue
            reasons: list[Finding] = []
            for holds, fails in split.cases:
                case = world.adding(holds, fails, split.key)
                if not self.empty(case):
                    reasons += self._by_cases(case, prove, splits - 1)
            if not reasons:
                return []
            if all(each.kind in _DEAD_ENDS for each in best) and not all(each.kind in _DEAD_ENDS for each in reasons):
                best = reasons
        return best

    def _empty(self, world: World) -> bool:
        if world.values is not None and not world.values:
            return True
        kinds = groups(world.types)
        if all(self._no_instance(world if len(kinds) == 1 else world.of(each)) for each in kinds):
            return True
        for split in world.splits[:_MAX_SPLITS]:
            if len(split.cases) <= _MAX_CASES:
                cases = (world.adding(holds, fails, split.key) for holds, fails in split.cases)
                if all(self.empty(case) for case in cases):
                    return True
        return False

    def _no_instance(self, world: World) -> bool:
        """Of one type."""
        if contradictory(self, world):
            return True
        return any(not self.within(world, schema) for schema in world.fails.values())

    def by_type(self, world: World, prove: Callable[[World], list[Finding]]) -> list[Finding]:
        """Each type by itself; numbers first together, then whole and others."""
        kinds = groups(world.types)
        if len(kinds) == 1 and not (kinds[0] <= NUMBERS and len(kinds[0]) > 1):
            return prove(world)
        found: list[Finding] = []
        for each in kinds:
            reasons = prove(world.of(each) if len(kinds) > 1 else world)
            if reasons and "fraction" in each and len(each) > 1:
                parts = (each - {"fraction"}, frozenset(("fraction",)))
                reasons = [reason for part in parts for reason in prove(world.of(part))]
            found += reasons
        return list(dict.fromkeys(found))


def _moved(finding: Finding, origin: str, here: str) -> Finding:
    if not finding.path.startswith(origin):
        return finding
    return msgspec.structs.replace(finding, path=here + finding.path[len(origin) :])
