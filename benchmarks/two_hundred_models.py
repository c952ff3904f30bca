"""Two hundred small models, as a chain and as a fan: first build, rebuild, nothing to do; dbt and SQLMesh beside us.

    python -m benchmarks two_hundred_models [--models 200] [--rounds 3] [--without-peers]
"""

from __future__ import annotations

from pathlib import Path

SHAPES = ("chain", "fan")
ROWS = 1000

_PROJECT = "name: bench\n"
_SOURCE = """feed: {kind: folder, path: upstream, pattern: "events_*.csv"}
schedule: {cron: "0 3 * * *", timezone: UTC}
contract: events
into: raw.events
"""
_CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: events
version: 1.0.0
status: active
schema:
  - name: events
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: day, logicalType: date, required: true}
      - {name: kind, logicalType: string, required: true}
      - {name: amount, logicalType: integer, required: true}
"""


def name(number: int) -> str:
    return f"m{number:03d}"


def read_by(number: int, shape: str) -> int | None:
    """The number of the model that a model reads; None for the raw table."""
    return None if number == 0 or shape == "fan" else number - 1


def select(number: int, table: str) -> str:
    """The same SQL for everybody; only the name of the table it reads is written as each wants it."""
    return f"select id, day, kind, amount + {number % 7} as amount from {table} where amount > {number % 3}\n"


def rows(first: int, count: int = ROWS) -> str:
    lines = (f"{n},2026-01-{n % 28 + 1:02d},kind {n % 5},{n % 100 + 10}" for n in range(first, first + count))
    return "\n".join(("id,day,kind,amount", *lines)) + "\n"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_startrail(root: Path, shape: str, models: int) -> None:
    put(root / "startrail.yml", _PROJECT)
    put(root / "sources/events.yml", _SOURCE)
    put(root / "contracts/events.odcs.yml", _CONTRACT)
    put(root / "upstream/events_1.csv", rows(0))
    for number in range(models):
        before = read_by(number, shape)
        table = "raw.events" if before is None else f"marts.{name(before)}"
        put(root / f"models/marts/{name(number)}.sql", "/* startrail\nkind: table\n*/\n" + select(number, table))
