"""One load, or one plain conversion, in a process of its own: its CPU seconds, wall time and peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from startrail.model.contract import Contract, Field
    from startrail.model.step import StepOutput

Measured = dict[str, Any]
"""What a child prints: ``cpu`` (user and system) and ``wall`` in seconds, peak ``memory`` in bytes, and more of its own."""


def child(module: str, *words: str | Path) -> Measured:
    """What ``python -m module words`` printed last, as JSON."""
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def plainly(rows: str) -> Measured:
    """DuckDB writes the rows of a query as Parquet, and checks nothing."""
    import duckdb

    started, before = time.monotonic(), _cpu()
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(":memory:")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({rows}) TO '{folder}/plain.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)")
    return _used(started, before)


def under_contract(file: Path, media: str, contract: Contract, reader: str = "auto") -> tuple[Measured, StepOutput]:
    """Load a file as a run would load a delivery of orders."""
    from startrail.adapters.loader import DuckdbLoader
    from startrail.adapters.store.local import LocalStore
    from startrail.base.span import Span
    from startrail.capabilities.contracts.load import load, raw_schema
    from startrail.model.delivery import Delivery
    from startrail.model.source import FolderFeed, Source

    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        store = LocalStore(Path(folder) / "store")
        delivery = Delivery("d", "orders", file.name, "ab" * 32, file.stat().st_size, datetime.now(UTC), media, "r")
        landed = Path(folder) / "store" / delivery.key
        landed.parent.mkdir(parents=True)
        landed.hardlink_to(file)
        source = Source("orders", FolderFeed("."), Span(""), contract="orders", into="raw.orders", partition_by="placed_at")
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=2_000_000_000, reader=reader)
        started, before = time.monotonic(), _cpu()
        output = load(
            delivery, source, contract, loader=loader, store=store, schema=raw_schema(contract),
            folder="tables/raw/orders/data", name="k", emit=lambda _: None,
        )  # fmt: skip
        assert output.held is None, output.held
        assert output.counts is not None
        told = {"loaded": output.counts.loaded, "quarantined": output.counts.quarantined}
        return {**_used(started, before), **told}, output


def orders_contract(*fields: Field) -> Contract:
    """Of orders with these fields."""
    from startrail.base.span import Span
    from startrail.model.contract import Contract

    return Contract("orders", "1.0.0", fields, Span(""), primary_key=("order_id",))


def order_fields(*, discount: bool = False) -> tuple[Field, ...]:
    """What flat and nested orders have in common, in their order."""
    return (
        field("order_id", "long", required=True),
        field("status", "string", required=True, enum=("placed", "paid", "shipped", "returned")),
        field("placed_at", "timestamptz", required=True),
        field("updated_at", "timestamptz"),
        field("delivery_day", "date"),
        field("store", "int", required=True, minimum="1"),
        field("currency", "string", required=True, min_length=3, max_length=3),
        field("total", "decimal(12,2)", required=True, minimum="0"),
        field("tax", "decimal(12,2)"),
        *((field("discount", "decimal(12,2)"),) if discount else ()),
        field("weight_kg", "double"),
        field("gift", "boolean"),
        field("note", "string"),
    )


def field(name: str, kind: str, **more: object) -> Field:
    """A field whose type is written as in a contract."""
    from startrail.model.contract import Field
    from startrail.model.types import parse_type

    return Field(name, parse_type(kind), **more)  # type: ignore[arg-type]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _used(started: float, before: float) -> Measured:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"cpu": _cpu() - before, "wall": time.monotonic() - started, "memory": float(memory)}
