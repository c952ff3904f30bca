"""Public fakes of the ports, for unit tests of ours and of users; imported on first use.

The ledger is the real one in memory: a second implementation would only prove itself. A warehouse and a loader
have no fake, because the embedded engine starts in milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from startrail.testing.alerts import AlertServer
    from startrail.testing.clock import ManualClock
    from startrail.testing.feed import MemoryFeed
    from startrail.testing.ledger import memory_ledger
    from startrail.testing.store import MemoryStore
    from startrail.testing.tables import MemoryTables
    from startrail.testing.upstream import Upstream

_HOMES = {
    "AlertServer": "alerts",
    "ManualClock": "clock",
    "MemoryFeed": "feed",
    "MemoryStore": "store",
    "MemoryTables": "tables",
    "Upstream": "upstream",
    "memory_ledger": "ledger",
}

__all__ = ["AlertServer", "ManualClock", "MemoryFeed", "MemoryStore", "MemoryTables", "Upstream", "memory_ledger"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'startrail.testing' has no attribute '{name}'")
    return getattr(import_module(f"startrail.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
