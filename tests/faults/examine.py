"""What is examined of a shop: while its runner is dead, and after it was resumed."""

from __future__ import annotations

import datetime
import html
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
from pyiceberg.table import StaticTable
from tests.faults.invariants import Broken, Tables, differences, require_equal
from tests.faults.process import Ended, StepName
from tests.faults.shop import PARALLEL, Shop, look

from startrail.base.crash import POINTS
from startrail.examples.nights import night
from startrail.examples.totals import Truth, add_up
from startrail.flow.read import published
from startrail.flow.workspace import Workspace
from startrail.model.delivery import Counts
from startrail.model.step import StepOutput, StepRecord
from startrail.wiring import Opened

COMMITTED = frozenset(POINTS[POINTS.index("after commit") :])
"""Points after which a dead runner has published."""

class Control(msgspec.Struct, frozen=True):
    """What a run comes to that nobody kills: the tables before and after it, and how often it passed each point."""

    before: Tables
    after: Tables
    passed: dict[str, int]
    csv: bytes
    truth: Truth
    truth_before: Truth


class Remains(msgspec.Struct, frozen=True):
    """What a dead runner left in the ledger: the steps that are recorded as done."""

    done: frozenset[StepName]


def control(shop: Shop, now: str, *, drifted: bool) -> Control:
    """Run the second night as it should be. The examples' own arithmetic must agree, or nothing is worth examining."""
    shop.reset()
    before = shop.look()
    shop.arrive(drifted=drifted)
    ended = shop.run(now)
    assert ended.code == 0, ended.errors
    csv = (shop.root / "delivered" / "product_sales_2026-10-03.csv").read_bytes()
    nights = [night(1), night(2, drifted=drifted)]
    made = Control(before, shop.look(), ended.passed, csv, add_up(nights), add_up(nights[:1]))
    require_equal({"daily": _daily(made.before)}, {"daily": _as_rows(made.truth_before)})
    require_equal({"daily": _daily(made.after)}, {"daily": _as_rows(made.truth)})
    return made


def examine_dead(shop: Shop, control: Control, point: str) -> Remains:
    """A reader sees N before the commit and N + 1 after it, whole; the ledger holds; another Iceberg client reads."""
    with shop.opened() as opened:
        seen = look(opened)
        if differences(seen, control.after if point in COMMITTED else control.before):
            raise Broken(f"dead at '{point}', and what is visible is not what should be", torn=1)
        _examine_ledger(opened)
        _examine_files(opened, seen)
        dead = opened.ports.ledger.history(run=opened.ports.ledger.runs(1)[0].id)
        return Remains(frozenset(_name(record) for record in dead if record.state in ("staged", "published")))


def examine_resumed(shop: Shop, control: Control, killed: Ended, remains: Remains, resumed: Ended) -> int:
    """Everything is as if nobody had been killed; returns the number of steps that were begun twice."""
    assert resumed.code == 0, resumed.errors
    again = remains.done & resumed.started
    assert not again, f"done before the kill, and done again: {sorted(again)}"
    redone = killed.started & resumed.started
    assert len(redone) <= PARALLEL, f"{len(redone)} steps were begun twice, though only {PARALLEL} run at once"
    with shop.opened() as opened:
        seen = look(opened)
        require_equal(seen, control.after)
        _examine_ledger(opened)
        _examine_files(opened, seen)
        _examine_raw(opened)
        _examine_counts(opened, control.truth)
        _examine_facts(opened, control.truth)
        _examine_reports(shop.root / "delivered", opened, control)
    return len(redone)


def examine_idle(ended: Ended) -> None:
    """A run with nothing left to do does nothing."""
    assert ended.code == 0, ended.errors
    assert not ended.started
    assert (ended.result["steps"], ended.result["published"]) == (0, False)


def _examine_ledger(opened: Opened) -> None:
    verified = opened.ports.ledger.verify()
    assert verified.altered is None, verified.reason


def _examine_files(opened: Opened, seen: Tables) -> None:
    """pyiceberg reads every table, and finds as many rows."""
    for table, pointer in opened.ports.ledger.pointers().items():
        rows = StaticTable.from_metadata(pointer.metadata).scan().to_arrow().num_rows
        assert rows == seen[str(table)].total(), f"{table}: pyiceberg reads {rows} rows"


def _examine_raw(opened: Opened) -> None:
    """Each record of each delivery is there once."""
    ports = opened.ports
    workspace = Workspace(ports.ledger, ports.tables)
    for source in opened.project.sources.values():
        sql = f"select count(*), count(distinct (_delivery, _ordinal)), count(distinct _delivery) from {source.into}"
        rows, distinct, deliveries = ports.warehouse().fetch(published(sql, workspace, ports.ledger, ports.tables())).rows[0]
        assert rows == distinct, f"{source.into}: {rows - distinct} rows twice"
        assert deliveries == len(ports.ledger.deliveries(source.name))
        assert not ports.ledger.pending(source.name)


def _examine_counts(opened: Opened, truth: Truth) -> None:
    """Conservation, against the numbers that the generator knows; the quarantine is there and as large as told."""
    counts: dict[str, Counts] = {}
    for record in _steps(opened):
        if record.step.kind == "load":
            assert record.state == "published", record
            assert record.output is not None
            assert record.output.counts is not None
            counts[record.step.subject] = counts.get(record.step.subject, Counts()) + record.output.counts
            assert (record.output.quarantine is not None) == (record.output.counts.quarantined > 0)
            if record.output.quarantine is not None:
                assert opened.ports.store.size(record.output.quarantine)
    assert counts == truth.counts


class _Loaded(msgspec.Struct):
    delivery: str
    counts: Counts


def _examine_facts(opened: Opened, truth: Truth) -> None:
    """The facts tell it once too: each delivery landed and loaded, each night published, the dead run abandoned."""
    ledger = opened.ports.ledger
    kinds = Counter(fact.kind for fact in ledger.facts())
    landed = sum(truth.deliveries.values())
    loads = [msgspec.json.decode(fact.payload, type=_Loaded) for fact in ledger.facts(kind="delivery.loaded")]
    told = sum((load.counts for load in loads), Counts())
    assert told == sum(truth.counts.values(), Counts()), f"{len(loads)} facts of loading for {landed} deliveries"
    assert kinds["delivery.landed"] == landed
    assert kinds["publication.published"] == 2
    assert kinds["run.abandoned"] == 1
    finished = Counter(fact.subject for fact in ledger.facts(kind="step.finished"))
    recorded = Counter(record.step.subject for record in _steps(opened))
    assert finished == recorded
    delivered = Counter(fact.subject for fact in ledger.facts(kind="report.delivered"))
    assert delivered == {"daily_sales": 2, "product_sales": 2}
    assert [run.state for run in ledger.runs()] == ["done", "abandoned", "done"]


def _examine_reports(folder: Path, opened: Opened, control: Control) -> None:
    """Both reports of both nights, whole, with the numbers of the truth, and no half file beside them."""
    names = {
        f"{name}_2026-10-0{day}.{kind}" for day in (2, 3) for name, kind in (("daily_sales", "html"), ("product_sales", "csv"))
    }
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "product_sales_2026-10-03.csv").read_bytes() == control.csv
    page = (folder / "daily_sales_2026-10-03.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    text = re.sub(r"[\s,\u202f\u00a0]", "", html.unescape(re.sub(r"<[^>]*>", " ", page)))
    missing = [row for row in control.truth.days if str(row.revenue_eur) not in text]
    assert not missing, f"the report does not show {missing}"
    for record in opened.ports.ledger.history(kind="deliver"):
        output = record.output or StepOutput()
        assert record.state == "published"
        assert output.report is not None
        assert Path(output.report).stat().st_size == int(output.note["bytes"])


def _steps(opened: Opened) -> list[StepRecord]:
    return opened.ports.ledger.history(limit=10_000)


def _name(record: StepRecord) -> StepName:
    return record.step.kind, record.step.subject, record.step.partition


def _daily(tables: Tables) -> Counter[str]:
    """Day, shop, orders, units, refunds and revenue; the channel is not part of the truth."""
    found: Counter[str] = Counter()
    scope = {"datetime": datetime, "Decimal": Decimal}
    for text, times in tables["marts.sales_daily"].items():
        day, _channel, store, *numbers = eval(text, scope)  # the repr of a row of our own
        found[repr((day, store, *numbers))] += times
    return found


def _as_rows(truth: Truth) -> Counter[str]:
    return Counter(repr((row.day, row.store, row.orders, row.units, row.refunds_eur, row.revenue_eur)) for row in truth.days)
