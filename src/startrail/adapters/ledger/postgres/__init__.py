"""The ledger in a schema of a PostgreSQL database, for a team."""

from startrail.adapters.ledger.postgres.ledger import PostgresLedger, open_ledger

__all__ = ["PostgresLedger", "open_ledger"]
