"""JSON in which every number stays as it is written: reading with keys that stand once, and writing for people."""

from __future__ import annotations

import json
from typing import Any

from startrail.base.text import printable
from startrail.capabilities.contracts.exact import JsonNumber
from startrail.capabilities.contracts.exchange.errors import NotASchema
from startrail.capabilities.contracts.records import Unreadable, parse

Json = Any
"""What JSON text holds; numbers are JsonNumber or int."""


def read_json(data: bytes, what: str) -> Json:
    """The document. Raises NotASchema (ST373)."""
    try:
        return parse(data.removeprefix(b"\xef\xbb\xbf"))
    except Unreadable as error:
        raise NotASchema(
            f"{what} is not JSON that means one thing: expected {error.expected}, got {error.got}",
            hint="mend the file, or say what it is with --from",
        ) from error


def write_json(tree: Json) -> str:
    """Indented by two; short lists of plain values on one line."""
    return _written(tree, "") + "\n"


def _written(tree: Json, pad: str) -> str:
    if isinstance(tree, JsonNumber):
        return str.__str__(tree)
    inner = pad + "  "
    if isinstance(tree, dict) and tree:
        parts = (f"{inner}{_text(key)}: {_written(value, inner)}" for key, value in tree.items())
        return "{\n" + ",\n".join(parts) + f"\n{pad}}}"
    if isinstance(tree, list) and tree:
        if not any(isinstance(value, (dict, list)) for value in tree):
            return "[" + ", ".join(_written(value, inner) for value in tree) + "]"
        return "[\n" + ",\n".join(inner + _written(value, inner) for value in tree) + f"\n{pad}]"
    return _text(tree)


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def whole(value: Json) -> int | None:
    """A whole number of a usual size, else None."""
    if isinstance(value, JsonNumber):
        text = str.__str__(value)
        return int(text) if len(text) < 12 and text.lstrip("-").isdecimal() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def named(value: Json, limit: int = 60) -> str:
    """A value in a message."""
    return printable(_written(value, "").replace("\n", " "), limit)
