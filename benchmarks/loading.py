"""Loading NDJSON orders under a contract, beside DuckDB's plain typed conversion that checks nothing.

    python -m benchmarks loading [--rounds 3] [--quick]

Each measurement is a child process of its own; CPU seconds are user + system of that process, memory is its peak
resident size. Two files are loaded: one as promised, one in which every record from the 20,481st on has a field
that no contract knows (DuckDB's auto-detection loses such a field). Then a file of a tenth of the size, to show
that memory does not grow with the input.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import orders
from benchmarks.figures import Figure

GOAL_RATIO = 1.6
GOAL_MEMORY = 700_000_000
_NEVER = 1 << 60


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians of the rounds, in which the files take turns."""
    size = 20 if quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        promised, drifted, small = (Path(folder) / f"{name}.ndjson" for name in ("promised", "drifted", "small"))
        rows = orders.write(promised, size, new_field_from=_NEVER)
        drifted_rows = orders.write(drifted, size)
        orders.write(small, max(size // 10, 1), new_field_from=_NEVER)
        found: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, kind, file in (
                ("plain", "plain", promised),
                ("promised", "startrail", promised),
                ("drifted", "startrail", drifted),
            ):
                found.setdefault(name, []).append(_child(kind, file))
        little = _child("startrail", small)
    assert all(one["rows"] == rows for one in found["promised"])
    kept = {int(one["kept"]) for one in found["drifted"]}
    expected = drifted_rows - orders.NEW_FIELD_FROM + 1
    assert kept == {expected}, f"a field that appears late must be kept in {expected} rows, but is in {kept}"
    return _figures(f"loading {size} MB of NDJSON", found, little)


def _figures(named: str, found: dict[str, list[dict[str, float]]], little: dict[str, float]) -> list[Figure]:
    cpu = {name: median(one["cpu"] for one in each) for name, each in found.items()}
    memory = max(one["memory"] for name in ("promised", "drifted") for one in found[name]) / 1e6
    return [
        Figure(f"{named}: DuckDB's plain conversion", cpu["plain"]),
        Figure(f"{named}: under contract, as promised", cpu["promised"]),
        Figure(f"{named}: under contract, with a field that nobody knows", cpu["drifted"]),
        Figure(f"{named}: under contract, to plain", cpu["promised"] / cpu["plain"], "x", GOAL_RATIO),
        Figure(f"{named}: peak memory", memory, "MB", GOAL_MEMORY / 1e6),
        Figure(f"{named}: peak memory for a tenth of it", little["memory"] / 1e6, "MB"),
    ]


def _plain(file: Path) -> dict[str, float]:
    import duckdb

    types = (
        "{order_id: 'BIGINT', status: 'VARCHAR', placed_at: 'TIMESTAMPTZ', updated_at: 'TIMESTAMPTZ', delivery_day: 'DATE', "
        "store: 'INTEGER', currency: 'VARCHAR', total: 'DECIMAL(12,2)', tax: 'DECIMAL(12,2)', discount: 'DECIMAL(12,2)', "
        "weight_kg: 'DOUBLE', gift: 'BOOLEAN', note: 'VARCHAR', "
        "customer: 'STRUCT(id BIGINT, name VARCHAR, city VARCHAR, country VARCHAR)', "
        "items: 'STRUCT(sku VARCHAR, quantity INTEGER, unit_price DECIMAL(10,2))[]'}"
    )
    started, before = time.monotonic(), _cpu()
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(":memory:")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT * FROM read_json('{file}', columns = {types}, format = 'newline_delimited')) "
            f"TO '{folder}/plain.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
        )
    return _used(started, before)


def _startrail(file: Path) -> dict[str, float]:
    from startrail.adapters.loader import DuckdbLoader
    from startrail.adapters.store.local import LocalStore
    from startrail.base.span import Span
    from startrail.capabilities.contracts.load import load, raw_schema
    from startrail.model.delivery import Delivery
    from startrail.model.source import FolderFeed, Source

    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder) / "store")
        delivery = Delivery("d", "orders", file.name, "ab" * 32, file.stat().st_size, datetime.now(UTC), "ndjson", "r")
        landed = Path(folder) / "store" / delivery.key
        landed.parent.mkdir(parents=True)
        landed.hardlink_to(file) if file.stat().st_dev == Path(folder).stat().st_dev else landed.symlink_to(file)
        source = Source("orders", FolderFeed("."), Span(""), contract="orders", into="raw.orders", partition_by="placed_at")
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=2_000_000_000)
        started, before = time.monotonic(), _cpu()
        output = load(
            delivery, source, _contract(), loader=loader, store=store, schema=raw_schema(_contract()),
            folder="tables/raw/orders/data", name="k", emit=lambda _: None,
        )  # fmt: skip
        assert output.held is None, output.held
        assert output.counts is not None
        assert output.counts.quarantined == 0, output.note
        return {
            **_used(started, before), "rows": float(output.counts.loaded), "kept": float(output.kept.get("loyalty_tier", 0)),
        }  # fmt: skip


def _contract():
    from startrail.base.span import Span
    from startrail.model.contract import Contract, Field
    from startrail.model.types import parse_type

    def field(name: str, kind: str, **more: object) -> Field:
        return Field(name, parse_type(kind), **more)  # type: ignore[arg-type]

    return Contract(
        "orders",
        "1.0.0",
        (
            field("order_id", "long", required=True),
            field("status", "string", required=True, enum=("placed", "paid", "shipped", "returned")),
            field("placed_at", "timestamptz", required=True),
            field("updated_at", "timestamptz"),
            field("delivery_day", "date"),
            field("store", "int", required=True, minimum="1"),
            field("currency", "string", required=True, min_length=3, max_length=3),
            field("total", "decimal(12,2)", required=True, minimum="0"),
            field("tax", "decimal(12,2)"),
            field("discount", "decimal(12,2)"),
            field("weight_kg", "double"),
            field("gift", "boolean"),
            field("note", "string"),
            field("customer", "struct<id: long, name: string, city: string, country: string>", required=True),
            field("items", "list<struct<sku: string, quantity: int, unit_price: decimal(10,2)>>", required=True),
        ),
        Span(""),
        primary_key=("order_id",),
    )


_CHILDREN = {"plain": _plain, "startrail": _startrail}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _used(started: float, before: float) -> dict[str, float]:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"cpu": _cpu() - before, "wall": time.monotonic() - started, "memory": float(memory)}


def _child(kind: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loading", kind, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](Path(sys.argv[2]))))
