"""Proof keyword by keyword, of objects and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from startrail.capabilities.contracts.compatibility.findings import Finding, undecided
from startrail.capabilities.contracts.compatibility.json_schema.assertions import Assertions, Fact, Schema, assertions
from startrail.capabilities.contracts.compatibility.json_schema.places import limit, place, shown
from startrail.capabilities.contracts.compatibility.json_schema.unevaluated import evaluated
from startrail.capabilities.contracts.compatibility.json_schema.world import World
from startrail.capabilities.contracts.compatibility.regex import matches

if TYPE_CHECKING:
    from startrail.capabilities.contracts.compatibility.json_schema.prove import Prover

Rule = Callable[[World, Schema, Assertions], list[Finding]]


class ContainerRules:
    """Each rule answers why instances of a world may break one group of keywords."""

    def __init__(self, prover: Prover) -> None:
        self.prover, self.sides, self.work = prover, prover.sides, prover.work

    def of(self, a: Assertions) -> Iterator[Rule]:
        """The rules that a schema needs."""
        if a.required or a.min_properties or a.max_properties is not None:
            yield self.presence
        if a.properties:
            yield self.properties
        if a.patterns:
            yield self.patterns
        if a.additional is not None:
            yield self.additional
        if a.unevaluated_properties is not None:
            yield self.unevaluated_properties
        if a.names is not None:
            yield self.names
        if a.dependent_required or a.dependent_schemas:
            yield self.dependents
        if a.prefix or a.rest is not None:
            yield self.items
        if a.unevaluated_items is not None:
            yield self.unevaluated_items
        if a.contains is not None:
            yield self.contains
        if a.min_items or a.max_items is not None or a.unique:
            yield self.sizes

    # objects

    def presence(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "object" not in world.types:
            return []
        missing = sorted(a.required - world.required - (a.defaulted if self.prover.lenient else frozenset()))
        found = [
            Finding(
                "required_added", place(schema, "required"),
                f"'{name}' is required by the {self.sides.reader} schema, and the {self.sides.writer} one may leave it out",
                self.sides.advise(f"leave '{name}' optional", f"keep '{name}' required"), "optional", f"required: {name}",
            )
            for name in missing
        ]  # fmt: skip
        if a.min_properties > world.min_properties:
            found.append(self._size(schema, "minProperties", str(world.min_properties), str(a.min_properties)))
        if a.max_properties is not None and (world.max_properties is None or world.max_properties > a.max_properties):
            found.append(self._size(schema, "maxProperties", limit(world.max_properties), str(a.max_properties)))
        return found

    def properties(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "object" not in world.types:
            return []
        found: list[Finding] = []
        for name, inner in a.properties.items():
            if world.names_are_few and name not in world.named:
                continue
            declared = world.declares(name)
            if self.prover.lenient and not declared:
                continue
            reasons = self._inside(world.property(name), inner)
            if reasons and not declared and all(self._loose(each) for each in world.property(name).flat):
                reasons = [self._added_to_open(schema, name, inner)]
            found += reasons
        return found

    def _added_to_open(self, schema: Schema, name: str, inner: Schema) -> Finding:
        return Finding(
            "property_added_to_open_content", place(inner),
            f"'{name}' is declared by the {self.sides.reader} schema only, and data of the {self.sides.writer} one, "
            "which takes undeclared properties, may have any value there",
            self.sides.advise(
                "leave it undeclared, take any value, or use --lenient when undeclared properties do not occur",
                "keep it declared as it was, or use --lenient when undeclared properties do not occur",
            ),
            "", shown(inner),
        )  # fmt: skip

    def patterns(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "object" not in world.types:
            return []
        found: list[Finding] = []
        for pattern, inner in a.patterns:
            for name in sorted(world.named):
                if matches(pattern, name, self.work) is not False:
                    found += self._inside(world.property(name), inner)
            if self.prover.lenient and not any(b.patterns for b in world.flat) and all(self._open(b) for b in world.flat):
                continue
            for part in world.others(pattern):
                found += self._inside(part, inner)
        return found

    def additional(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        assert a.additional is not None
        names, expressions = set(a.properties), [pattern for pattern, _ in a.patterns]
        return self._remaining(world, schema, names, expressions, a.additional, "additionalProperties")

    def unevaluated_properties(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        assert a.unevaluated_properties is not None
        known = evaluated(a, sure=True)
        if known.names is None:
            return []
        return self._remaining(
            world, schema, known.names, sorted(known.patterns), a.unevaluated_properties, "unevaluatedProperties"
        )

    def _remaining(
        self, world: World, schema: Schema, names: set[str], expressions: list[str], inner: Schema, keyword: str
    ) -> list[Finding]:
        """Properties that the schema that reads neither names nor matches."""
        if "object" not in world.types or assertions(inner) == Assertions():
            return []
        found: list[Finding] = []
        for name in sorted(world.named - names):
            if not any(matches(pattern, name, self.work) for pattern in expressions):
                found += self._closed(world.property(name), schema, inner, keyword, f"'{name}'")
        if self.prover.lenient and assertions(inner).types != frozenset() and all(self._open(b) for b in world.flat):
            return found
        for part in world.others(None, expressions):
            found += self._closed(part, schema, inner, keyword, "undeclared properties")
        return found

    def _closed(self, part: World, schema: Schema, inner: Schema, keyword: str, who: str) -> list[Finding]:
        reasons = self._inside(part, inner)
        if not reasons or assertions(inner).types != frozenset():
            return reasons
        return [
            Finding(
                "property_refused", place(schema, keyword),
                f"{who} may be written under the {self.sides.writer} schema, and the {self.sides.reader} one refuses them",
                self.sides.advise("declare it, or leave the object open", "do not write it, or close the object"), who, "false",
            )
        ]  # fmt: skip

    def names(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "object" not in world.types:
            return []
        assert a.names is not None
        asked = a.names
        closed = any(b.additional is not None and assertions(b.additional).types == frozenset() for b in world.flat)
        parts: list[World] = []
        if closed or world.names_are_few:
            parts += [self._name(name) for name in sorted(world.named)]
            parts += [self._named_like(pattern) for b in world.flat for pattern, _ in b.patterns if b.additional is not None]
        found = [reason for part in parts for reason in self._inside(part, asked)]
        if (not closed and not world.names_are_few) or found:
            found = self._inside(world.names, asked)
        return found

    def _name(self, name: str) -> World:
        return World([Fact(("name", name), Assertions(types=frozenset(("string",)), values=(name,)))], (), self.work)

    def _named_like(self, pattern: str) -> World:
        return World([Fact(("like", pattern), Assertions(types=frozenset(("string",)), pattern=pattern))], (), self.work)

    def dependents(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "object" not in world.types:
            return []
        found: list[Finding] = []
        for name, needed in a.dependent_required:
            case = self._having(world, name)
            if not needed <= case.required and not self.prover.empty(case):
                lacking = ", ".join(sorted(needed - case.required))
                found.append(
                    Finding(
                        "dependency_added", place(schema, "dependentRequired", name),
                        f"with '{name}' the {self.sides.reader} schema requires {lacking}, the {self.sides.writer} one does not",
                        self.sides.advise("drop the dependency", "write them together"), "", f"{name}: {lacking}",
                    )
                )  # fmt: skip
        for name, inner in a.dependent_schemas:
            found += self.prover.within(self._having(world, name), inner)
        return found

    def _having(self, world: World, name: str) -> World:
        return world.adding([Fact(("required", name), Assertions(types=frozenset(("object",)), required=frozenset((name,))))])

    # arrays

    def items(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        return self._positions(world, a.prefix, a.rest)

    def unevaluated_items(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        known = evaluated(a, sure=True)
        if known.positions is None:
            return []
        return self._positions(world, (None,) * known.positions, a.unevaluated_items)

    def _positions(self, world: World, prefix: tuple[Schema | None, ...], rest: Schema | None) -> list[Finding]:
        if "array" not in world.types:
            return []
        found: list[Finding] = []
        for position in range(max(len(prefix), world.positions) + 1):
            if world.max_items is not None and position >= world.max_items:
                break
            inner = prefix[position] if position < len(prefix) else rest
            if inner is not None:
                found += self._inside(world.item(position), inner)
        return list(dict.fromkeys(found))

    def contains(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        asked = a.contains
        if "array" not in world.types or asked is None:
            return []
        enough = asked.least == 0 or any(
            each.least >= asked.least and not self._inside(World([each.item], (), self.work), asked.item)
            for each in world.contains
        )
        enough = enough or (world.min_items >= asked.least and not self._positions(world, (), asked.item))
        few = asked.most is None or (world.max_items is not None and world.max_items <= asked.most)
        few = few or any(
            each.most is not None and each.most <= asked.most and not self._inside(World([asked.item], (), self.work), each.item)
            for each in world.contains
            if asked.most is not None
        )
        if enough and few:
            return []
        return [undecided(place(schema, "contains"), "arrays may hold too few or too many such items", read=shown(asked.item))]

    def sizes(self, world: World, schema: Schema, a: Assertions) -> list[Finding]:
        if "array" not in world.types:
            return []
        found: list[Finding] = []
        if a.min_items > world.min_items:
            found.append(self._size(schema, "minItems", str(world.min_items), str(a.min_items)))
        if a.max_items is not None and (world.max_items is None or world.max_items > a.max_items):
            found.append(self._size(schema, "maxItems", limit(world.max_items), str(a.max_items)))
        if a.unique and not world.unique:
            found.append(self._size(schema, "uniqueItems", "false", "true"))
        return found

    def _size(self, schema: Schema, keyword: str, was: str, now: str) -> Finding:
        return Finding(
            "size_narrowed", place(schema, keyword),
            f"{keyword} is {now} in the {self.sides.reader} schema, and {was} in the {self.sides.writer} one",
            self.sides.advise(f"leave {keyword} as wide as it was", f"narrow {keyword} to what the old schema takes"), was, now,
        )  # fmt: skip

    def _inside(self, part: World, inner: Schema) -> list[Finding]:
        return self.prover.deeper(lambda: self.prover.within(part, inner))

    @staticmethod
    def _open(a: Assertions) -> bool:
        """True when undeclared properties may have any value."""
        return a.additional is None or assertions(a.additional) == Assertions()

    @staticmethod
    def _loose(a: Assertions) -> bool:
        return a == Assertions()
