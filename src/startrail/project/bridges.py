"""What bridges between metrics may say: where they lead, and which words name a cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.model.metric import Bridge, Metric
from startrail.model.project import Project
from startrail.model.why import SLOT_WORDS
from startrail.project import errors
from startrail.project.scalars import Problems

Place = Callable[..., Span]
"""(file, key or position, ...) -> where its value stands."""


def check_bridges(project: Project, place: Place, problems: Problems) -> None:
    """A bridge leads to another metric that has periods, and its causes are words for slots of these two."""
    for metric in project.metrics.values():
        file, affects = metric.span.file, f"metric {metric.name}"
        for at, bridge in enumerate(metric.bridges):
            other = project.metrics.get(bridge.to)
            if other is None or other is metric:
                problems.append(_nowhere(metric, bridge, project, place(file, "bridges", at, "to"), affects))
                continue
            if other.agg_time_dimension is None and other.sql is None:
                message = f"a bridge of {metric.name} leads to {other.name}, which has no periods"
                hint = "give that metric agg_time_dimension: {column: ...}, or remove the bridge"
                problems.append(errors.BadValue(message, at=place(file, "bridges", at, "to"), affects=affects, hint=hint))
            for position, cause in enumerate(bridge.causes):
                known = _known(cause, metric, other)
                if known is not None:
                    message = f"'{printable(cause, 60)}' is no slot in which {metric.name} and {other.name} may differ"
                    span = place(file, "bridges", at, "causes", position)
                    hint = did_you_mean(cause, known, "see startrail why A B for the names of causes")
                    problems.append(errors.UnknownWord(message, at=span, affects=affects, hint=hint))


def _nowhere(metric: Metric, bridge: Bridge, project: Project, at: Span, affects: str) -> errors.UnknownReference:
    what = "itself" if bridge.to == metric.name else f"'{printable(bridge.to, 80)}', which is no metric"
    hint = did_you_mean(bridge.to, project.metrics.keys() - {metric.name}, "name another metric")
    return errors.UnknownReference(f"a bridge of {metric.name} leads to {what}", at=at, affects=affects, hint=hint)


def _known(cause: str, a: Metric, b: Metric) -> list[str] | None:
    """None for a cause that these metrics may have; else the words that may stand there."""
    word, _, name = cause.strip().partition(" ")
    named = [*(f"filter {each}" for each in _filters(a, b)), *(f"join {each}" for each in _joins(a, b))]
    if word not in SLOT_WORDS or (name and word not in ("filter", "join")):
        return [*SLOT_WORDS, *named]
    # What is plain SQL, or said over a table behind a model, gets names for its conditions on the way.
    if not name or a.source is None or a.source != b.source or f"{word} {name.split()[0]}" in named:
        return None
    return [each for each in named if each.startswith(word)] or [word]


def _filters(*metrics: Metric) -> Iterator[str]:
    for metric in metrics:
        yield from (each.name.split()[0] for each in metric.filters if each.name.split())


def _joins(*metrics: Metric) -> Iterator[str]:
    for metric in metrics:
        yield from (each.name for each in metric.joins)
