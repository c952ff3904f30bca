"""Values as YAML text that readers of version 1.1 and 1.2 read alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from startrail.project.yaml import parse

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*|[0-9]+(?:\.[0-9]+){2,}")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"])
_LONGEST = 88


class Verbatim(msgspec.Struct, frozen=True):
    """A number or boolean as it is to be written: ``0.10`` stays ``0.10``."""

    text: str


Yaml = str | int | bool | Verbatim | None | Sequence["Yaml"] | Mapping[str, "Yaml"]
"""A value to write."""


def meaning(value: Any) -> Any:
    """What a reader makes of the value."""
    if isinstance(value, Verbatim):
        return parse(value.text, "").value
    if isinstance(value, Mapping):
        return {key: meaning(child) for key, child in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [meaning(child) for child in value]
    return value


def scalar(value: Any, quote: str = "") -> str:
    """A single value; text plainly where nothing could be mistaken, unless the one it replaces stood in quotes."""
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value)
    if not quote and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    escaped = re.sub(r"\{(?=[{%])", r"\\x7b", json.dumps(value, ensure_ascii=False))
    return "".join(char if char.isprintable() else _escape(char) for char in escaped)


def flow(value: Yaml) -> str:
    """Any value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(entries: Mapping[str, Yaml], pad: str) -> list[str]:
    """The lines of a mapping, each entry on its own; small collections in the flow."""
    lines: list[str] = []
    for key, value in entries.items():
        head = f"{pad}{scalar(key)}:"
        if _small(value):
            lines.append(f"{head} {flow(value)}")
        elif isinstance(value, Mapping):
            lines += [head, *block(value, pad + "  ")]
        else:
            assert isinstance(value, Sequence), "what is not small is a collection"
            lines.append(head)
            for item in value:
                lines += fresh(item, pad + "  ", in_flow=_small(item))
    return lines


def fresh(value: Yaml, pad: str, *, in_flow: bool) -> list[str]:
    """The lines of one item of a list, with its dash."""
    if in_flow or not isinstance(value, Mapping) or not value:
        return [f"{pad}- {flow(value)}"]
    first, *others = block(value, pad + "  ")
    return [f"{pad}- {first.lstrip()}", *others]


def _small(value: Yaml) -> bool:
    """True for what is short, and no list of mappings."""
    if isinstance(value, Mapping):
        return all(not _collection(child) or _bare(child) for child in value.values()) and len(flow(value)) <= _LONGEST
    return not _collection(value) or (_bare(value) and len(flow(value)) <= _LONGEST)


def _bare(value: Yaml) -> bool:
    """True for a list of single values."""
    return isinstance(value, Sequence) and not isinstance(value, str) and not any(map(_collection, value))


def _collection(value: Any) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, str)


def _escape(char: str) -> str:
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
