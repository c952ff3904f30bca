"""Why two numbers of an opened project differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from startrail.base.span import Span
from startrail.capabilities.metrics.dictionary import find
from startrail.capabilities.metrics.period import Period, parse_period
from startrail.capabilities.metrics.tables import Pinned, pin
from startrail.capabilities.metrics.value import evaluate, prepared
from startrail.capabilities.why.changes import with_changes
from startrail.capabilities.why.errors import NoSuchSql, NothingToCompare, NotReproduced
from startrail.capabilities.why.evidence import verify, write_evidence
from startrail.capabilities.why.explain import Side, play
from startrail.capabilities.why.gap import Gap
from startrail.capabilities.why.report import report
from startrail.lineage.gap.errors import NotComparable, OpaqueSql
from startrail.lineage.gap.plain import Days, metric_of
from startrail.lineage.gap.trace import moved_down
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric
from startrail.ports.warehouse import Warehouse
from startrail.wiring import Opened
from startrail.wiring.metrics import pinned
from startrail.wiring.values import exact_value, places_of
from startrail.wiring.why_texts import gap_of_project, mixed_or_none, otherwise


def why(
    opened: Opened, a: str | None, b: str | None, period: str | None, at: str | None = None, vs: str | None = None,
    *, check: bool = False, evidence: Path | None = None, plain: tuple[Path | None, Path | None] = (None, None),
) -> Gap:  # fmt: skip
    """The gap from metric ``a`` to metric ``b``; ``at`` and ``vs`` are the moments that their tables are read as of.

    ``check``: independent queries must agree. ``evidence``: a folder for SQL and rows. ``plain``: files with SQL instead
    of the first and the second metric. Raises OSError for the folder.
    """
    one, two = asked(opened, a, b, plain)
    if two is None and at == vs:
        raise NothingToCompare(
            f"'{one.name}' is compared with nothing", hint=f"startrail why {one.name} OTHER, or --at INSTANT --vs INSTANT"
        )
    return gap_of_metrics(opened, one, two or one, period, at, vs, check=check, evidence=evidence)


def gap_of_metrics(
    opened: Opened, one: Metric, two: Metric, period: str | None, at: str | None = None, vs: str | None = None,
    *, check: bool = False, evidence: Path | None = None,
) -> Gap:  # fmt: skip
    """The gap between two definitions, declared or not: by slots, else by their texts.

    Raises what their values and the comparison raise, and OSError.
    """
    timeless = at is None and vs is None
    try:
        left, right, span, warehouse = sides(opened, one, two, period, at, vs)
        if timeless and left.metric.source != right.metric.source and _is_model(opened, left, right):
            mixed = mixed_or_none(lambda: gap_of_project(opened, one, two, period), check=check, evidence=evidence)
            if mixed is not None:
                return mixed
        return gap_between(left, right, span, warehouse, check=check, evidence=evidence)
    except (OpaqueSql, NotComparable, NotReproduced) as refusal:
        if not timeless:
            raise
        return otherwise(refusal, lambda: gap_of_project(opened, one, two, period), check=check, evidence=evidence)


def sides(
    opened: Opened, one: Metric, two: Metric, period: str | None, at: str | None = None, vs: str | None = None
) -> tuple[Side, Side, Period | None, Warehouse]:
    """Both numbers, each by its own query, over one table where there is one. Raises what their values raise."""
    span = parse_period(period) if period is not None else None
    warehouse = opened.ports.warehouse()
    left_read = pinned(opened, one, at, two)
    left = side(one, span, left_read, warehouse, at)
    right = side(two, span, left_read if at == vs else pinned(opened, two, vs, one), warehouse, vs)
    if left.metric.source != right.metric.source and at is None and vs is None:
        left, right = _over_one_table(opened, left, right, span)
    return left, right, span, warehouse


def asked(
    opened: Opened, a: str | None, b: str | None, plain: tuple[Path | None, Path | None]
) -> tuple[Metric, Metric | None]:  # fmt: skip
    """The metrics that a command names. Raises NothingToCompare, UnknownMetric, NoSuchSql."""
    named = [name for name in (a, b) if name is not None]
    metrics = opened.project.metrics
    one = _from_file(plain[0]) if plain[0] is not None else find(named.pop(0), metrics) if named else None
    two = _from_file(plain[1]) if plain[1] is not None else find(named.pop(0), metrics) if named else None
    if one is None or named:
        raise NothingToCompare("'why' takes two numbers", hint="startrail why A B, or --sql-a FILE --sql-b FILE")
    return one, two


def gap_between(
    a: Side, b: Side, period: Period | None, warehouse: Warehouse, *, check: bool = False, evidence: Path | None = None
) -> Gap:
    """The gap between two sides."""
    window = Window(period.start, period.end) if period is not None else None
    game = play(a, b, window, warehouse)
    found = with_changes(report(game, a, b, period.name if period is not None else None), a, b, window, warehouse)
    inputs = tuple(dict.fromkeys((*a.inputs, *b.inputs)))
    found = msgspec.structs.replace(found, definitions=(a.definition, b.definition), inputs=inputs)
    if check:
        found = msgspec.structs.replace(found, verified=verify(game, a, b, window, warehouse))
    if evidence is not None:
        write_evidence(game, found, a, b, window, warehouse, evidence)
    return found


def _over_one_table(opened: Opened, a: Side, b: Side, period: Period | None) -> tuple[Side, Side]:
    """Both over the nearest table from which the models select the rows of both; as they are when there is none."""
    downs = [list(_downwards(opened, each.metric)) for each in (a, b)]
    for one in downs[0]:
        for two in downs[1]:
            if one.source == two.source:
                read = pinned(opened, one, None, two)
                return _moved(opened, a, one, period, read), _moved(opened, b, two, period, read)
    return a, b


def _is_model(opened: Opened, *sides: Side) -> bool:
    """Whether a source is made by SQL that a text could be mixed with."""
    found = [opened.project.models.get(side.metric.source or "") for side in sides]
    return any(model is not None and model.kind != "script" for model in found)


def _downwards(opened: Opened, metric: Metric) -> Iterator[Metric]:
    """The metric, then the same rows said over the table behind its source, and so on."""
    workspace, warehouse = opened.workspace(), opened.ports.warehouse()
    found: Metric | None = metric
    while found is not None:
        yield found
        model = opened.project.models.get(found.source or "")
        if model is None or model.kind == "script":
            return
        found = moved_down(found, model.sql, pin([found.source or ""], workspace).schema(found.source or "", warehouse).names())


def _moved(opened: Opened, side: Side, metric: Metric, period: Period | None, read: Pinned) -> Side:
    warehouse = opened.ports.warehouse()
    _, kinds = prepared(metric, period if metric.agg_time_dimension is not None else None, (), read, warehouse)
    return msgspec.structs.replace(side, metric=metric, relations=read.relations, kinds=kinds, inputs=read.inputs)


def side(metric: Metric, period: Period | None, read: Pinned, warehouse: Warehouse, moment: str | None = None) -> Side:
    """A metric with its own number, computed by its own query. Raises what its value raises."""
    answer = evaluate(metric, period, (), read, warehouse, grain=False)
    value = exact_value(metric, answer)
    if metric.sql is not None:
        metric = _with_slots(metric, period, read, warehouse)
    _, kinds = prepared(metric, period if metric.agg_time_dimension is not None else None, (), read, warehouse)
    label = f"{metric.name} at {moment}" if moment is not None else metric.name
    old = {each.table: each.snapshot for each in read.inputs if moment is not None and each.snapshot is not None}
    return Side(metric, value, read.relations, kinds, label, answer.exact, places_of(answer), old, read.inputs, answer.definition)


def _from_file(path: Path) -> Metric:
    try:
        sql = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise NoSuchSql(f"{path} cannot be read as text", hint="name a file with one SELECT") from None
    return Metric(path.stem, sql=sql, span=Span(str(path), 1))


def _with_slots(metric: Metric, period: Period | None, read: Pinned, warehouse: Warehouse) -> Metric:
    """A plain SQL metric as slots. Raises OpaqueSql."""
    columns = {each.name: read.schema(each.name, warehouse).names() for each in read.relations}
    days = Days(period.first, period.last) if period is not None else None
    return metric_of(metric.sql or "", metric.name, columns, days, metric.span)
