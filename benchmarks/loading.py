"""Loading NDJSON orders under a contract, beside DuckDB's plain typed conversion that checks nothing.

    python -m benchmarks loading [--rounds 3] [--quick]

Both readers are measured, the native one where it is built. Each measurement is a child process of its own; CPU
seconds are user + system of that process, memory is its peak resident size. Three files are loaded: one as promised,
one in which every record from the 20,481st on has a field that no contract knows (DuckDB's auto-detection loses such
a field), and the first with one record in a hundred broken in ten ways. Then a file of a tenth of the size, to show
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
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import orders
from benchmarks.figures import Figure

GOAL_RATIO = 1.6
GOAL_NATIVE = 1.05
GOAL_NATIVE_WALL = 1.1
GOAL_MEMORY = 700_000_000
_NEVER = 1 << 60


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians of the rounds, in which the files take turns."""
    size = 20 if quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        promised, drifted, mixed, small = (Path(folder) / f"{name}.ndjson" for name in ("promised", "drifted", "mixed", "small"))
        rows = orders.write(promised, size, new_field_from=_NEVER)
        drifted_rows = orders.write(drifted, size)
        broken = orders.refused(orders.spoil(promised, mixed))
        orders.write(small, max(size // 10, 1), new_field_from=_NEVER)
        found: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            found.setdefault("plain", []).append(_child("plain", promised))
            for reader in _readers():
                for name, file in (("promised", promised), ("drifted", drifted), ("mixed", mixed)):
                    found.setdefault(f"{name}, {reader}", []).append(_child(reader, file))
        little = _child("msgspec", small)
    each = {
        name: [one for reader in _readers() for one in found[f"{name}, {reader}"]] for name in ("promised", "drifted", "mixed")
    }
    assert all((one["rows"], one["refused"]) == (rows, 0) for one in each["promised"])
    assert all((one["rows"], one["refused"]) == (rows - broken, broken) for one in each["mixed"])
    kept = {int(one["kept"]) for one in each["drifted"]}
    expected = drifted_rows - orders.NEW_FIELD_FROM + 1
    assert kept == {expected}, f"a field that appears late must be kept in {expected} rows, but is in {kept}"
    return _figures(f"loading {size} MB of NDJSON", found, little)


def _readers() -> tuple[str, ...]:
    from startrail.adapters.loader.native_library import choose

    return ("msgspec",) if choose("auto").library is None else ("msgspec", "native")


def _figures(named: str, found: dict[str, list[dict[str, float]]], little: dict[str, float]) -> list[Figure]:
    cpu = {name: median(one["cpu"] for one in each) for name, each in found.items()}
    wall = {name: median(one["wall"] for one in each) for name, each in found.items()}
    made = [Figure(f"{named}: DuckDB's plain conversion", cpu["plain"])]
    for reader in _readers():
        goal = GOAL_NATIVE if reader == "native" else GOAL_RATIO
        for name, told in (("promised", "as promised"), ("drifted", "a field that nobody knows"), ("mixed", "1 % broken")):
            place = f"{name}, {reader}"
            made.append(Figure(f"{named}: {reader}, {told}", cpu[place]))
            made.append(
                Figure(
                    f"{named}: {reader}, {told}, to plain", cpu[place] / cpu["plain"], "x", goal if name == "promised" else None
                )
            )
        if reader == "native":
            ratio = wall["promised, native"] / wall["plain"]
            made.append(Figure(f"{named}: native, as promised, wall to plain", ratio, "x", GOAL_NATIVE_WALL))
        memory = max(one["memory"] for name, each in found.items() if name.endswith(reader) for one in each) / 1e6
        made.append(Figure(f"{named}: {reader}, peak memory", memory, "MB", GOAL_MEMORY / 1e6))
    return [*made, Figure(f"{named}: peak memory for a tenth of it", little["memory"] / 1e6, "MB")]


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


def _startrail(file: Path, reader: str) -> dict[str, float]:
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
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=2_000_000_000, reader=reader)
        started, before = time.monotonic(), _cpu()
        output = load(
            delivery, source, _contract(), loader=loader, store=store, schema=raw_schema(_contract()),
            folder="tables/raw/orders/data", name="k", emit=lambda _: None,
        )  # fmt: skip
        assert output.held is None, output.held
        assert output.counts is not None
        return {
            **_used(started, before), "rows": float(output.counts.loaded), "kept": float(output.kept.get("loyalty_tier", 0)),
            "refused": float(output.counts.quarantined),
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


_CHILDREN = {"plain": _plain, "msgspec": partial(_startrail, reader="msgspec"), "native": partial(_startrail, reader="native")}


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
