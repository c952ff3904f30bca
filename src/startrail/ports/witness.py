"""A second pair of eyes: landed bytes read with no part of the loader, so that the two can be held against each other."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from startrail.model.contract import Contract
from startrail.model.source import Dialect


class CannotWitness(Exception):
    """The bytes cannot be read in this second way; the message says why, for people."""


class Witness(Protocol):
    """Slow and plain."""

    def records(self, key: str, media: str, contract: Contract, dialect: Dialect, path: str) -> Generator[bytes | None]:
        """Every record of the delivery with this store key, in order, as JSON for the judge; None for one that is broken.
        ``path`` is the JSON path of a document's records. Close it when it is not read to its end. Raises CannotWitness."""
        ...
