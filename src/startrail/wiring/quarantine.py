"""Which adapter reads quarantined rows."""

from __future__ import annotations

from startrail.ports.quarantine import QuarantineFiles
from startrail.ports.store import Store


def quarantine_files(store: Store) -> QuarantineFiles:
    """The reader of quarantined rows."""
    from startrail.adapters.loader.quarantine_file import ParquetQuarantine

    return ParquetQuarantine(store)
