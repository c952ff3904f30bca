"""The negative control: how such a pipeline is usually written. It is wrong on purpose.

Each statement commits by itself; tables are rebuilt in place, one after the other; a file counts as loaded once
it has been noted so; the report is written under its final name. It passes the same numbered points.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.faults.invariants import Tables

from startrail.base.crash import crash_point

_TABLES = """
create table if not exists loaded_files (name text);
create table if not exists raw_sales (id text, day text, store text, amount text, currency text);
create table if not exists raw_rates (day text, currency text, rate text);
create table if not exists marts_sales (id text, day text, store text, euros real);
create table if not exists marts_sales_daily (day text, store text, orders int, euros real);
"""
_SALES = """
insert into marts_sales
select s.id, s.day, s.store, round(s.amount * r.rate, 2)
from raw_sales s left join raw_rates r on r.day = s.day and r.currency = s.currency
"""
_DAILY = "insert into marts_sales_daily select day, store, count(*), round(sum(euros), 2) from marts_sales group by day, store"


def main(folder: Path) -> None:
    """Load what is new in ``folder``/upstream, rebuild, report."""
    with closing(sqlite3.connect(folder / "naive.sqlite", isolation_level=None)) as database:
        database.executescript(_TABLES)
        _load(database, folder / "upstream")
        _check(database)
        _rebuild(database)
        _report(database, folder / "report.csv")


def look(folder: Path) -> Tables:
    """What a reader of the pipeline's tables sees."""
    with closing(sqlite3.connect(folder / "naive.sqlite")) as database:
        names = ("raw_sales", "raw_rates", "marts_sales", "marts_sales_daily")
        return {name: Counter(map(repr, database.execute(f"select * from {name}"))) for name in names}


def _load(database: sqlite3.Connection, upstream: Path) -> None:
    done = {name for (name,) in database.execute("select name from loaded_files")}
    for path in sorted(upstream.rglob("*.*")):
        if path.name in done:
            continue
        crash_point("before land")
        table, rows = ("raw_rates", _rates(path)) if path.name.startswith("fx_") else ("raw_sales", _sold(path))
        crash_point("after landing bytes")
        crash_point("before stage")
        rows = list(rows)
        marks = ",".join("?" * len(rows[0]))
        for start in range(0, len(rows), 50):
            database.executemany(f"insert into {table} values ({marks})", rows[start : start + 50])
        crash_point("after stage")
        database.execute("insert into loaded_files values (?)", (path.name,))
        crash_point("after recording delivery")
        crash_point("after step recorded")


def _sold(path: Path) -> Iterator[tuple[str, ...]]:
    if path.suffix == ".json":
        for order in json.loads(path.read_text())["orders"]:
            yield order["order_id"], order["ordered_at"][:10], "online", order["amount"], order["currency"]
        return
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield row["sale_id"], row["sold_on"], row["store"], row["amount"], row["currency"]


def _rates(path: Path) -> Iterator[tuple[str, ...]]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield row["day"], row["currency"], row["eur_per_unit"]


def _check(database: sqlite3.Connection) -> None:
    crash_point("before check")
    (count,) = database.execute("select count(*) from raw_sales").fetchone()
    assert count, "there is nothing to report"
    crash_point("after check")


def _rebuild(database: sqlite3.Connection) -> None:
    crash_point("before metadata")
    database.execute("delete from marts_sales")
    crash_point("between metadata and pointers")
    database.execute(_SALES)
    crash_point("between metadata of two tables")
    database.execute("delete from marts_sales_daily")
    crash_point("inside publication, pointers moved")
    database.execute(_DAILY)
    crash_point("inside publication, steps recorded")
    crash_point("after commit")


def _report(database: sqlite3.Connection, path: Path) -> None:
    crash_point("before delivery")
    with path.open("w") as file:
        for number, row in enumerate(database.execute("select * from marts_sales_daily order by day, store")):
            file.write(",".join(map(str, row)) + "\n")
            if number == 2:
                file.flush()
                crash_point("after delivery written")
    crash_point("after delivery recorded")
