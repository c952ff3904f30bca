"""Identifiers: content digests, fingerprints, run ids."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime


def digest(data: bytes) -> str:
    """SHA-256 of bytes as 64 hex digits: the address of content."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(*parts: str | Iterable[str]) -> str:
    """32 hex digits that change when any part, or the order or the borders of parts, change."""
    pieces: list[bytes] = []
    for part in parts:
        items = (part,) if isinstance(part, str) else tuple(part)
        pieces.append(len(items).to_bytes(4, "big"))
        for item in items:
            data = item.encode()
            pieces += (len(data).to_bytes(8, "big"), data)
    return hashlib.sha256(b"".join(pieces)).hexdigest()[:32]


def new_run_id(now: datetime) -> str:
    """A run id that sorts by start time: ``20261003T055900-1f9c2b04d7``.

    Thousands of runs may begin in one second when a scheduler catches up under a pretended time: 40 bits keep them apart.
    """
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{token(5)}"


def token(size: int) -> str:
    """Fresh random bytes as hex digits, for names that must not meet. (``secrets`` would cost a command 3 ms.)"""
    return os.urandom(size).hex()
