"""``metrics/**/*.yml``: entries of the dictionary, and what they say about the rest of the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.model.metric import TIME_GRAINS, Metric, Part, as_names
from startrail.model.project import Project
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")
_ALIAS = re.compile(r"[a-z][a-z0-9_]*")
Place = Callable[..., Span]
"""(file, key, ...) -> where its value stands."""


def metric_path_name(path: str) -> str:
    """``metrics/finance/net_revenue.yml`` -> ``finance.net_revenue``: the name when the file gives none."""
    return path.partition("/")[2].rpartition(".")[0].replace("/", ".")


def read_metric(node: Node, name: str, problems: Problems) -> Metric | None:
    """One entry. ``name`` is what the path says; a ``metric`` in the file counts before it."""
    own = isinstance(node.value, dict) and "metric" in node.value
    metric = decode(node, Metric, problems, what=f"metric {name}", given={} if own else {"name": name})
    if metric is None:
        return None
    before = len(problems)
    for key, message, hint in _contradictions(metric):
        at = node.place(key) if node.find(key) is not None else metric.span
        problems.append(errors.BadValue(message, at=at, hint=hint))
    return metric if len(problems) == before else None


def named(metrics: dict[str, Metric], problems: Problems) -> dict[str, Metric]:
    """By their own names; a name is taken by the first file."""
    found: dict[str, Metric] = {}
    for metric in metrics.values():
        if metric.name in found:
            problems.append(
                errors.NameTaken(
                    f"'{metric.name}' is declared twice",
                    at=metric.span,
                    affects=f"metric {metric.name}",
                    hint=f"the other one is {found[metric.name].span.file}",
                )
            )
        else:
            found[metric.name] = metric
    return dict(sorted(found.items()))


def check_metrics(project: Project, tables: Collection[str], complete: bool, place: Place, problems: Problems) -> None:
    """Tables that a metric names must be there. A script may make tables that only its SQL names."""
    scripts = any(model.kind == "script" for model in project.models.values())
    for metric in project.metrics.values():
        file, affects = metric.span.file, f"metric {metric.name}"
        for key, table in _tables(metric):
            if table not in tables and complete and not scripts:
                problems.append(
                    errors.UnknownReference(
                        f"there is no table '{printable(table, 80)}'",
                        at=place(file, *key),
                        affects=affects,
                        hint=did_you_mean(table, tables, "name a model, or a raw table that a source loads into"),
                    )
                )


def check_metric_names(project: Project, place: Place, problems: Problems) -> None:
    """One name means one thing: commands take names of all of them."""
    for metric in project.metrics.values():
        for word, taken in (("source", project.sources), ("model", project.models), ("report", project.reports)):
            if metric.name in taken:
                problems.append(
                    errors.NameTaken(
                        f"'{metric.name}' is already a {word}",
                        at=place(metric.span.file, "metric"),
                        affects=f"metric {metric.name}",
                        hint="call the metric something else, as finance.net_revenue",
                    )
                )


def _tables(metric: Metric) -> Iterator[tuple[tuple[str, ...], str]]:
    if metric.source is not None:
        yield ("source",), metric.source
    for join in metric.joins:
        yield ("joins",), join.to
    if metric.currency is not None:
        yield ("currency", "rates"), metric.currency.rates


def _contradictions(metric: Metric) -> Iterator[tuple[str, str, str]]:
    """Key, what is wrong, and what to do."""
    if _NAME.fullmatch(metric.name) is None:
        hint = "use lower-case letters, digits and underscores, with dots between, as finance.net_revenue"
        yield "metric", f"'{printable(metric.name, 80)}' cannot be a metric's name", hint
    if (metric.source is None) == (metric.sql is None):
        which = "neither source nor sql" if metric.source is None else "both source and sql"
        yield "source", f"{metric.name} has {which}", "keep exactly one"
    if metric.sql is not None:
        yield from _plain(metric)
        return
    yield from _aggregate(metric)
    yield from _time(metric)
    yield from _joins(metric)
    yield from _twice(metric)


def _plain(metric: Metric) -> Iterator[tuple[str, str, str]]:
    """Beside ``sql`` only what describes it may stand."""
    given = (
        ("grain", metric.grain), ("expr", metric.expr), ("numerator", metric.numerator), ("denominator", metric.denominator),
        ("filters", metric.filters), ("joins", metric.joins), ("currency", metric.currency), ("dedup", metric.dedup),
        ("dimensions", metric.dimensions),
    )  # fmt: skip
    for key, value in given:
        if value:
            yield key, f"'{key}' says nothing about a metric of plain sql", f"remove '{key}', or declare source instead of sql"


def _aggregate(metric: Metric) -> Iterator[tuple[str, str, str]]:
    sides: tuple[tuple[str, Part | None], ...] = (("numerator", metric.numerator), ("denominator", metric.denominator))
    if metric.agg == "ratio":
        for key, side in sides:
            if side is None:
                yield "agg", f"a ratio needs '{key}'", f"add {key}: {{agg: sum, expr: ...}}"
            elif side.expr is None and side.agg != "count":
                yield key, f"the {key} has no 'expr'", "say of what: expr: amount"
        if metric.expr is not None:
            yield "expr", "a ratio has no 'expr' of its own", "put it into numerator and denominator"
        return
    for key, side in sides:
        if side is not None:
            yield key, f"'{key}' belongs to a ratio, and this is a {metric.agg}", f"remove '{key}', or write agg: ratio"
    if metric.expr is None and metric.agg != "count":
        yield "agg", f"'{metric.agg}' needs an 'expr'", "say of what: expr: amount"


def _time(metric: Metric) -> Iterator[tuple[str, str, str]]:
    time = metric.agg_time_dimension
    if time is None:
        if metric.record is not None or metric.bridges:
            key = "record" if metric.record is not None else "bridges"
            yield key, f"'{key}' needs periods, and the metric has no time column", "add agg_time_dimension: {column: ...}"
        return
    if (time.late_cutoff is None) != (time.arrival is None):
        yield "agg_time_dimension", "late_cutoff and arrival belong together", "give both, or neither"


def _joins(metric: Metric) -> Iterator[tuple[str, str, str]]:
    aliases = [metric.alias.lower(), *(join.name.lower() for join in metric.joins)]
    for join in metric.joins:
        if _ALIAS.fullmatch(join.name) is None or aliases.count(join.name.lower()) > 1:
            hint = "give it an alias of its own: alias: billing"
            yield "joins", f"'{printable(join.name, 60)}' cannot be the name of a joined table here", hint
        if join.on_fanout == "fail" and join.cardinality.endswith("many"):
            message = f"the join with {join.to} is {join.cardinality} and forbids that rows multiply"
            yield "joins", message, "write on_fanout: allow or dedup, or cardinality: many_to_one"
        if as_names(join.order_by) and join.on_fanout != "dedup":
            yield "joins", f"order_by of the join with {join.to} has no effect", "write on_fanout: dedup, or remove it"


def _twice(metric: Metric) -> Iterator[tuple[str, str, str]]:
    names = [filter.name for filter in metric.filters]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "filters", f"two filters are named '{printable(name, 60)}'", "give each its own name"
    for name in sorted({name for name in metric.dimensions if metric.dimensions.count(name) > 1}):
        yield "dimensions", f"the dimension '{printable(name, 60)}' is there twice", "keep one"
    for name in metric.dimensions:
        if name in TIME_GRAINS:
            yield "dimensions", f"'{name}' is a size of periods", "call the column something else, in a view"
    if metric.dedup is not None and not (as_names(metric.dedup.key) and as_names(metric.dedup.order_by)):
        yield "dedup", "dedup needs a key and an order", "such as {key: order_id, order_by: loaded_at desc}"
