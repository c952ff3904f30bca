"""Proof keyword by keyword, of types, values, numbers, texts and the logical ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from startrail.capabilities.contracts.compatibility.findings import Finding, undecided
from startrail.capabilities.contracts.compatibility.json_schema.assertions import (
    NUMBERS,
    Assertions,
    Bound,
    Schema,
)
from startrail.capabilities.contracts.compatibility.json_schema.containers import ContainerRules
from startrail.capabilities.contracts.compatibility.json_schema.documents import value_digest
from startrail.capabilities.contracts.compatibility.json_schema.places import limit, place, shown, words
from startrail.capabilities.contracts.compatibility.json_schema.world import World
from startrail.capabilities.contracts.compatibility.regex import within

if TYPE_CHECKING:
    from startrail.capabilities.contracts.compatibility.json_schema.prove import Prover

Rule = Callable[[World, Schema, Assertions], list[Finding]]


class KeywordRules:
    """Each rule answers why instances of a world may break one group of keywords."""

    def __init__(self, prover: Prover) -> None:
        self.prover, self.sides, self.work = prover, prover.sides, prover.work
        self.containers = ContainerRules(prover)

    def of(self, a: Assertions) -> Iterator[Rule]:
        """The rules that a schema needs."""
        if a.types is not None:
            yield self.types
        if a.values is not None:
            yield self.values
        if a.low or a.high or a.multiple is not None:
            yield self.numbers
        if a.min_length or a.max_length is not None or a.pattern is not None or a.format is not None:
            yield self.texts
        yield from self.containers.of(a)
        if a.any is not None:
            yield self.any_of
        if a.one is not None:
            yield self.one_of
        if a.none:
            yield self.none_of
        if a.condition is not None:
            yield self.condition
        if a.unknown:
            yield lambda _world, schema, a: [undecided(place(schema, a.unknown[0]), f"{a.unknown[0]} cannot be followed")]

    def types(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        assert a.types is not None
        extra = world.types - a.types
        if not extra or (extra == {"fraction"} and world.whole):
            return []
        kept = world.types & a.types
        was, now = words(world.types), words(a.types)
        return [
            Finding(
                "type_narrowed" if kept else "type_changed", place(schema, "type"),
                f"{words(extra)} may be written under the {self.sides.writer} schema; the {self.sides.reader} one takes {now}",
                self.sides.advise(f"accept {was}", f"write {now} only"), was, now,
            )
        ]  # fmt: skip

    def values(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        assert a.values is not None
        allowed = {value_digest(value) for value in a.values}
        if world.values is not None and all(value_digest(value) in allowed for value in world.values):
            return []
        now = ", ".join(shown(value) for value in a.values[:20])
        return [
            Finding(
                "values_restricted", place(schema, "enum"),
                f"the {self.sides.reader} schema takes only {now or 'no value'}, the {self.sides.writer} one others too",
                self.sides.advise("accept all that old data may have", "write only these values"), words(world.types), now,
            )
        ]  # fmt: skip

    def numbers(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if not world.types & NUMBERS:
            return []
        found: list[Finding] = []
        if a.low is not None and not _above(world.low, a.low):
            found.append(self._narrowed("range_narrowed", schema, "minimum", _bound(world.low), _bound(a.low)))
        if a.high is not None and not _below(world.high, a.high):
            found.append(self._narrowed("range_narrowed", schema, "maximum", _bound(world.high), _bound(a.high)))
        if a.multiple is not None and not world.multiple_of(a.multiple):
            found.append(self._narrowed("multiple_changed", schema, "multipleOf", "any", str(a.multiple)))
        return found

    def texts(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "string" not in world.types:
            return []
        found: list[Finding] = []
        if a.min_length > world.min_length:
            found.append(self._narrowed("length_narrowed", schema, "minLength", str(world.min_length), str(a.min_length)))
        if a.max_length is not None and (world.max_length is None or world.max_length > a.max_length):
            found.append(self._narrowed("length_narrowed", schema, "maxLength", limit(world.max_length), str(a.max_length)))
        if a.pattern is not None:
            answers = [within(pattern, a.pattern, self.work) for pattern in world.patterns]
            if True not in answers and within("", a.pattern, self.work) is not True:
                was = " and ".join(world.patterns) or "any text"
                if None in answers or within("", a.pattern, self.work) is None:
                    found.append(
                        undecided(place(schema, "pattern"), "the expression is beyond the comparable subset", was, a.pattern)
                    )
                else:
                    found.append(self._narrowed("pattern_narrowed", schema, "pattern", was, a.pattern))
        if a.format is not None and a.format not in world.formats:
            was = ", ".join(sorted(world.formats)) or "any text"
            found.append(self._narrowed("format_changed", schema, "format", was, a.format))
        return found

    def any_of(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        branches = a.any or ()
        return self.prover.by_type(world, lambda part: self._some(part, schema, branches, "anyOf"))

    def _some(self, world: World, schema: Schema, branches: tuple[Schema, ...], keyword: str) -> list[Finding]:
        reasons: list[list[Finding]] = []
        for branch in branches:
            found = self.prover.within(world, branch)
            if not found:
                return []
            reasons.append(found)
        return self._best(world, schema, branches, reasons, keyword)

    def _best(
        self, world: World, schema: Schema, branches: tuple[Schema, ...], reasons: list[list[Finding]], keyword: str
    ) -> list[Finding]:
        """The reasons of the only branch that could be meant, or else one for all."""
        near = [why for branch, why in zip(branches, reasons, strict=True) if not self.prover.empty(world.adding([branch]))]
        if len(near) == 1 and near[0]:
            return near[0]
        return [
            Finding(
                "no_branch_accepts", place(schema, keyword),
                f"the {self.sides.writer} schema may write {words(world.types)} that no branch of {keyword} "
                f"in the {self.sides.reader} one is proven to accept",
                self.sides.advise("keep or widen a branch", "write only what one branch accepts"),
                words(world.types), shown([getattr(branch, "value", None) for branch in branches]),
            )
        ]  # fmt: skip

    def one_of(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        branches = a.one or ()
        return self.prover.by_type(world, lambda part: self._exactly_one(part, schema, branches))

    def _exactly_one(self, world: World, schema: Schema, branches: tuple[Schema, ...]) -> list[Finding]:
        reasons: list[list[Finding]] = []
        for chosen in branches:
            found = self.prover.within(world, chosen)
            reasons.append(found)
            if found:
                continue
            meets = [other for other in branches if other is not chosen and not self.prover.empty(world.adding([other]))]
            if not meets:
                return []
            return [
                undecided(
                    place(schema, "oneOf"), "the branches may overlap, and oneOf then refuses",
                    shown(getattr(chosen, "value", None)), shown(getattr(meets[0], "value", None)),
                )
            ]  # fmt: skip
        return self._best(world, schema, branches, reasons, "oneOf")

    def none_of(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if all(self.prover.empty(world.adding([inner])) for inner in a.none):
            return []
        return [undecided(place(schema, "not"), "data may match what the schema that reads excludes", read=shown(a.none[0]))]

    def condition(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        assert a.condition is not None
        found: list[Finding] = []
        for consequence, holds, fails in (
            (a.condition.then, [a.condition.test], []), (a.condition.otherwise, [], [a.condition.test]),
        ):  # fmt: skip
            if consequence is not None:
                case = world.adding(holds, fails)
                found += self.prover.within(case, consequence)
        return found

    def _narrowed(self, kind: str, schema: Schema, keyword: str, was: str, now: str) -> Finding:
        return Finding(
            kind, place(schema, keyword),
            f"{keyword} is {now} in the {self.sides.reader} schema, and {was} in the {self.sides.writer} one",
            self.sides.advise(f"leave {keyword} as wide as it was", f"narrow {keyword} to what the old schema takes"), was, now,
        )  # fmt: skip


def _above(written: Bound | None, read: Bound) -> bool:
    if written is None:
        return False
    return written.value > read.value or (written.value == read.value and (written.open or not read.open))


def _below(written: Bound | None, read: Bound) -> bool:
    if written is None:
        return False
    return written.value < read.value or (written.value == read.value and (written.open or not read.open))


def _bound(bound: Bound | None) -> str:
    return "open" if bound is None else f"{bound.value}{' (itself excluded)' if bound.open else ''}"
