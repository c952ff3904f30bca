"""The files that quarantined rows lie in: one Parquet file for each load that refused some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from startrail.ports.loader import Violation


class Refusal(msgspec.Struct, frozen=True):
    """One quarantined record: its number in the delivery, what stood there, and all that is wrong with it."""

    ordinal: int
    raw: str
    violations: tuple[Violation, ...]


class Tally(msgspec.Struct, frozen=True):
    """How many records break one rule at one path (``$.items[].price`` for all items), with one example of a value."""

    rule: str
    path: str
    rows: int
    sample: str


class Part(msgspec.Struct, frozen=True):
    """The rows of one delivery to export: those of the file without the given ordinals."""

    source: str
    delivery: str
    name: str
    key: str
    without: frozenset[int] = frozenset()


class QuarantineFiles(Protocol):
    """``file`` is a key of the store, or a file of this machine. Raises ResourceError for a file that cannot be read."""

    def ordinals(self, file: str | Path) -> list[int]:
        """In order."""
        ...

    def tally(self, file: str | Path, without: frozenset[int] = frozenset()) -> list[Tally]:
        """The most frequent first."""
        ...

    def rows(
        self, file: str | Path, *, rule: str | None = None, without: frozenset[int] = frozenset(), limit: int = 20
    ) -> list[Refusal]:
        """In order of ordinals; ``rule``: only records that break it."""
        ...

    def export(self, parts: Sequence[Part], path: Path, form: Literal["csv", "json", "parquet"]) -> int:
        """Write all rows to one file of this machine; returns their number."""
        ...
