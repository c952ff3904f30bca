"""The dictionary: every metric with its owner, definition, version, and who reads the same table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.metrics.definition import Definition
from startrail.capabilities.metrics.errors import UnknownMetric
from startrail.model.metric import Metric, Part, as_names


class Entry(msgspec.Struct, frozen=True, tag_field="type", tag="metric"):
    """One metric as a reader sees it. ``formula`` and ``conditions`` say the definition in one line each."""

    metric: str
    status: str
    owner: str | None
    description: str | None
    formula: str
    conditions: tuple[str, ...]
    time: str | None
    unit: str | None
    version: str
    tables: tuple[str, ...]
    dimensions: tuple[str, ...]
    readers: tuple[str, ...]
    """Models and reports that read the metric's source."""
    bridges: tuple[str, ...]
    file: str


def find(name: str, metrics: Mapping[str, Metric]) -> Metric:
    """The metric of this name. Raises UnknownMetric."""
    if name not in metrics:
        hint = did_you_mean(name, metrics, "startrail metric list")
        raise UnknownMetric(f"the project has no metric '{printable(name, 80)}'", hint=hint)
    return metrics[name]


def dictionary(
    metrics: Mapping[str, Metric],
    known: Mapping[str, Definition],
    reading: Mapping[str, frozenset[str]],
    makers: Mapping[str, str],
    search: Iterable[str] = (),
) -> list[Entry]:
    """All entries that contain every word of ``search``, standard ones first.

    ``reading``: name of a model, report or metric -> names it is made from. ``makers``: table -> the name that makes it.
    """
    words = [word.lower() for word in search]
    entries = [_entry(metric, known[metric.name], reading, makers, metrics) for metric in metrics.values()]
    found = [entry for entry in entries if all(word in _text(entry) for word in words)]
    return sorted(found, key=lambda entry: (("standard", "draft", "deprecated").index(entry.status), entry.metric))


def markdown(entries: Iterable[Entry]) -> str:
    """The entries as a page."""
    lines = ["# Dictionary of metrics", ""]
    for entry in entries:
        lines += [f"## {entry.metric}", "", entry.description or "", ""] if entry.description else [f"## {entry.metric}", ""]
        lines += ["| | |", "| --- | --- |"]
        for word, text in rows_of(entry):
            lines.append(f"| {word} | {_cell(text)} |")
        lines.append("")
    return "\n".join(lines)


def rows_of(entry: Entry) -> list[tuple[str, str]]:
    """What an entry says, as words and texts; what it does not say is left out."""
    rows = [
        ("status", entry.status), ("owner", entry.owner), ("is", entry.formula), ("where", " and ".join(entry.conditions)),
        ("period", entry.time), ("unit", entry.unit), ("split by", ", ".join(entry.dimensions)),
        ("tables", ", ".join(entry.tables)), ("also read by", ", ".join(entry.readers)),
        ("bridges to", ", ".join(entry.bridges)), ("version", entry.version[:12]), ("file", entry.file),
    ]  # fmt: skip
    return [(word, text) for word, text in rows if text]


def _entry(
    metric: Metric,
    known: Definition,
    reading: Mapping[str, frozenset[str]],
    makers: Mapping[str, str],
    metrics: Mapping[str, Metric],
) -> Entry:
    source = known.reads[0] if known.reads else ""
    maker = makers.get(source, source)
    return Entry(
        metric=metric.name,
        status=metric.status,
        owner=metric.owner,
        description=" ".join(metric.description.split()) if metric.description else None,
        formula=_formula(metric),
        conditions=tuple(" ".join(filter.sql.split()) for filter in metric.filters),
        time=_time(metric),
        unit=metric.unit or (metric.currency.to if metric.currency else None),
        version=known.version,
        tables=known.reads,
        dimensions=metric.dimensions,
        readers=tuple(sorted(name for name, made_from in reading.items() if maker in made_from and name not in metrics)),
        bridges=tuple(bridge.to for bridge in metric.bridges),
        file=metric.span.file,
    )


def _formula(metric: Metric) -> str:
    if metric.sql is not None:
        return " ".join(metric.sql.split())
    if metric.agg == "ratio" and metric.numerator is not None and metric.denominator is not None:
        inner = f"{_side(metric.numerator)} / {_side(metric.denominator)}"
    else:
        inner = f"{metric.agg}({metric.expr or '*'})"
    currency = f", in {metric.currency.to} at the {metric.currency.kind} rate" if metric.currency else ""
    dedup = f", one row per {', '.join(as_names(metric.dedup.key))}" if metric.dedup else ""
    return " ".join(f"{inner} over {metric.source}{currency}{dedup}".split())


def _side(part: Part) -> str:
    conditions = " and ".join(each.sql for each in part.filters)
    return f"{part.agg}({part.expr or '*'})" + (f" where {conditions}" if conditions else "")


def _time(metric: Metric) -> str | None:
    time = metric.agg_time_dimension
    if time is None:
        return None
    cutoff = f", arrived within {time.late_cutoff}" if time.late_cutoff else ""
    return f"{time.column} in {time.timezone}, {time.bounds}{cutoff}"


def _text(entry: Entry) -> str:
    return " ".join([entry.description or "", *(text for _, text in rows_of(entry)), entry.metric]).lower()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
