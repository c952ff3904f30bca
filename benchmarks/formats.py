"""Loading flat orders as CSV, Parquet and compressed NDJSON under a contract, beside DuckDB's plain typed conversion.

    python -m benchmarks formats [--rounds 3] [--size 200] [--quick]

Each format comes clean and with one row in a hundred that breaks the contract in one of ten ways; what is found must be
what was made, kind by kind, with both readers where both can read the format. Each measurement is a child process;
``--size`` is about the megabytes of the CSV file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import flat_orders
from benchmarks.figures import Figure
from benchmarks.loading import GOAL_MEMORY, readers
from benchmarks.measuring import Measured, child, order_fields, orders_contract, plainly, under_contract

if TYPE_CHECKING:
    from startrail.model.contract import Contract

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
    each: dict[str, list[Measured]] = {}
    ways = ("parquet",) if media == "parquet" else readers()
    for _ in range(rounds):
        each.setdefault("plain", []).append(child("benchmarks.formats", "plain", ending, clean))
        for reader in ways:
            each.setdefault(f"clean, {reader}", []).append(child("benchmarks.formats", reader, media, clean))
            each.setdefault(f"dirty, {reader}", []).append(child("benchmarks.formats", reader, media, dirty))
    for reader in ways:
        assert all(one["loaded"] == count for one in each[f"clean, {reader}"])
        for one in each[f"dirty, {reader}"]:
            seen = Counter({(kind, path): rows for kind, path, rows in one["drift"]})
            assert seen == truth, f"made {sorted(truth.items())}, found {sorted(seen.items())}"
            assert one["loaded"] + one["quarantined"] == count
            assert one["quarantined"] == truth.total()
    cpu = {name: median(one["cpu"] for one in found) for name, found in each.items()}
    named = f"loading {clean.stat().st_size // 1_000_000} MB of {ending}"
    goal = GOAL_CSV if ending == "csv" else None
    made = [Figure(f"{named}: DuckDB's plain conversion", cpu["plain"])]
    for reader in ways:
        called = named if reader == ending else f"{named}, {reader}"
        memory = max(one["memory"] for name in ("clean", "dirty") for one in each[f"{name}, {reader}"]) / 1e6
        made += [
            Figure(f"{called}: as promised, to plain", cpu[f"clean, {reader}"] / cpu["plain"], "x", goal),
            Figure(f"{called}: 1 % broken in ten ways, to plain", cpu[f"dirty, {reader}"] / cpu["plain"], "x", goal),
            Figure(f"{called}: peak memory", memory, "MB", GOAL_MEMORY / 1e6),
        ]
    return made


def _plain(ending: str, file: Path) -> Measured:
    return plainly("SELECT * FROM " + _READERS[ending].format(file=file, types=flat_orders.TYPES))


def _startrail(media: str, file: Path, reader: str = "auto") -> Measured:
    measured, output = under_contract(file, media, contract(), reader)
    assert "careful" not in output.note, output.note
    return {**measured, "drift": [[each.kind, each.path, each.rows] for each in output.drift]}


def contract() -> Contract:
    """What the flat orders promise."""
    return orders_contract(*order_fields())


_CHILDREN = {
    "plain": _plain,
    "parquet": _startrail,
    "msgspec": partial(_startrail, reader="msgspec"),
    "native": partial(_startrail, reader="native"),
}


if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))))
