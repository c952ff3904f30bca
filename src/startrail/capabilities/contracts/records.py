"""Records as text: strict JSON into trees in which numbers keep how they were written, and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.model.canonical import plain
from startrail.model.refusal import JsonNumber, show


class Unreadable(Exception):
    """The record is not JSON that means one thing."""

    def __init__(self, rule: Any, expected: str, got: str) -> None:
        self.rule = rule
        self.expected = expected
        self.got = got


def parse(raw: bytes) -> Any:
    """Strict JSON with number texts kept. Raises Unreadable for what is not JSON, or says one key twice."""
    try:
        return _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        raise Unreadable("malformed", "UTF-8", f"byte {raw[error.start]:#04x} at {error.start}") from error
    except _Twice as error:
        raise Unreadable("duplicate_key", "each key once in an object", show(error.args[0])) from error
    except RecursionError as error:
        raise Unreadable("malformed", "JSON nested less deeply", "hundreds of levels") from error
    except ValueError as error:
        raise Unreadable("malformed", "JSON", printable(str(error), 120)) from error


class _Twice(Exception):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return found


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_constant)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def dump(tree: Any) -> str:
    """A parsed tree as JSON text again, with each number as it was written."""
    if isinstance(tree, JsonNumber):
        return str.__str__(tree)
    if isinstance(tree, dict):
        return "{" + ",".join(f"{quoted(key)}:{dump(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(dump, tree)) + "]"
    return json.dumps(tree, ensure_ascii=False)


def canonical(typed: dict[str, Any]) -> bytes:
    """An accepted record as JSON in the form every engine reads alike: numbers of a declared binary type as JSON
    numbers, booleans as such, all else as text: decimals with their full scale, dates and times in ISO form with
    microseconds, instants in UTC with ``Z``, binary as base64."""
    return msgspec.json.encode(plain(typed))
