"""Schema documents: parsed exactly, with a place, a base address and a draft for every part, and ``$ref`` resolved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from itertools import count
from typing import Any, NoReturn
from urllib.parse import unquote, urldefrag, urljoin

from startrail.base.text import printable
from startrail.ports.compatibility import ReferenceMissing, Refs, SchemaTooLarge, SchemaUnreadable, refuse_large

MAX_DEPTH = 256
Json = Any
"""A parsed value: None, bool, int, Decimal, str, list, dict."""

_DRAFTS = {
    "http://json-schema.org/draft-04/schema": 4, "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7, "http://json-schema.org/draft/2019-09/schema": 2019,
    "http://json-schema.org/draft/2020-12/schema": 2020,
}  # fmt: skip
_NEWER = ("$defs", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentRequired", "dependentSchemas",
          "$dynamicRef", "$dynamicAnchor", "$anchor", "minContains", "maxContains")  # fmt: skip
"""Keywords that only the newest draft has; a text without ``$schema`` that uses one is read as 2020-12, others as draft 7."""
_DATA = frozenset(("enum", "const", "default", "examples", "example"))
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_libraries = count(1)
_WIDE = Context(prec=10_000, Emax=MAX_EMAX, Emin=MIN_EMIN)


def parse_json(text: str, what: str) -> Json:
    """Numbers keep their exact value. Raises SchemaUnreadable, SchemaTooLarge."""
    refuse_large(text, what)
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_no_number)
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise SchemaUnreadable(f"{what} is not JSON: {printable(str(error), 200)}", hint="mend the text") from None
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return value
    raise _too_deep(what)


def _children(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _too_deep(what: str) -> SchemaTooLarge:
    return SchemaTooLarge(f"{what} nests more than {MAX_DEPTH} levels", hint="move inner parts to definitions and refer to them")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= 1_000 else None
    except ArithmeticError:
        number = None
    if number is None or abs(number.adjusted()) > 10_000:
        raise ValueError("a number of more than 1,000 digits or beyond 1e10000")
    return number


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


class Node:
    """A schema at a place. Equal keys mean equal schemas, also of two libraries, when nothing in them refers outside."""

    __slots__ = ("base", "cached", "draft", "key", "library", "pointer", "value")

    def __init__(self, library: Library, value: Json, base: str, pointer: str, draft: int) -> None:
        self.library, self.value, self.base, self.pointer, self.draft = library, value, base, pointer, draft
        name, closed = library.digest(value)
        self.key: object = (name, draft) if closed else (library.id, base, pointer)
        self.cached: Any = None

    def child(self, *steps: str | int) -> Node:
        """The schema under keywords, names and positions."""
        value, pointer = self.value, self.pointer
        for step in steps:
            value = value[step]
            pointer += f"/{escaped(str(step))}"
        return self.library.node(value, self.base, pointer, self.draft)

    def resolve(self, reference: str) -> Node:
        """What ``$ref`` leads to. Raises ReferenceMissing."""
        return self.library.resolve(self, reference)


class Library:
    """A schema with all that it may refer to."""

    def __init__(self, text: str, refs: Refs, formats: bool = True) -> None:
        self.formats = formats
        """False: ``format`` asserts nothing."""
        self.id = next(_libraries)
        self._nodes: dict[tuple[str, str, int], Node] = {}
        self._digests: dict[int, tuple[bytes, bool]] = {}
        self._places: dict[str, tuple[Json, str, str, int]] = {}
        self._dynamic: dict[str, int] = {}
        value = parse_json(text, "the schema")
        draft = _draft(value, "the schema")
        base = ""
        for name, other in refs.items():
            what = f"reference '{printable(name, 80)}'"
            known = parse_json(other, what)
            address = _join(_own_address(value, draft) or "", name)
            self._add(known, address, _draft(known, what, draft))
            self._places.setdefault(name, self._places[address])
        self._add(value, base, draft)
        self.root = self.node(value, base, "", draft)

    def node(self, value: Json, base: str, pointer: str, draft: int) -> Node:
        """The one node of a place; a schema with an address of its own is a base for its references."""
        if not isinstance(value, bool | dict):
            place = printable(pointer or "/", 120)
            raise SchemaUnreadable(f"{place} is no schema but {_kind(value)}", hint="a schema is an object, or true or false")
        own = _own_address(value, draft)
        base = _join(base, own) if own else base
        at = (base, pointer, id(value))
        if at not in self._nodes:
            self._nodes[at] = Node(self, value, base, pointer, draft)
        return self._nodes[at]

    def resolve(self, node: Node, reference: str) -> Node:
        """The schema a reference names from ``node``. Raises ReferenceMissing."""
        address, fragment = urldefrag(_join(node.base, reference))
        for known in (f"{address}#{fragment}" if fragment else address, address, reference.partition("#")[0]):
            if known in self._places:
                value, base, pointer, draft = self._places[known]
                inner = unquote(fragment) if known == address or "#" not in known else ""
                if not inner or inner.startswith("/"):
                    return self._walk(value, base, pointer, draft, inner, reference)
        raise self._missing(reference)

    def single_anchor(self, name: str) -> bool:
        """True when a dynamic reference to ``name`` can only mean one place."""
        return self._dynamic.get(name, 0) <= 1

    def digest(self, value: Json) -> tuple[bytes, bool]:
        """A name of the value, equal for equal JSON values, and whether no reference is inside."""
        known = self._digests.get(id(value))
        if known is None:
            known = _digest(value, self.digest)
            if isinstance(value, dict | list):
                self._digests[id(value)] = known
        return known

    def _walk(self, value: Json, base: str, pointer: str, draft: int, fragment: str, reference: str) -> Node:
        """``base``: of what surrounds the value, whose own address counts only for what is inside."""
        for step in fragment.split("/")[1:]:
            own = _own_address(value, draft)
            base = _join(base, own) if own else base
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and name.isascii() and len(name) < 9 and int(name) < len(value):
                value = value[int(name)]
            else:
                raise self._missing(reference)
            pointer += f"/{step}"
        return self.node(value, base, pointer, draft)

    def _missing(self, reference: str) -> ReferenceMissing:
        return ReferenceMissing(
            f"'{printable(reference, 120)}' leads nowhere in the schema or its references",
            hint="mend the reference, or give the other schema under its name",
        )

    def _add(self, value: Json, base: str, draft: int) -> None:
        """Note every address and anchor of a document."""
        self._places[urldefrag(base)[0]] = (value, base, "", draft)
        front: list[tuple[Json, str, str]] = [(value, base, "")]
        while front:
            each, near, pointer = front.pop()
            if isinstance(each, dict):
                own, around = _own_address(each, draft), near
                if own:
                    near = _join(near, own)
                    self._places[urldefrag(near)[0]] = (each, around, pointer, draft)
                for anchor in _anchors(each, draft):
                    self._places[f"{urldefrag(near)[0]}#{anchor}"] = (each, around, pointer, draft)
                if isinstance(each.get("$dynamicAnchor"), str):
                    self._dynamic[each["$dynamicAnchor"]] = self._dynamic.get(each["$dynamicAnchor"], 0) + 1
                if each.get("$recursiveAnchor") is True:
                    self._dynamic["$recursive"] = self._dynamic.get("$recursive", 0) + 1
                front += [(inner, near, f"{pointer}/{escaped(key)}") for key, inner in each.items() if key not in _DATA]
            elif isinstance(each, list):
                front += [(v, near, f"{pointer}/{i}") for i, v in enumerate(each)]


def escaped(step: str) -> str:
    """A name as a step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def equal_values(one: Json, other: Json) -> bool:
    """JSON equality: 1 and 1.0 are equal, true and 1 are not."""
    return value_digest(one) == value_digest(other)


def value_digest(value: Json) -> bytes:
    """Equal for equal JSON values."""
    return _digest(value, lambda each: (value_digest(each), True))[0]


def _digest(value: Json, inner: Any) -> tuple[bytes, bool]:
    closed = True
    if isinstance(value, dict):
        closed = not any(isinstance(value.get(word), str) for word in (*_REFERENCES, "$id", "id"))
        parts = [b"{"]
        for key in sorted(value):
            name, ends = inner(value[key])
            closed = closed and ends
            parts += [hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest(), name]
    elif isinstance(value, list):
        parts = [b"["]
        for each in value:
            name, ends = inner(each)
            closed = closed and ends
            parts.append(name)
    elif isinstance(value, bool) or value is None:
        parts = [repr(value).encode()]
    elif isinstance(value, int | Decimal):
        parts = [b"n", str(Decimal(value).normalize(_WIDE)).encode() if value else b"0"]
    else:
        parts = [b"s", value.encode("utf-8", "surrogatepass")]
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest(), closed


def _draft(value: Json, what: str, otherwise: int | None = None) -> int:
    given = value.get("$schema") if isinstance(value, dict) else None
    if given is None:
        return otherwise or (2020 if _uses_newer(value) else 7)
    draft = _DRAFTS.get(given.rstrip("#").replace("https:", "http:")) if isinstance(given, str) else None
    if draft is None:
        raise SchemaUnreadable(
            f"$schema of {what} is '{printable(str(given), 80)}'", hint="drafts 4, 6, 7, 2019-09 and 2020-12 are read"
        )
    return draft


def _uses_newer(value: Json) -> bool:
    front = [value]
    while front:
        each = front.pop()
        if isinstance(each, dict):
            if any(word in each for word in _NEWER):
                return True
            front += [inner for key, inner in each.items() if key not in _DATA]
        elif isinstance(each, list):
            front += each
    return False


def _own_address(value: Json, draft: int) -> str | None:
    """``$id`` (draft 4: ``id``) of a schema that is a document of its own."""
    if not isinstance(value, dict) or (draft <= 7 and isinstance(value.get("$ref"), str)):
        return None
    own = value.get("id" if draft == 4 else "$id")
    return own if isinstance(own, str) and not own.startswith("#") else None


def _anchors(value: dict[str, Json], draft: int) -> list[str]:
    if draft <= 7:
        own = value.get("id" if draft == 4 else "$id")
        return [own[1:]] if isinstance(own, str) and own.startswith("#") and len(own) > 1 else []
    return [value[word] for word in ("$anchor", "$dynamicAnchor") if isinstance(value.get(word), str)]


def _join(base: str, reference: str) -> str:
    """As URLs are joined, also under schemes such as ``urn:``."""
    if reference.startswith("#") or not reference:
        return urldefrag(base)[0] + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def _kind(value: Json) -> str:
    return "null" if value is None else {list: "an array", str: "text"}.get(type(value), "a number")
