"""How findings name a place and show a value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from startrail.capabilities.contracts.compatibility.findings import SNIPPET
from startrail.capabilities.contracts.compatibility.json_schema.assertions import NUMBERS, Fact, Schema
from startrail.capabilities.contracts.compatibility.json_schema.documents import Node


def place(schema: Schema, *steps: str) -> str:
    """A JSON pointer into the schema that reads, after the address of its document if it has one."""
    if isinstance(schema, Fact):
        return "#"
    return "/".join((f"{schema.base.partition('#')[0]}#{schema.pointer}", *steps))


def shown(value: Any) -> str:
    """A JSON value or a schema as bounded text."""
    if isinstance(value, Fact):
        return ""
    value = value.value if isinstance(value, Node) else value
    if isinstance(value, Decimal):
        return str(value)[: SNIPPET + 1]
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        text += piece[: SNIPPET + 1]
        if len(text) > SNIPPET:
            break
    return text


def limit(value: int | None) -> str:
    """A number, or that there is none."""
    return "without limit" if value is None else str(value)


def words(kinds: frozenset[str]) -> str:
    """Types as people write them."""
    if len(kinds) == 8:
        return "any type"
    names = sorted(kinds - NUMBERS)
    if kinds & NUMBERS:
        names.append("number" if "fraction" in kinds else "integer")
    return ", ".join(names) or "nothing"
