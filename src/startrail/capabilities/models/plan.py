"""Which partitions of which models are missing or stale, and why. Pure: versions in, steps out.

A partition's step covers the model's code and the versions of exactly the input partitions it reads: where
the SQL confines an input to ``[$start, $end)`` on the column that input is partitioned by, only the
overlapping partitions count; otherwise the whole table does. The version of a built partition *is* the key
of the step that built it, so "up to date" is one comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.time import partition_bounds, partition_name, partitions_between
from startrail.base.units import parse_duration
from startrail.capabilities.models.errors import NoPartitions
from startrail.capabilities.models.survey import Partitioning, Survey
from startrail.flow.workspace import table_version
from startrail.ledger.canonical import canonical_json
from startrail.model.model import Model
from startrail.model.step import Step
from startrail.model.table import WHOLE

Versions = Mapping[str, Mapping[str, str]]
"""Table -> partition -> version."""

UNDATED = "null"
"""The partition of rows whose time is null: no model partition reads it."""


class Input(msgspec.Struct, frozen=True):
    """One table that a model depends on, through views too. ``by``: its partitioning, when a window confines it."""

    table: str
    by: Partitioning | None


def inputs_of(name: str, survey: Survey, views: frozenset[str], grain: str = "day") -> tuple[list[Input], list[str]]:
    """The base tables behind a model's reads, and the fingerprints of the views on the way."""
    tables: dict[tuple[str, str | None], Input] = {}
    codes: set[str] = set()

    def follow(reader: str, columns: Mapping[str, str | None]) -> None:
        for table in survey.analyses[reader].reads:
            column = columns.get(table)
            maker = survey.maker.get(table)
            if maker is not None and maker in views:
                codes.add(f"{maker}={survey.analyses[maker].fingerprint}")
                follow(maker, _through(survey, maker, column))
            else:
                by = survey.partitioning.get(table)
                confined = by if by is not None and column is not None and by.column == column else None
                tables[table, column if confined else None] = Input(table, confined)

    own = survey.analyses[name]
    # A cast to a date forgets the hour, so it confines nothing smaller than a day.
    follow(name, {table: column for table, column in own.windows.items() if grain != "hour" or table not in own.day_windows})
    return [tables[key] for key in sorted(tables, key=str)], sorted(codes)


def _through(survey: Survey, view: str, column: str | None) -> dict[str, str | None]:
    """The column of the view's own input that a window on ``column`` of the view confines."""
    if column is None:
        return {}
    passed = survey.analyses[view].passes.get(column)
    return {} if passed is None else {passed[0]: passed[1]}


def code_of(model: Model, survey: Survey, engine: str) -> str:
    """The half of a build step's fingerprint that changes when somebody edits the model."""
    promises = canonical_json(model.columns)
    shape = f"{model.kind} {model.partition_by} {model.partition_grain}"
    return fingerprint(survey.analyses[model.name].fingerprint, shape, promises, engine)


def steps_of(
    model: Model, survey: Survey, views: frozenset[str], versions: Versions, engine: str, now: datetime
) -> list[Step] | None:
    """All steps that should be done for this model as things stand; None while an input does not exist yet."""
    code = code_of(model, survey, engine)
    if model.kind == "view":
        return [Step("build", model.name, WHOLE, code, "")]
    inputs, codes = inputs_of(model.name, survey, views, model.partition_grain)
    if any(not versions.get(item.table) for item in inputs if item.table != model.name):
        return None
    if model.kind != "partition":
        return [Step("build", model.name, WHOLE, code, _fingerprint(inputs, codes, versions, None))]
    grain = model.partition_grain
    return [
        Step("build", model.name, part, code, _fingerprint(inputs, codes, versions, partition_bounds(part, grain)))
        for part in partitions_of(model, inputs, versions, now)
    ]


def check_step(model: Model, survey: Survey, views: frozenset[str], versions: Versions, engine: str) -> Step:
    """The step that judges the model's rows as they stand in ``versions``: another version, or other checks, another step."""
    spans = [msgspec.structs.replace(check, span=None) for check in model.checks]  # where a check stands does not count
    code = fingerprint(canonical_json(spans), engine)
    if model.kind != "view":
        return Step("check", model.name, WHOLE, code, table_version(versions.get(model.name, {})))
    inputs, codes = inputs_of(model.name, survey, views)
    data = fingerprint(code_of(model, survey, engine), _fingerprint(inputs, codes, versions, None))
    return Step("check", model.name, WHOLE, code, data)


def partitions_of(model: Model, inputs: list[Input], versions: Versions, now: datetime) -> list[str]:
    """The partitions that should exist, in order. Raises NoPartitions when nothing says which."""
    grain = model.partition_grain
    if grain == "list":
        raise NoPartitions(
            f"model '{model.name}' is partitioned by list, which cannot be planned yet",
            at=model.span,
            hint="use hour, day, week or month",
        )
    if model.start is not None:
        first = datetime.fromisoformat(model.start)
        return partitions_between(first, now.replace(tzinfo=None), grain)
    confined = [item for item in inputs if item.by is not None]
    if not confined:
        raise NoPartitions(
            f"nothing says which partitions of '{model.name}' should exist",
            at=model.span,
            affects=f"model '{model.name}'",
            hint="confine an input to its partitions (column >= $start and column < $end), or declare 'start: 2026-01-01'",
        )
    names: set[str] = set()
    for item in confined:
        assert item.by is not None
        for part in versions.get(item.table, {}):
            if part not in (WHOLE, UNDATED):
                start, end = partition_bounds(part, item.by.grain)
                names.update(_covering(start, end, grain))
    return sorted(names)


def _covering(start: datetime, end: datetime, grain: str) -> Iterator[str]:
    """Partitions of ``grain`` that overlap [start, end)."""
    at = start
    while at < end:
        name = partition_name(at, grain)
        yield name
        at = partition_bounds(name, grain)[1]  # the calendar's last instant ends every range


def _fingerprint(inputs: list[Input], codes: list[str], versions: Versions, bounds: tuple[datetime, datetime] | None) -> str:
    parts: list[str] = list(codes)
    for item in inputs:
        known = versions.get(item.table, {})
        if bounds is None or item.by is None:
            parts.append(f"{item.table}={table_version(known)}")
        else:
            parts.extend(f"{item.table}/{name}={known.get(name, '-')}" for name in _covering(*bounds, item.by.grain))
    return fingerprint(parts)


def beyond_lookback(model: Model, parts: list[str]) -> frozenset[str]:
    """Partitions that late data does not reopen by itself: those older than the newest by more than the lookback."""
    if model.lookback is None or not parts:
        return frozenset()
    newest = partition_bounds(parts[-1], model.partition_grain)[0]
    edge = newest - parse_duration(model.lookback)
    return frozenset(part for part in parts if partition_bounds(part, model.partition_grain)[0] < edge)
