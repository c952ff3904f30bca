"""The ``Language`` of JSON Schema."""

from __future__ import annotations

from startrail.capabilities.contracts.compatibility.findings import Finding, Sides
from startrail.capabilities.contracts.compatibility.json_schema.assertions import Assertions, Contains, Schema, assertions
from startrail.capabilities.contracts.compatibility.json_schema.documents import Library
from startrail.capabilities.contracts.compatibility.json_schema.prove import Prover
from startrail.capabilities.contracts.compatibility.json_schema.world import World
from startrail.capabilities.contracts.compatibility.work import Work
from startrail.ports.compatibility import Refs, SchemaTooLarge


class JsonSchema:
    """``lenient``: data has no properties that its schema does not declare, a required property with a default may be
    missing, and ``format`` asserts nothing."""

    def __init__(self, lenient: bool) -> None:
        self._lenient = lenient

    def read(self, text: str, refs: Refs) -> Library:
        """The schema, every reachable part of it read. Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        library = Library(text, refs, formats=not self._lenient)
        try:
            _read_all(library)
        except RecursionError:
            raise SchemaTooLarge("the JSON Schema is nested too deep", hint="move inner parts to definitions") from None
        return library

    def compare(self, writer: Library, reader: Library, sides: Sides, work: Work) -> list[Finding]:
        """Empty when every instance of ``writer`` is one of ``reader``."""
        return Prover(sides, self._lenient, work).within(World([writer.root], (), work), reader.root)


def _read_all(library: Library) -> None:
    front: list[Schema] = [library.root]
    seen: set[int] = set()
    while front:
        schema = front.pop()
        if id(schema) not in seen:
            seen.add(id(schema))
            front += _parts(assertions(schema))


def _parts(a: Assertions) -> list[Schema]:
    contains: Contains | None = a.contains
    single = (a.additional, a.names, a.unevaluated_properties, a.rest, a.unevaluated_items, contains.item if contains else None)
    condition = (a.condition.test, a.condition.then, a.condition.otherwise) if a.condition else ()
    named = (*a.patterns, *a.dependent_schemas)
    return [
        *a.properties.values(), *(schema for _, schema in named), *a.prefix, *a.every, *(a.any or ()), *(a.one or ()), *a.none,
        *(schema for schema in (*single, *condition) if schema is not None),
    ]  # fmt: skip
