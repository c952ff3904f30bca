"""What happened to the rows between two times of one metric."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from startrail.capabilities.why.classes import exact
from startrail.capabilities.why.explain import Side
from startrail.capabilities.why.gap import Change, Gap, Line
from startrail.lineage.gap.changes import KINDS, change_query, prefixed
from startrail.lineage.metric.time import Window
from startrail.model.table import Relation
from startrail.model.why import DATA
from startrail.ports.warehouse import Query, Readable, Rowset, Warehouse

_BEFORE, _AFTER = "before_", "after_"


def with_changes(gap: Gap, a: Side, b: Side, window: Window | None, warehouse: Warehouse) -> Gap:
    """The gap with the rows of its ``data`` line classed; they sum to what the rows alone make, under A's definition."""
    if not any(DATA in line.slots for line in gap.lines):
        return gap
    reason = _refusal(a, b)
    if reason is not None:
        return msgspec.structs.replace(gap, notes=(*gap.notes, f"what happened to single rows is not told: {reason}"))
    sql = change_query(a.metric, window, a.kinds, _BEFORE, _AFTER)
    both = (*_called(a.relations, _BEFORE), *_called(b.relations, _AFTER))
    rows = warehouse.fetch(Query(sql, both, {}, a.metric.span.file, a.metric.span.line)).rows
    changes = [
        Change(" and ".join(KINDS[word] for word in str(kind).split("+")), _decimal(amount, gap), int(count))
        for kind, count, amount in rows
    ]
    changes.sort(key=lambda change: (-abs(change.amount), change.kind))
    lines = tuple(_with_rows(line, changes, a, b) if line.slots == (DATA,) else line for line in gap.lines)
    return msgspec.structs.replace(gap, lines=lines, changes=tuple(changes), partition=(), statements=gap.statements + 1)


def _with_rows(line: Line, changes: list[Change], a: Side, b: Side) -> Line:
    """The line of the rows themselves counts those that changed, not all that are of another time."""
    came, went = ([change.amount for change in changes if (change.amount > 0) is more] for more in (True, False))
    return msgspec.structs.replace(
        line,
        a=f"{line.a} of {a.label}",
        b=f"{line.b} of {b.label}",
        rows=sum(change.rows for change in changes),
        gross_in=sum(came, Decimal(0)),
        gross_out=sum(went, Decimal(0)),
    )


def _refusal(a: Side, b: Side) -> str | None:
    if a.metric.agg not in ("sum", "count"):
        return f"a {a.metric.agg} is no sum over rows"
    if not a.metric.grain:
        return f"{a.metric.name} declares no grain"
    if a.metric.source != b.metric.source:
        return "the numbers are of two tables"
    if not all(isinstance(each, Relation | Rowset) for each in (*a.relations, *b.relations)):
        return "a view is among the tables"
    return None


def _called(relations: tuple[Readable, ...], prefix: str) -> list[Readable]:
    return [
        msgspec.structs.replace(each, name=prefixed(each.name, prefix))
        for each in relations
        if isinstance(each, Relation | Rowset)
    ]


def _decimal(amount: object, gap: Gap) -> Decimal:
    found = exact(amount)
    return (Decimal(found.numerator) / Decimal(found.denominator)).quantize(Decimal(1).scaleb(int(gap.gap.as_tuple().exponent)))
