"""Loading flat orders as CSV, Parquet and compressed NDJSON under a contract, beside DuckDB's plain typed conversion.

    python -m benchmarks formats [--rounds 3] [--size 200] [--quick]

Each format comes clean and with one row in a hundred that breaks the contract in one of ten ways; what is found must be
what was made, kind by kind. Each measurement is a child process; ``--size`` is about the megabytes of the CSV file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import flat_orders
from benchmarks.figures import Figure
from benchmarks.loading import GOAL_MEMORY, _cpu, _used

GOAL_CSV = 1.3
_BYTES_A_ROW = 122
_READERS = {
    "csv": "read_csv('{file}', columns = {types}, header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false)",
    "ndjson.gz": "read_json('{file}', columns = {types}, format = 'newline_delimited')",
    "parquet": "read_parquet('{file}')",
}


def figures(rounds: int = 3, *, quick: bool = False, size: int = 200) -> list[Figure]:
    """Medians of the rounds, in which the files take turns."""
    count = 20_000 if quick else size * 1_000_000 // _BYTES_A_ROW
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for ending, (media, write) in flat_orders.WRITERS.items():
            clean, dirty = Path(folder) / f"clean.{ending}", Path(folder) / f"dirty.{ending}"
            write(clean, count, 0.0)
            truth = write(dirty, count, 0.01)
            found += _measured(rounds, ending, media, clean, dirty, truth, count)
            clean.unlink()
            dirty.unlink()
    return found


def _measured(
    rounds: int, ending: str, media: str, clean: Path, dirty: Path, truth: flat_orders.Truth, count: int
) -> list[Figure]:
    each: dict[str, list[dict[str, Any]]] = {"plain": [], "clean": [], "dirty": []}
    for _ in range(rounds):
        each["plain"].append(_child("plain", ending, clean))
        each["clean"].append(_child("startrail", media, clean))
        each["dirty"].append(_child("startrail", media, dirty))
    assert all(one["loaded"] == count for one in each["clean"])
    for one in each["dirty"]:
        seen = Counter({(kind, path): rows for kind, path, rows in one["drift"]})
        assert seen == truth, f"made {sorted(truth.items())}, found {sorted(seen.items())}"
        assert one["loaded"] + one["quarantined"] == count
        assert one["quarantined"] == truth.total()
    cpu = {name: median(one["cpu"] for one in found) for name, found in each.items()}
    named = f"loading {clean.stat().st_size // 1_000_000} MB of {ending}"
    memory = max(one["memory"] for name in ("clean", "dirty") for one in each[name]) / 1e6
    return [
        Figure(f"{named}: DuckDB's plain conversion", cpu["plain"]),
        Figure(f"{named}: under contract, to plain", cpu["clean"] / cpu["plain"], "x", GOAL_CSV if ending == "csv" else None),
        Figure(f"{named}: under contract, 1 % of the rows broken in ten ways, to plain", cpu["dirty"] / cpu["plain"], "x"),
        Figure(f"{named}: peak memory", memory, "MB", GOAL_MEMORY / 1e6),
    ]


def _plain(ending: str, file: Path) -> dict[str, Any]:
    import duckdb

    reader = _READERS[ending].format(file=file, types=flat_orders.TYPES)
    started, before = time.monotonic(), _cpu()
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(":memory:")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT * FROM {reader}) TO '{folder}/plain.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
        )
    return _used(started, before)


def _startrail(media: str, file: Path) -> dict[str, Any]:
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
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=2_000_000_000)
        started, before = time.monotonic(), _cpu()
        output = load(
            delivery, source, _contract(), loader=loader, store=store, schema=raw_schema(_contract()),
            folder="tables/raw/orders/data", name="k", emit=lambda _: None,
        )  # fmt: skip
        assert output.held is None, output.held
        assert "careful" not in output.note, output.note
        assert output.counts is not None
        drift = [[each.kind, each.path, each.rows] for each in output.drift]
        return {
            **_used(started, before), "loaded": output.counts.loaded, "quarantined": output.counts.quarantined, "drift": drift,
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
            field("weight_kg", "double"),
            field("gift", "boolean"),
            field("note", "string"),
        ),
        Span(""),
        primary_key=("order_id",),
    )


def _child(kind: str, form: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.formats", kind, form, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


_CHILDREN = {"plain": _plain, "startrail": _startrail}


if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))))
