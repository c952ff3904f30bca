"""What is examined of a shop: while its runner is dead, and after another one has gone on from there."""

from __future__ import annotations

import datetime
import html
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
from pyiceberg.table import StaticTable
from tests.faults.invariants import Tables, require_equal
from tests.faults.process import Ended, StepName
from tests.faults.shop import PARALLEL, Shop, look

from startrail.examples.nights import Night, day_of, night
from startrail.examples.totals import Truth, add_up
from startrail.flow.read import published
from startrail.flow.workspace import Workspace
from startrail.model.delivery import Counts
from startrail.model.step import StepOutput, StepRecord
from startrail.wiring import Opened

_REPORTS = (("daily_sales", "html"), ("product_sales", "csv"))


class Control(msgspec.Struct, frozen=True):
    """What a second night comes to that nobody disturbs: the tables before and after it, the report,
    and how often each numbered point was passed."""

    before: Tables
    after: Tables
    nights: tuple[Night, ...]
    passed: dict[str, int]
    csv: bytes


def control(shop: Shop, now: str, *, drifted: bool) -> Control:
    """Run the second night as it should be. It must agree with the generator's own arithmetic."""
    shop.reset()
    before = shop.look()
    shop.arrive(drifted=drifted)
    ended = shop.run(now)
    nights = (night(1), night(2, drifted=drifted))
    examine_done(ended)
    require_truth(before, nights[:1])
    after = examine_whole(shop, nights)
    return Control(before, after, nights, ended.passed, csv_of(shop, len(nights)))


def examine_dead(shop: Shop, killed: Ended) -> tuple[Tables, frozenset[StepName]]:
    """What a reader sees while the runner is dead, and which steps that runner had recorded as done.

    The ledger's chain holds, and another Iceberg client reads every table.
    """
    with shop.opened() as opened:
        seen = look(opened)
        _examine_ledger(opened)
        _examine_files(opened, seen)
        # Killed before it could tell its run, it had done nothing; the newest run is then that of the night before.
        dead = [record for begun in killed.of("run_started") for record in opened.ports.ledger.history(run=begun["run"])]
        return seen, frozenset(_name(record) for record in dead if record.state in ("staged", "published"))


def examine_redone(killed: Ended, done: frozenset[StepName], resumed: Ended) -> int:
    """How many steps were begun twice: none that was done, and no more than were under way at once."""
    again = done & resumed.started
    assert not again, f"done before the kill, and done again: {sorted(again)}"
    redone = killed.started & resumed.started
    assert len(redone) <= PARALLEL, f"{len(redone)} steps were begun twice, though only {PARALLEL} run at once"
    return len(redone)


def examine_done(ended: Ended) -> None:
    """The run came to its end without an error."""
    assert ended.code == 0, ended.errors or ended.result
    assert ended.result["state"] == "done"


def examine_idle(ended: Ended) -> None:
    """A run with nothing left to do does nothing."""
    examine_done(ended)
    assert not ended.started
    assert (ended.result["steps"], ended.result["published"]) == (0, False)


def examine_whole(shop: Shop, nights: Sequence[Night]) -> Tables:
    """Everything is as the generator knows it for these nights, and as if nobody had ever been killed."""
    truth = add_up(nights)
    with shop.opened() as opened:
        seen = look(opened)
        require_truth(seen, nights)
        _examine_ledger(opened)
        _examine_files(opened, seen)
        _examine_raw(opened)
        _examine_counts(opened, truth)
        _examine_facts(opened, truth, len(nights))
        _examine_reports(shop, opened, truth, len(nights))
    return seen


def require_truth(seen: Tables, nights: Sequence[Night]) -> None:
    """The report's table is what the generator adds up. Raises Broken."""
    truth = add_up(nights)
    rows = Counter(repr((row.day, row.store, row.orders, row.units, row.refunds_eur, row.revenue_eur)) for row in truth.days)
    require_equal({"marts.sales_daily": _daily(seen)}, {"marts.sales_daily": rows})


def csv_of(shop: Shop, nights: int) -> bytes:
    """The newest CSV report."""
    return (shop.root / "delivered" / f"product_sales_{day_of(nights + 1)}.csv").read_bytes()


def _examine_ledger(opened: Opened) -> None:
    verified = opened.ports.ledger.verify()
    assert verified.altered is None, verified.reason


def _examine_files(opened: Opened, seen: Tables) -> None:
    """pyiceberg reads every table, and finds as many rows."""
    for table, pointer in opened.ports.ledger.pointers().items():
        rows = StaticTable.from_metadata(pointer.metadata).scan().to_arrow().num_rows
        assert rows == seen[str(table)].total(), f"{table}: pyiceberg reads {rows} rows"


def _examine_raw(opened: Opened) -> None:
    """Each record of each delivery is there once, and no delivery waits."""
    ports = opened.ports
    workspace = Workspace(ports.ledger, ports.tables)
    for source in opened.project.sources.values():
        sql = f"select count(*), count(distinct (_delivery, _ordinal)), count(distinct _delivery) from {source.into}"
        rows, distinct, deliveries = ports.warehouse().fetch(published(sql, workspace, ports.ledger, ports.tables())).rows[0]
        assert rows == distinct, f"{source.into}: {rows - distinct} rows twice"
        assert deliveries == len(ports.ledger.deliveries(source.name))
        assert not ports.ledger.pending(source.name)


def _examine_counts(opened: Opened, truth: Truth) -> None:
    """Conservation, against the numbers that the generator knows; the quarantine is where it is said to be."""
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
    counts: Counts


def _examine_facts(opened: Opened, truth: Truth, nights: int) -> None:
    """The facts tell everything once too, whatever died between the deed and the telling."""
    ledger = opened.ports.ledger
    kinds = Counter(fact.kind for fact in ledger.facts())
    landed = sum(truth.deliveries.values())
    loads = [msgspec.json.decode(fact.payload, type=_Loaded) for fact in ledger.facts(kind="delivery.loaded")]
    told = sum((load.counts for load in loads), Counts())
    assert told == sum(truth.counts.values(), Counts()), f"{len(loads)} facts of loading for {landed} deliveries"
    assert kinds["delivery.landed"] == landed
    assert kinds["publication.published"] == nights
    finished = Counter(fact.subject for fact in ledger.facts(kind="step.finished"))
    assert finished == Counter(record.step.subject for record in _steps(opened))
    delivered = Counter(fact.subject for fact in ledger.facts(kind="report.delivered"))
    assert delivered == {report: nights for report, _ in _REPORTS}
    states = Counter(run.state for run in ledger.runs(100_000))
    assert states.keys() <= {"done", "abandoned"}
    assert kinds["run.started"] == states.total()
    assert (kinds["run.ended"], kinds["run.abandoned"]) == (states["done"], states["abandoned"])


def _examine_reports(shop: Shop, opened: Opened, truth: Truth, nights: int) -> None:
    """Both reports of every night, whole, the newest with the numbers of the truth, and no half file beside them."""
    folder = shop.root / "delivered"
    names = {f"{name}_{day_of(number + 1)}.{kind}" for number in range(1, nights + 1) for name, kind in _REPORTS}
    assert {path.name for path in folder.iterdir()} == names
    page = (folder / f"daily_sales_{day_of(nights + 1)}.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    text = re.sub(r"[\s,\u202f\u00a0]", "", html.unescape(re.sub(r"<[^>]*>", " ", page)))
    missing = [row for row in truth.days if str(row.revenue_eur) not in text]
    assert not missing, f"the report does not show {missing}"
    for record in opened.ports.ledger.history(kind="deliver"):
        output = record.output or StepOutput()
        assert record.state == "published"
        assert output.report is not None
        assert Path(output.report).stat().st_size == int(output.note["bytes"])


def _steps(opened: Opened) -> list[StepRecord]:
    return opened.ports.ledger.history(limit=1_000_000)


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
