"""A ledger for tests: the real SQLite one, in memory. It is as quick as a fake and cannot disagree with the real one."""

from __future__ import annotations

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.ports.ledger import Ledger


def memory_ledger() -> Ledger:
    """An empty ledger that goes with the process."""
    return open_ledger(":memory:")
