"""Which adapter reads sample files, and how a published table becomes a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from startrail.model.table import TableSchema
from startrail.model.types import ListOf, MapOf, Primitive, StructOf
from startrail.ports.exchange import ColumnFacts, Samples
from startrail.wiring import Opened


def samples() -> Samples:
    """The reader of sample files."""
    from startrail.adapters.exchange import FileSamples

    return FileSamples()


def table_sample(name: str, opened: Opened) -> tuple[TableSchema, tuple[ColumnFacts, ...]]:
    """A published table's schema, and what its values show. Raises UnknownTable."""
    from startrail.adapters.exchange.facts import column_facts
    from startrail.flow.read import published
    from startrail.flow.workspace import Workspace
    from startrail.ports.loader import OWN_COLUMNS

    ports = opened.ports
    warehouse = ports.warehouse()
    workspace = Workspace(ports.ledger, ports.tables)

    def run(sql: str) -> Sequence[Sequence[Any]]:
        return warehouse.fetch(published(sql, workspace, ports.ledger, ports.tables()), 100).rows

    source = f"FROM {warehouse.quote(name)}"
    schema = warehouse.describe(published(f"SELECT * {source}", workspace, ports.ledger, ports.tables()))
    columns = [column for column in schema.columns if column.name not in OWN_COLUMNS]
    nested = {column.name for column in columns if isinstance(column.type, (ListOf, MapOf, StructOf))}
    texts = {column.name for column in columns if column.type == Primitive("string")}
    facts = column_facts([column.name for column in columns], nested, texts, source, warehouse.quote, run)
    return schema, facts
