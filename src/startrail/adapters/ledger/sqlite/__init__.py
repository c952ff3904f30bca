"""The ledger in one SQLite file."""

from startrail.adapters.ledger.sqlite.ledger import SqliteLedger, open_ledger

__all__ = ["SqliteLedger", "open_ledger"]
