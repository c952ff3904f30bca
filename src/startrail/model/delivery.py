"""Deliveries: bytes that arrived, and what became of their rows."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """One landed file or page. ``id`` is derived from source and content: the same bytes are one delivery, unless their
    names say different things."""

    id: str
    source: str
    name: str
    """As the feed named it, sanitised; never used as a path."""
    sha256: str
    size: int
    landed_at: datetime
    media: str
    """``csv``, ``ndjson``, ``json``, ``parquet`` or ``avro``, with ``+gzip`` or ``+zstd`` when compressed; ``zip`` or
    ``tar`` for an archive."""
    run: str
    source_time: datetime | None = None
    cursor: str | None = None
    """Greatest cursor value in these bytes, for a feed that continues from it."""
    parent: str | None = None
    """Id of the archive that they came in."""

    @property
    def key(self) -> str:
        """Where its bytes lie in the store."""
        return f"landing/{self.sha256[:2]}/{self.sha256}"


class Counts(msgspec.Struct, frozen=True):
    """The disposition of a delivery's rows. Conservation: ``rows_in`` is the sum of the others."""

    rows_in: int = 0
    loaded: int = 0
    quarantined: int = 0
    held: int = 0
    discarded: int = 0

    def conserved(self) -> bool:
        return self.rows_in == self.loaded + self.quarantined + self.held + self.discarded

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.rows_in + other.rows_in,
            self.loaded + other.loaded,
            self.quarantined + other.quarantined,
            self.held + other.held,
            self.discarded + other.discarded,
        )
