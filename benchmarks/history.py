"""Plan on history: NDJSON orders landed for some days, then one field made mandatory.

    python -m benchmarks history [--rounds 3] [--quick]
    python -m benchmarks.history --days 30 --rows 1000000

The deliveries are landed and loaded first, which is not measured. Then ``startrail plan`` replays them under a contract
in which ``phone``, which two of a hundred records lack, is required: by the one field that changed, with nothing kept
from before; once more with all results kept; and (``--full``) by reading every field of one delivery. Wall time is what
a person waits; the goal is for 30 days of a million rows on 2 cores, and the figure is scaled to that size by rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec
from benchmarks import orders, processes
from benchmarks.figures import Figure, table
from benchmarks.loading import contract
from benchmarks.measuring import field

GOAL_SECONDS = 60.0
GOAL_ROWS = 30_000_000
_LACKING = 50
"""One record in so many has no phone."""


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians of the rounds."""
    return measured(5 if quick else 10, 2_000 if quick else 200_000, rounds)


def measured(days: int, rows: int, rounds: int) -> list[Figure]:
    """So many deliveries of so many rows each."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        _project(root, days, rows)
        processes.output([*processes.STARTRAIL, "run", "-C", root])
        shutil.rmtree(root / "in")
        _declare(root, required=True)
        found = [_plan(root, keep=False) for _ in range(rounds)]
        kept = _plan(root, keep=True)
        full = _plan(root, "--full", keep=False) if rows <= 200_000 else None
        expected = days * (rows // _LACKING)
        for told in (found[0], kept, *([] if full is None else [full])):
            assert told["refused"] == expected, f"{told['refused']} rows would be refused, where {expected} lack a phone"
    wall, cpu = (median(each[what] for each in found) for what in ("wall", "cpu"))
    what = f"plan on {days} days of {rows:,} rows, one field"
    more = [Figure(f"{what}: by reading every field", full["wall"], "s")] if full else []
    return [
        Figure(what, wall, "s"),
        Figure(what, cpu),
        Figure(f"{what}: rows a second", days * rows / wall, "rows/s"),
        Figure("the same for 30 days of 1,000,000 rows, by rows", wall * GOAL_ROWS / (days * rows), "s", GOAL_SECONDS),
        *more,
        Figure(f"{what}: again, nothing left to do", kept["wall"], "s"),
    ]


def _project(root: Path, days: int, rows: int) -> None:
    processes.put(root / "startrail.yml", "name: shop\n")
    processes.put(
        root / "sources" / "orders.yml",
        "feed: {kind: folder, path: in}\ncontract: orders\ninto: raw.orders\npartition_by: placed_at\n",
    )
    _declare(root, required=False)
    (root / "in").mkdir()
    source = orders.lines(new_field_from=1 << 60)
    for day in range(days):
        with (root / "in" / f"orders_{day:03}.ndjson").open("wb", buffering=1 << 20) as file:
            for number, line in enumerate(islice(source, rows), 1):
                phone = b"}\n" if number % _LACKING == 0 else b',"phone":"+34 600 %06d"}\n' % (number % 1_000_000)
                file.write(line[:-2] + phone)


def _declare(root: Path, *, required: bool) -> None:
    from startrail.capabilities.contracts.exchange.odcs_text import odcs

    told = contract()
    phone = field("phone", "string", required=required)
    processes.put(root / "contracts" / "orders.odcs.yml", odcs(msgspec.structs.replace(told, fields=(*told.fields, phone))))


def _plan(root: Path, *more: str, keep: bool) -> dict[str, float]:
    if not keep:
        for each in (root / ".startrail" / "cache").glob("rehearsal-*"):
            each.unlink()
    started, before = time.monotonic(), processes.children()
    text = processes.output([*processes.STARTRAIL, "plan", "-C", root, "--json", *more])
    told = next(line for line in map(json.loads, text.splitlines()) if line["type"] == "history")
    return {
        "wall": time.monotonic() - started,
        "cpu": processes.children() - before,
        "refused": float(told["quarantined"] + told["held"]),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print(table(measured(options.days, options.rows, options.rounds)))
    sys.exit(0)
