"""Which adapter reads sample files, how a published table becomes a sample, and how a file is loaded on trial."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from startrail.model.contract import Contract
from startrail.model.packing import packing
from startrail.model.table import TableSchema
from startrail.model.types import ListOf, MapOf, Primitive, StructOf
from startrail.ports.exchange import ColumnFacts, SampleForm, Samples
from startrail.ports.loader import LoadOutcome, LoadTask
from startrail.wiring import Opened

_MEMORY = 320_000_000


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


@contextmanager
def trial(path: Path, form: SampleForm, contract: Contract) -> Iterator[LoadOutcome]:
    """What loading would make of a file under a contract, by the very loader of a run, in a folder that is gone after.

    Raises SampleUnreadable and UnknownSample for a file that is not there, and what loaders raise.
    """
    from startrail.adapters.loader import DuckdbLoader
    from startrail.adapters.store.local import LocalStore
    from startrail.adapters.tables.iceberg import IcebergTables
    from startrail.capabilities.contracts.judge import RecordJudge
    from startrail.capabilities.contracts.load import raw_schema

    format = samples().format_of(path, form)
    with tempfile.TemporaryDirectory(prefix="startrail-") as folder, path.open("rb") as file:
        media = format + packing(file.read(4))
        file.seek(0)
        store = LocalStore(Path(folder) / "store")
        store.put("landing/trial", iter(partial(file.read, 1 << 20), b""))
        schema = IcebergTables(store).assign(raw_schema(contract), None)
        task = LoadTask("trial", "landing/trial", media, contract, schema, dialect=form.dialect, records=form.records)
        textual = format == "csv"
        judge = RecordJudge(contract, null_words=form.dialect.null_words if textual else (), textual=textual)
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=_MEMORY, threads=1)
        with loader.load(task, judge, lambda *_: None) as outcome:
            yield outcome
