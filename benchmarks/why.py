"""What it costs to explain a gap: six slots that all matter, at three sizes, in a process of its own each.

    python -m benchmarks why [--quick]

Seconds by the wall and of the processors, and the peak of memory: of both numbers, the attribution with segments, and the
check that nothing is left. A hundred million rows are a straight line through the sizes.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure

ROWS = (1_000_000, 3_000_000, 10_000_000)
FAR = 100_000_000
_COLUMNS = {
    "order_id": "long", "ordered_at": "timestamptz", "invoiced_at": "timestamptz", "status": "string", "is_test": "boolean",
    "amount": "decimal(18,2)", "refunded": "decimal(18,2)", "country": "string", "channel": "string",
}  # fmt: skip
_TABLE = """
select i as order_id,
  timestamptz '2026-09-20 00:00+00' + to_seconds((i * 7919) % 4320000) as ordered_at,
  timestamptz '2026-09-22 00:00+00' + to_seconds((i * 7907) % 4320000) as invoiced_at,
  ['paid', 'shipped', 'new', 'paid'][1 + i % 4] as status,
  i % 97 = 0 as is_test,
  cast((i * 31) % 50000 / 100 as decimal(18, 2)) as amount,
  case when i % 13 = 0 then cast((i * 17) % 900 / 100 as decimal(18, 2)) end as refunded,
  ['ES', 'FR', 'DE', 'PT', 'IT'][1 + i % 5] as country, ['web', 'shop', 'app'][1 + i % 3] as channel
from range({start}, {end}) as t(i)
"""


def figures(_rounds: int = 1, *, quick: bool = False) -> list[Figure]:
    """One round per size: the sizes are what is compared."""
    found: list[Figure] = []
    points: list[tuple[int, float]] = []
    for rows in (20_000,) if quick else ROWS:
        folder = tempfile.mkdtemp()
        try:
            command = [sys.executable, "-m", "benchmarks.why", folder, str(rows)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        finally:
            shutil.rmtree(folder)
        goal = rows == ROWS[-1]
        name = f"why: {rows:,} rows, {told['causes']} slots"
        found.append(Figure(name, told["seconds"], "s", goal=30 if goal else None))
        found.append(Figure(name, told["processor"]))
        points.append((rows, told["processor"]))
        found.append(Figure(f"{name}, memory", told["megabytes"], "MB", goal=4000 if goal else None))
        found.append(Figure(f"{name}, unexplained", told["unexplained"], "", goal=0))
    if len(points) > 1:
        found.append(Figure(f"why: {FAR:,} rows, extrapolated", _line(points, FAR)))
    return found


def _line(points: list[tuple[int, float]], at: int) -> float:
    """The straight line that lies closest to some points."""
    mean_x, mean_y = (sum(each) / len(points) for each in zip(*points, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return mean_y + slope * (at - mean_x)


def one(folder: Path, rows: int) -> dict[str, float]:
    """Make the table, then explain; only the latter is measured in time."""
    import msgspec

    from startrail.adapters.store.local import LocalStore
    from startrail.adapters.warehouse.duckdb import DuckdbWarehouse
    from startrail.capabilities.metrics.period import parse_period
    from startrail.capabilities.metrics.tables import Pinned
    from startrail.model.metric import Filter, Metric, TimeDimension
    from startrail.model.table import Column, Relation, TableSchema
    from startrail.model.types import parse_type
    from startrail.ports.warehouse import Query
    from startrail.wiring.why import gap_between, side

    warehouse = DuckdbWarehouse(LocalStore(folder / "store"), folder / "scratch", memory=2_000_000_000, threads=2)
    columns = TableSchema(tuple(Column(name, parse_type(kind), id) for id, (name, kind) in enumerate(_COLUMNS.items(), 1)))
    step, files = 1_000_000, []
    for start in range(0, rows, step):
        sql = _TABLE.format(start=start, end=min(rows, start + step))
        files += warehouse.build(Query(sql), columns, "tables/orders", f"part-{start}", "all")
    pinned, period = Pinned((Relation("marts.orders", columns, tuple(files)),)), parse_period("2026-10")
    a = Metric(
        "finance.net", source="marts.orders", grain="order_id", expr="amount - coalesce(refunded, 0)",
        dimensions=("country", "channel"),
        agg_time_dimension=TimeDimension("invoiced_at", timezone="Europe/Madrid"),
        filters=(Filter("paid", "status in ('paid', 'shipped')"), Filter("no_test", "not is_test")),
    )  # fmt: skip
    b = msgspec.structs.replace(
        a, name="marketing.gross", expr="amount", filters=(Filter("paid", "status = 'paid'"),),
        agg_time_dimension=TimeDimension("ordered_at", timezone="UTC", bounds="[]"),
    )  # fmt: skip
    started, before = time.monotonic(), time.process_time()
    gap = gap_between(side(a, period, pinned, warehouse), side(b, period, pinned, warehouse), period, warehouse)
    seconds, processor = time.monotonic() - started, time.process_time() - before
    warehouse.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {
        "seconds": seconds, "processor": processor, "megabytes": memory, "causes": len(gap.lines),
        "unexplained": float(gap.unexplained),
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(one(Path(sys.argv[1]), int(sys.argv[2]))))
