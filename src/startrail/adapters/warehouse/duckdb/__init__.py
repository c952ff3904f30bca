"""The embedded engine: DuckDB, one in-process database, locked down."""

from startrail.adapters.warehouse.duckdb.warehouse import DuckdbWarehouse

__all__ = ["DuckdbWarehouse"]
