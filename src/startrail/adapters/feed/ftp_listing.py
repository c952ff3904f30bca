"""What FTP servers say about their files: MLSD facts (RFC 3659) and the two customary forms of LIST."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

_UNIX = re.compile(r"([-dl])[-rwxsStT]{9}\S*\s+\d+\s+\S+\s+\S+\s+(\d{1,18})\s+(\w{3}\s+\d{1,2}\s+[\d:]{4,5}) (.+)")
_DOS = re.compile(r"(\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:AM|PM)?)\s+(<DIR>|\d{1,18})\s+(.+)")


class Item(msgspec.Struct, frozen=True):
    """``modified`` is the server's text, which :func:`time_of` reads when it is a time of RFC 3659."""

    name: str
    is_folder: bool
    size: int | None
    modified: str
    is_link: bool = False


def from_mlsd(line: str) -> Item | None:
    """None for what is neither a file nor a folder below, and for what is no MLSD line."""
    facts_text, space, name = line.partition(" ")
    if not space or not name or not facts_text.endswith(";"):
        return None
    pairs = (fact.lower().partition("=") for fact in facts_text[:-1].split(";"))
    facts = {fact: value for fact, _, value in pairs}
    kind = facts.get("type", "")
    if kind not in ("file", "dir") or name in (".", ".."):
        return None
    size = facts.get("size", "")
    return Item(name, kind == "dir", int(size) if re.fullmatch(r"[0-9]{1,18}", size) else None, facts.get("modify", ""))


def from_list_line(line: str) -> Item | None:
    """A line in the form of ``ls -l`` or of DOS ``dir``; None when it is neither. Links are taken for files."""
    if match := _UNIX.fullmatch(line):
        kind, size, modified, name = match.groups()
        name = name.partition(" -> ")[0] if kind == "l" else name
        return None if name in (".", "..") else Item(name, kind == "d", None if kind == "l" else int(size), modified, kind == "l")
    if match := _DOS.fullmatch(line):
        modified, size, name = match.groups()
        return Item(name, size == "<DIR>", None if size == "<DIR>" else int(size), modified)
    return None


def time_of(modified: str) -> datetime | None:
    """A time of RFC 3659: ``20261003055900``, with or without a fraction, always UTC. None for other text."""
    match = re.fullmatch(r"(\d{14})(?:\.\d+)?", modified)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
