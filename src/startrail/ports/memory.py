"""Where derived values are remembered between commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Memory(Protocol):
    """Values that may be lost at any time, because they can be computed again; every ledger is one."""

    def cached(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the keys that are known."""
        ...

    def cache(self, kind: str, values: dict[str, bytes]) -> None:
        """Remember, or not."""
        ...
