"""Text as a YAML scalar that every reader, of version 1.1 or 1.2, reads as that text."""

from __future__ import annotations

import json
import re

from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.errors import NotWritable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_][A-Za-z0-9_./,;()'-]*)*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def scalar(text: str) -> str:
    """The text plainly where nothing could be mistaken, else in double quotes. Raises NotWritable (ST374)."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """The text in double quotes, with everything escaped that a person would not see or a reader would refuse."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotWritable(
            f"'{printable(text, 60)}' is not text: it holds half a character", hint="mend the name or value"
        ) from None
    escaped = json.dumps(text, ensure_ascii=False)
    escaped = _without_templates(escaped)
    return "".join(char if char.isprintable() else _escape(char) for char in escaped)


def number(text: str) -> str:
    """A number as written where YAML has it so, else as text in quotes."""
    return text if _NUMBER.fullmatch(text) and len(text) < 400 else quoted(text)


def flow(texts: tuple[str, ...]) -> str:
    """A list of texts on one line."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def comment(text: str) -> str:
    """A comment on one line."""
    return "# " + _without_templates(printable(text, 400))


def _without_templates(text: str) -> str:
    """Marks of templates, which no reader of declarations lets pass, in another spelling."""
    return re.sub(r"\{(?=[{%])", r"\\x7b", text)


def _escape(char: str) -> str:
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
