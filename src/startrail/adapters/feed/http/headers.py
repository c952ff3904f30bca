"""What the headers of an answer say of its content, and what is sent to be spared the same again (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def stamp_of(headers: Mapping[str, str]) -> str:
    """Equal when the content is; "" when the server says nothing of it."""
    for name in ("ETag", "Last-Modified"):
        if value := headers.get(name):
            return f"{name}: {value}"
    return ""


def conditions(stamp: str) -> dict[str, str]:
    """Request headers that spare us an answer which has not changed."""
    name, _, value = stamp.partition(": ")
    header = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}.get(name)
    return {header: value} if header else {}


def length_of(headers: Mapping[str, str]) -> int | None:
    """In bytes, as they will be read; None where it is not known."""
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and "Content-Encoding" not in headers else None


def time_of(headers: Mapping[str, str]) -> datetime | None:
    """When the content last changed, by the server's clock."""
    text = headers.get("Last-Modified")
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
