"""A world: all that is known about the written instances at one place, from every schema that applies there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

from startrail.capabilities.contracts.compatibility.json_schema.assertions import (
    ANYTHING,
    NUMBERS,
    TYPES,
    Assertions,
    Bound,
    Contains,
    Fact,
    Schema,
    assertions,
)
from startrail.capabilities.contracts.compatibility.json_schema.documents import Json
from startrail.capabilities.contracts.compatibility.json_schema.evaluate import accepts
from startrail.capabilities.contracts.compatibility.json_schema.unevaluated import implied_items, implied_properties
from startrail.capabilities.contracts.compatibility.regex import apart, matches, within
from startrail.capabilities.contracts.compatibility.work import Work

_MAX_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class Split:
    """Cases of which at least one holds; each adds schemas that apply and schemas that do not."""

    key: object
    cases: tuple[tuple[tuple[Schema, ...], tuple[Schema, ...]], ...]


class World:
    """A conjunction of schemas that apply (``holds``) and of some that do not (``fails``)."""

    def __init__(
        self, holds: Iterable[Schema], fails: Iterable[Schema], work: Work, done: frozenset[object] = frozenset()
    ) -> None:
        self.work, self.done = work, done
        self.holds = {schema.key: schema for schema in holds}
        self.fails = {schema.key: schema for schema in fails}
        self.flat: list[Assertions] = []
        self.splits: list[Split] = []
        told = self._flatten()
        self.key = (frozenset(told), frozenset(self.fails), done)
        work.spend(1 + len(self.flat))

    def adding(self, holds: Iterable[Schema] = (), fails: Iterable[Schema] = (), done: object = None) -> World:
        """The same with more known."""
        seen = self.done if done is None else self.done | {done}
        return World([*self.holds.values(), *holds], [*self.fails.values(), *fails], self.work, seen)

    def of(self, kinds: frozenset[str]) -> World:
        """The instances of some types."""
        return self.adding([Fact(("types", kinds), Assertions(types=kinds))])

    def _flatten(self) -> list[object]:
        """Returns the keys of the schemas that say something themselves: mere references do not tell worlds apart."""
        told: list[object] = []
        front = list(self.holds.values())
        while front:
            schema = front.pop()
            self.work.spend()
            a = assertions(schema)
            if a.every and a == Assertions(every=a.every):
                front += [inner for inner in a.every if inner.key not in self.holds]
                self.holds |= {inner.key: inner for inner in a.every}
                continue
            told.append(schema.key)
            self.flat.append(a)
            more = [*a.every, *implied_properties(schema, a), *implied_items(schema, a)]
            for inner in more:
                if inner.key not in self.holds:
                    self.holds[inner.key] = inner
                    front.append(inner)
            self.fails.update((inner.key, inner) for inner in a.none)
            self.splits += [split for split in _splits(schema, a) if split.key not in self.done]
        return told

    @cached_property
    def types(self) -> frozenset[str]:
        """Types an instance may have."""
        kinds = TYPES
        for a in self.flat:
            kinds = kinds & a.types if a.types is not None else kinds
        return kinds

    @cached_property
    def values(self) -> list[Json] | None:
        """All values that may occur, when they are few and known; some of them may in truth not occur."""
        lists = [a.values for a in self.flat if a.values is not None]
        if lists:
            few = list(min(lists, key=len))
        elif self.types <= {"null", "boolean"}:
            few = [None, True, False]
        else:
            return None
        if len(few) > _MAX_VALUES:
            return None
        return [value for value in few if self.may_be(value)]

    def may_be(self, value: Json) -> bool:
        """False when the value is certainly none of the instances."""
        if any(accepts(schema, value, self.work) is False for schema in self.holds.values()):
            return False
        return not any(accepts(schema, value, self.work) is True for schema in self.fails.values())

    # numbers

    @property
    def whole(self) -> bool:
        """True when every number is whole."""
        return "fraction" not in self.types or any(a.multiple is not None and a.multiple.denominator == 1 for a in self.flat)

    @cached_property
    def low(self) -> Bound | None:
        """The greatest of the least values; the next whole number for whole ones."""
        bounds = [a.low for a in self.flat if a.low is not None]
        found = max(bounds, key=lambda b: (b.value, b.open), default=None)
        if found is None or not self.whole or found.value.adjusted() > 25:
            return found
        up = found.value.to_integral_value("ROUND_CEILING")
        return Bound(up + 1 if found.open and up == found.value else up)

    @cached_property
    def high(self) -> Bound | None:
        """The least of the greatest values."""
        bounds = [a.high for a in self.flat if a.high is not None]
        found = min(bounds, key=lambda b: (b.value, not b.open), default=None)
        if found is None or not self.whole or found.value.adjusted() > 25:
            return found
        down = found.value.to_integral_value("ROUND_FLOOR")
        return Bound(down - 1 if found.open and down == found.value else down)

    def multiple_of(self, step: Fraction) -> bool:
        """True when every number is a multiple of the step."""
        steps = [a.multiple for a in self.flat if a.multiple is not None] + ([Fraction(1)] if self.whole else [])
        return any((each / step).denominator == 1 for each in steps)

    # texts

    @property
    def min_length(self) -> int:
        return max((a.min_length for a in self.flat), default=0)

    @property
    def max_length(self) -> int | None:
        return least(a.max_length for a in self.flat)

    @property
    def patterns(self) -> list[str]:
        """Expressions that every text matches."""
        return [a.pattern for a in self.flat if a.pattern is not None]

    @property
    def formats(self) -> set[str]:
        return {a.format for a in self.flat if a.format is not None}

    # arrays

    @property
    def min_items(self) -> int:
        needed = max((a.contains.least for a in self.flat if a.contains is not None), default=0)
        return max([needed, *(a.min_items for a in self.flat)])

    @cached_property
    def max_items(self) -> int | None:
        """Also by a list of positions after which nothing may come."""
        closed = [len(a.prefix) for a in self.flat if a.rest is not None and assertions(a.rest).types == frozenset()]
        return least([*(a.max_items for a in self.flat), *closed])

    @property
    def unique(self) -> bool:
        most = self.max_items
        return any(a.unique for a in self.flat) or (most is not None and most <= 1)

    @property
    def contains(self) -> list[Contains]:
        return [a.contains for a in self.flat if a.contains is not None]

    @property
    def positions(self) -> int:
        """How many first items have schemas of their own."""
        return max((len(a.prefix) for a in self.flat), default=0)

    def item(self, position: int) -> World:
        """What is known of the item at a position."""
        found = [a.prefix[position] if position < len(a.prefix) else a.rest for a in self.flat]
        return World([schema for schema in found if schema is not None], (), self.work)

    # objects

    @cached_property
    def required(self) -> frozenset[str]:
        """Names that every object has."""
        needed: set[str] = set().union(*(a.required for a in self.flat))
        rules = [rule for a in self.flat for rule in a.dependent_required]
        while True:
            more = {name for when, needs in rules if when in needed for name in needs} - needed
            if not more:
                return frozenset(needed)
            needed |= more

    @property
    def min_properties(self) -> int:
        return max([len(self.required), *(a.min_properties for a in self.flat)])

    @cached_property
    def max_properties(self) -> int | None:
        """Also by the number of names of a closed object."""
        closed = [
            len(a.properties) for a in self.flat
            if a.additional is not None and not a.patterns and assertions(a.additional).types == frozenset()
        ]  # fmt: skip
        return least([*(a.max_properties for a in self.flat), *closed])

    @cached_property
    def named(self) -> frozenset[str]:
        """Names that some schema speaks of."""
        names: set[str] = set().union(*(a.properties for a in self.flat)) | self.required
        few = self.names.values if any(a.names is not None for a in self.flat) else None
        return frozenset(names | {name for name in few or () if isinstance(name, str)})

    @cached_property
    def names(self) -> World:
        """What is known of the names themselves."""
        texts = Fact(("types", "string"), Assertions(types=frozenset(("string",))))
        return World([texts, *(a.names for a in self.flat if a.names is not None)], (), self.work)

    @property
    def names_are_few(self) -> bool:
        """True when no object has a name that is not among :attr:`named`."""
        return any(a.names is not None for a in self.flat) and self.names.values is not None

    def declares(self, name: str) -> bool:
        """True when some schema has a property, or a pattern that may match, for the name."""
        return any(
            name in a.properties or any(matches(p, name, self.work) is not False for p, _ in a.patterns) for a in self.flat
        )

    def property(self, name: str) -> World:
        """What is known of a property's value."""
        found: list[Schema] = []
        for a in self.flat:
            self.work.spend(1 + len(a.patterns))
            hits = [(matches(pattern, name, self.work), schema) for pattern, schema in a.patterns]
            found += [schema for hit, schema in hits if hit]
            if name in a.properties:
                found.append(a.properties[name])
            elif a.additional is not None and all(hit is False for hit, _ in hits):
                found.append(a.additional)
        return World(found, (), self.work)

    def others(self, matching: str | None, excluded: Iterable[str] = ()) -> list[World]:
        """Worlds that cover the values of all properties that no schema names: those whose name matches an expression
        (None: any), and none of the excluded ones."""
        if self.names_are_few:
            return []
        excluded = list(excluded)
        choices = [self._choices(a, matching, excluded) for a in self.flat]
        choices = [choice for choice in choices if choice != [()]]
        worlds: dict[object, World] = {}
        for chosen in product(*choices):
            self.work.spend(1 + len(chosen))
            world = World([schema for schemas in chosen for schema in schemas], (), self.work)
            worlds[world.key] = world
        return list(worlds.values())

    def _choices(self, a: Assertions, matching: str | None, excluded: list[str]) -> list[tuple[Schema, ...]]:
        """Of one schema: what may apply to such a property; each choice is a set that applies together."""
        certain: list[Schema] = []
        possible: list[tuple[Schema, ...]] = []
        for pattern, schema in a.patterns:
            if matching is not None and within(matching, pattern, self.work):
                certain.append(schema)
            elif matching is not None and apart(matching, pattern, self.work):
                continue
            elif not any(within(pattern, other, self.work) for other in excluded):
                possible.append((schema,))
        if certain:
            return [tuple(certain)]
        return [*possible, (a.additional,) if a.additional is not None and a.additional is not ANYTHING else ()]


def least(bounds: Iterable[int | None]) -> int | None:
    """The least of those that are there."""
    return min((bound for bound in bounds if bound is not None), default=None)


def groups(kinds: frozenset[str]) -> list[frozenset[str]]:
    """Types one by one, all numbers together."""
    return [frozenset((kind,)) for kind in sorted(kinds - NUMBERS)] + ([kinds & NUMBERS] if kinds & NUMBERS else [])


def nothing_between(low: Bound | None, high: Bound | None) -> bool:
    """True when no number lies in the range."""
    if low is None or high is None:
        return False
    return low.value > high.value or (low.value == high.value and (low.open or high.open))


def _splits(schema: Schema, a: Assertions) -> list[Split]:
    found: list[Split] = []
    if a.any is not None:
        found.append(Split((schema.key, "anyOf"), tuple(((branch,), ()) for branch in a.any)))
    if a.one is not None:
        cases = tuple(((branch,), tuple(o for o in a.one if o is not branch) if len(a.one) <= 64 else ()) for branch in a.one)
        found.append(Split((schema.key, "oneOf"), cases))
    if a.condition is not None:
        then = (a.condition.test, *([a.condition.then] if a.condition.then is not None else []))
        otherwise = (a.condition.otherwise,) if a.condition.otherwise is not None else ()
        found.append(Split((schema.key, "if"), ((then, ()), (otherwise, (a.condition.test,)))))
    for name, needed in a.dependent_schemas:
        has = Fact(("required", name), Assertions(types=frozenset(("object",)), required=frozenset((name,))))
        found.append(Split((schema.key, "dependent", name), (((has, needed), ()), ((), (has,)))))
    return found
