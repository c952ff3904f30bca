"""References followed, ``allOf`` laid together, ``null`` taken out of unions: a schema as one flat set of keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from startrail.capabilities.contracts.exchange.errors import NotASchema

Part = dict[str, Any]
MOST_PARTS = 50_000
_TAKEN_APART = ("$ref", "allOf", "anyOf", "oneOf")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class Recursive(Exception):
    """A schema that contains itself."""


class Unresolved(Exception):
    """A reference to what is not in the file."""


class Merged(msgspec.Struct, frozen=True):
    """Keywords without ``$ref`` and ``allOf``. ``parts`` are the bounds as each part had them."""

    keywords: Part
    parts: tuple[Part, ...]
    nullable: bool


class Merger:
    """``open`` names the references that are being followed, so that a circle is seen."""

    def __init__(self, root: Part, lose: Callable[[str, str, str], None]) -> None:
        self.open: frozenset[str] = frozenset()
        self._root = root
        self._work = 0
        self._lose = lose

    def merged(self, schema: Any, path: str) -> Merged:
        """Raises Recursive and Unresolved."""
        followed: set[str] = set()
        parts = self._flat(schema, path, frozenset(), followed)
        self.open |= followed
        keywords: Part = {}
        for part in parts:
            for word, value in part.items():
                self._lay(keywords, word, value, path)
        nullable = _admits_null(keywords)
        return Merged(keywords, tuple({word: part[word] for word in BOUNDS if word in part} for part in parts), nullable)

    def admits_null(self, schema: Any, path: str) -> bool:
        """A look at a schema that will be read in full later."""
        before = self.open
        try:
            return self.merged(schema, path).nullable
        finally:
            self.open = before

    def _flat(self, schema: Any, path: str, trail: frozenset[str], followed: set[str]) -> list[Part]:
        """``trail`` holds the references that led here, ``followed`` all that were."""
        self._work += 1
        if self._work > MOST_PARTS:
            raise NotASchema(
                f"the schema has more than {MOST_PARTS} parts when its references are followed", hint="import a part"
            )
        if not isinstance(schema, dict):
            return []
        found: list[Part] = [{word: value for word, value in schema.items() if word not in _TAKEN_APART}]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in self.open or reference in trail:
                raise Recursive(reference[:80])
            followed.add(reference)
            found += self._flat(self._target(reference), path, trail | {reference}, followed)
        if isinstance(schema.get("allOf"), list):
            for inner in schema["allOf"]:
                found += self._flat(inner, path, trail, followed)
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list):
                found += self._union(word, schema[word], path, trail, followed)
        return found

    def _union(self, word: str, choices: list[Any], path: str, trail: frozenset[str], followed: set[str]) -> list[Part]:
        """``[X, null]`` is X that may be null; any other union is no type of a contract."""
        real = [choice for choice in choices if not (isinstance(choice, dict) and choice.get("type") == "null")]
        if len(real) != 1:
            return [{word: choices}]
        null: list[Part] = [{"nullable": True}] if len(real) < len(choices) else []
        return self._flat(real[0], path, trail, followed) + null

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise Unresolved(reference[:80])
        found: Any = self._root
        for step in filter(None, reference.removeprefix("#").split("/")):
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise Unresolved(reference[:80])
            found = found[key]
        return found

    def _lay(self, keywords: Part, word: str, value: Any, path: str) -> None:
        had = keywords.get(word)
        if word not in keywords or word == "nullable":
            keywords[word] = value
        elif word == "properties" and isinstance(had, dict) and isinstance(value, dict):
            both = {name: {"allOf": [had[name], value[name]]} for name in had if name in value}
            keywords[word] = had | value | both
        elif word == "required" and isinstance(had, list) and isinstance(value, list):
            keywords[word] = [*had, *value]
        elif had != value and word not in BOUNDS and word != "description":
            self._lose(path, word, "it stands twice, with different values; the first one is kept")


def _admits_null(keywords: Part) -> bool:
    given, allowed = keywords.get("type"), keywords.get("enum")
    if keywords.get("nullable") is True:
        return True
    if isinstance(allowed, list) and None not in allowed:
        return False
    if given is None:
        return isinstance(allowed, list) or ("const" in keywords and keywords["const"] is None)
    return given == "null" or (isinstance(given, list) and "null" in given)
