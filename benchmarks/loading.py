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
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import orders
from benchmarks.figures import Figure
from benchmarks.measuring import Measured, child, field, order_fields, orders_contract, plainly, under_contract

if TYPE_CHECKING:
    from startrail.model.contract import Contract

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
        found: dict[str, list[Measured]] = {}
        for _ in range(rounds):
            found.setdefault("plain", []).append(child("benchmarks.loading", "plain", promised))
            for reader in readers():
                for name, file in (("promised", promised), ("drifted", drifted), ("mixed", mixed)):
                    found.setdefault(f"{name}, {reader}", []).append(child("benchmarks.loading", reader, file))
        little = child("benchmarks.loading", "msgspec", small)
    each = {
        name: [one for reader in readers() for one in found[f"{name}, {reader}"]] for name in ("promised", "drifted", "mixed")
    }
    assert all((one["loaded"], one["quarantined"]) == (rows, 0) for one in each["promised"])
    assert all((one["loaded"], one["quarantined"]) == (rows - broken, broken) for one in each["mixed"])
    kept = {one["kept"] for one in each["drifted"]}
    expected = drifted_rows - orders.NEW_FIELD_FROM + 1
    assert kept == {expected}, f"a field that appears late must be kept in {expected} rows, but is in {kept}"
    return _figures(f"loading {size} MB of NDJSON", found, little)


def readers() -> tuple[str, ...]:
    """Those that this machine has."""
    from startrail.adapters.loader.native.library import choose

    return ("msgspec",) if choose("auto").library is None else ("msgspec", "native")


def _figures(named: str, found: dict[str, list[Measured]], little: Measured) -> list[Figure]:
    cpu = {name: median(one["cpu"] for one in each) for name, each in found.items()}
    wall = {name: median(one["wall"] for one in each) for name, each in found.items()}
    made = [Figure(f"{named}: DuckDB's plain conversion", cpu["plain"])]
    for reader in readers():
        goal = GOAL_NATIVE if reader == "native" else GOAL_RATIO
        for name, told in (("promised", "as promised"), ("drifted", "a field that nobody knows"), ("mixed", "1 % broken")):
            place = f"{name}, {reader}"
            made.append(Figure(f"{named}: {reader}, {told}", cpu[place]))
            held = goal if name != "drifted" or reader == "native" else None
            made.append(Figure(f"{named}: {reader}, {told}, to plain", cpu[place] / cpu["plain"], "x", held))
        if reader == "native":
            ratio = wall["promised, native"] / wall["plain"]
            made.append(Figure(f"{named}: native, as promised, wall to plain", ratio, "x", GOAL_NATIVE_WALL))
        memory = max(one["memory"] for name, each in found.items() if name.endswith(reader) for one in each) / 1e6
        made.append(Figure(f"{named}: {reader}, peak memory", memory, "MB", GOAL_MEMORY / 1e6))
    return [*made, Figure(f"{named}: peak memory for a tenth of it", little["memory"] / 1e6, "MB")]


def _plain(file: Path) -> Measured:
    types = (
        "{order_id: 'BIGINT', status: 'VARCHAR', placed_at: 'TIMESTAMPTZ', updated_at: 'TIMESTAMPTZ', delivery_day: 'DATE', "
        "store: 'INTEGER', currency: 'VARCHAR', total: 'DECIMAL(12,2)', tax: 'DECIMAL(12,2)', discount: 'DECIMAL(12,2)', "
        "weight_kg: 'DOUBLE', gift: 'BOOLEAN', note: 'VARCHAR', "
        "customer: 'STRUCT(id BIGINT, name VARCHAR, city VARCHAR, country VARCHAR)', "
        "items: 'STRUCT(sku VARCHAR, quantity INTEGER, unit_price DECIMAL(10,2))[]'}"
    )
    return plainly(f"SELECT * FROM read_json('{file}', columns = {types}, format = 'newline_delimited')")


def _startrail(file: Path, reader: str) -> Measured:
    measured, output = under_contract(file, "ndjson", contract(), reader)
    return {**measured, "kept": output.kept.get("loyalty_tier", 0)}


def contract() -> Contract:
    """What the orders promise."""
    return orders_contract(
        *order_fields(discount=True),
        field("customer", "struct<id: long, name: string, city: string, country: string>", required=True),
        field("items", "list<struct<sku: string, quantity: int, unit_price: decimal(10,2)>>", required=True),
    )


_CHILDREN = {"plain": _plain, "msgspec": partial(_startrail, reader="msgspec"), "native": partial(_startrail, reader="native")}


if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](Path(sys.argv[2]))))
