"""What a schema asserts, the keywords of all drafts in one form."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from startrail.base.text import printable
from startrail.capabilities.contracts.compatibility.json_schema.documents import Json, Node, equal_values
from startrail.ports.compatibility import SchemaUnreadable

NUMBERS = frozenset(("integer", "whole", "fraction"))
"""``whole`` is a number written like 1.0, which draft 4 does not count among the integers."""
TYPES = frozenset(("null", "boolean", "string", "array", "object")) | NUMBERS


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range; ``open``: the value itself is outside."""

    value: Decimal
    open: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """At least ``least`` and at most ``most`` items are of the schema."""

    item: Schema
    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """``if`` with its two consequences."""

    test: Schema
    then: Schema | None
    otherwise: Schema | None


@dataclass(frozen=True, slots=True)
class Assertions:
    """One schema object. None and empty assert nothing."""

    types: frozenset[str] | None = None
    values: tuple[Json, ...] | None = None
    low: Bound | None = None
    high: Bound | None = None
    multiple: Fraction | None = None
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    properties: dict[str, Schema] = field(default_factory=dict)
    patterns: tuple[tuple[str, Schema], ...] = ()
    additional: Schema | None = None
    names: Schema | None = None
    required: frozenset[str] = frozenset()
    defaulted: frozenset[str] = frozenset()
    min_properties: int = 0
    max_properties: int | None = None
    dependent_required: tuple[tuple[str, frozenset[str]], ...] = ()
    dependent_schemas: tuple[tuple[str, Schema], ...] = ()
    unevaluated_properties: Schema | None = None
    prefix: tuple[Schema, ...] = ()
    rest: Schema | None = None
    contains: Contains | None = None
    min_items: int = 0
    max_items: int | None = None
    unique: bool = False
    unevaluated_items: Schema | None = None
    every: tuple[Schema, ...] = ()
    """``allOf`` and ``$ref``."""
    any: tuple[Schema, ...] | None = None
    one: tuple[Schema, ...] | None = None
    none: tuple[Schema, ...] = ()
    condition: Condition | None = None
    unknown: tuple[str, ...] = ()
    """Keywords that assert something we cannot follow."""


class Fact:
    """Assertions that are known without standing in a text."""

    __slots__ = ("asserts", "key", "pointer")

    def __init__(self, key: object, asserts: Assertions) -> None:
        self.key: object = key
        self.asserts = asserts
        self.pointer = ""


Schema = Node | Fact
ANYTHING = Fact("anything", Assertions())
NOTHING = Fact("nothing", Assertions(types=frozenset()))


def assertions(schema: Schema) -> Assertions:
    """Raises SchemaUnreadable for a keyword with a value of the wrong form."""
    if isinstance(schema, Fact):
        return schema.asserts
    if schema.cached is None:
        schema.cached = _read(schema)
    return schema.cached


def _read(node: Node) -> Assertions:
    if node.value is True:
        return ANYTHING.asserts
    if node.value is False:
        return NOTHING.asserts
    reference = node.value.get("$ref")
    if isinstance(reference, str) and node.draft <= 7:
        return Assertions(every=(node.resolve(reference),))  # whatever stands beside it is ignored
    reader = _Reader(node)
    found: dict[str, Any] = {}
    for part in (reader.values, reader.numbers, reader.strings, reader.objects, reader.arrays, reader.logic):
        part(found)
    return Assertions(**found)


class _Reader:
    def __init__(self, node: Node) -> None:
        self.node, self.value, self.draft = node, node.value, node.draft

    def wrong(self, keyword: str, needs: str) -> SchemaUnreadable:
        place = printable(f"{self.node.pointer}/{keyword}", 160)
        return SchemaUnreadable(f"{place} must be {needs}", hint="mend the schema")

    def get(self, keyword: str, kind: type | tuple[type, ...], needs: str) -> Any:
        """The keyword's value, None when it is not there."""
        if keyword not in self.value:
            return None
        value = self.value[keyword]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(keyword, needs)
        return value

    def size(self, keyword: str) -> int | None:
        value = self.get(keyword, (int, Decimal), "a whole number")
        if value is not None and (value < 0 or value != int(value)):
            raise self.wrong(keyword, "a whole number")
        return None if value is None else int(value)

    def schema(self, keyword: str) -> Node | None:
        return self.node.child(keyword) if keyword in self.value else None

    def schemas(self, keyword: str) -> tuple[Node, ...] | None:
        given = self.get(keyword, list, "a list of schemas")
        return None if given is None else tuple(self.node.child(keyword, i) for i in range(len(given)))

    def named(self, keyword: str) -> dict[str, Node]:
        given = self.get(keyword, dict, "an object of schemas")
        return {name: self.node.child(keyword, name) for name in given or ()}

    def words(self, keyword: str) -> frozenset[str]:
        given = self.get(keyword, list, "a list of names")
        if given is None:
            return frozenset()
        if not all(isinstance(word, str) for word in given):
            raise self.wrong(keyword, "a list of names")
        return frozenset(given)

    def values(self, found: dict[str, Any]) -> None:
        given = self.get("type", (str, list), "a type or a list of types")
        if given is not None:
            words = [given] if isinstance(given, str) else given
            found["types"] = frozenset(atom for word in words for atom in self.type(word))
        values = self.get("enum", list, "a list of values")
        if self.draft > 4 and "const" in self.value:
            const = self.value["const"]
            values = [const] if values is None or any(equal_values(const, each) for each in values) else []
        if values is not None:
            found["values"] = tuple(values)

    def type(self, word: Json) -> frozenset[str]:
        if word == "number":
            return NUMBERS
        if word == "integer":
            return frozenset(("integer",)) if self.draft == 4 else frozenset(("integer", "whole"))
        if not isinstance(word, str) or word not in TYPES or word in NUMBERS:
            raise self.wrong("type", "a type, or a list of types")
        return frozenset((word,))

    def numbers(self, found: dict[str, Any]) -> None:
        for end, keyword, exclusive, narrower in (
            ("low", "minimum", "exclusiveMinimum", lambda a, b: a > b),
            ("high", "maximum", "exclusiveMaximum", lambda a, b: a < b),
        ):
            bound = self.get(keyword, (int, Decimal), "a number")
            kept = None if bound is None else Bound(Decimal(bound))
            if self.draft == 4:
                if self.get(exclusive, bool, "true or false") and kept is not None:
                    kept = Bound(kept.value, True)
            else:
                beyond = self.get(exclusive, (int, Decimal), "a number")
                if beyond is not None and (kept is None or not narrower(kept.value, beyond)):
                    kept = Bound(Decimal(beyond), True)
            found[end] = kept
        multiple = self.get("multipleOf", (int, Decimal), "a number above 0")
        if multiple is not None:
            if multiple <= 0:
                raise self.wrong("multipleOf", "a number above 0")
            if abs(Decimal(multiple).adjusted()) > 400:
                found["unknown"] = ("multipleOf",)
            else:
                found["multiple"] = Fraction(multiple)

    def strings(self, found: dict[str, Any]) -> None:
        found |= {"min_length": self.size("minLength") or 0, "max_length": self.size("maxLength")}
        found["pattern"] = self.get("pattern", str, "text")
        if self.node.library.formats:
            found["format"] = self.get("format", str, "text")

    def objects(self, found: dict[str, Any]) -> None:
        required = self.words("required")
        properties = self.named("properties")
        found |= {
            "properties": properties,
            "patterns": tuple(self.named("patternProperties").items()),
            "additional": self.schema("additionalProperties"),
            "names": self.schema("propertyNames") if self.draft > 4 else None,
            "required": required,
            "defaulted": frozenset(name for name in required if name in properties and self.has_default(properties[name])),
            "min_properties": self.size("minProperties") or 0,
            "max_properties": self.size("maxProperties"),
            "unevaluated_properties": self.schema("unevaluatedProperties") if self.draft >= 2019 else None,
        }  # fmt: skip
        found |= self.dependencies()

    @staticmethod
    def has_default(node: Node) -> bool:
        return isinstance(node.value, dict) and "default" in node.value

    def dependencies(self) -> dict[str, Any]:
        needs: list[tuple[str, frozenset[str]]] = []
        schemas: list[tuple[str, Node]] = []
        keywords = ("dependencies",) if self.draft <= 7 else ("dependentRequired", "dependentSchemas")
        for keyword in keywords:
            given = self.get(keyword, dict, "an object")
            for name, value in (given or {}).items():
                if isinstance(value, list) and keyword != "dependentSchemas":
                    needs.append((name, frozenset(word for word in value if isinstance(word, str))))
                else:
                    schemas.append((name, self.node.child(keyword, name)))
        return {"dependent_required": tuple(needs), "dependent_schemas": tuple(schemas)}

    def arrays(self, found: dict[str, Any]) -> None:
        prefix: tuple[Node, ...] = ()
        rest: Node | None = None
        if self.draft == 2020:
            prefix, rest = self.schemas("prefixItems") or (), self.schema("items")
        elif isinstance(self.value.get("items"), list):
            prefix, rest = self.schemas("items") or (), self.schema("additionalItems")
        else:
            rest = self.schema("items")
        found |= {
            "prefix": prefix, "rest": rest, "min_items": self.size("minItems") or 0, "max_items": self.size("maxItems"),
            "unique": bool(self.get("uniqueItems", bool, "true or false")),
            "unevaluated_items": self.schema("unevaluatedItems") if self.draft >= 2019 else None,
        }  # fmt: skip
        if "contains" in self.value and self.draft > 4:
            newer = self.draft >= 2019
            least, most = (self.size("minContains"), self.size("maxContains")) if newer else (None, None)
            found["contains"] = Contains(self.node.child("contains"), 1 if least is None else least, most)

    def logic(self, found: dict[str, Any]) -> None:
        every = list(self.schemas("allOf") or ())
        unknown = list(found.get("unknown", ()))
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            reference = self.value.get(keyword)
            if not isinstance(reference, str):
                continue
            if self.certain(keyword, reference):
                every.append(self.node.resolve(reference))
            elif self.draft >= 2019:
                unknown.append(keyword)
        found |= {"every": tuple(every), "any": self.schemas("anyOf"), "one": self.schemas("oneOf"), "unknown": tuple(unknown)}
        found["none"] = (self.node.child("not"),) if "not" in self.value else ()
        if self.draft >= 7 and "if" in self.value:
            found["condition"] = Condition(self.node.child("if"), self.schema("then"), self.schema("else"))

    def certain(self, keyword: str, reference: str) -> bool:
        """True when the reference means one place wherever it is met from."""
        if keyword == "$ref":
            return True
        if keyword == "$dynamicRef" and self.draft == 2020:
            return self.node.library.single_anchor(reference.partition("#")[2])
        return keyword == "$recursiveRef" and self.draft == 2019 and self.node.library.single_anchor("$recursive")
