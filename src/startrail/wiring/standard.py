"""One definition instead of two: the change of a metric's file by which it takes over the other's slots, proven before it is
proposed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from startrail.base.errors import raise_all
from startrail.capabilities.metrics.dictionary import find
from startrail.capabilities.metrics.exchange.declaration import said
from startrail.capabilities.why.errors import NothingToTakeOver, PatchNotProven
from startrail.model.metric import Metric
from startrail.project.diff import unified
from startrail.project.metrics import read_metric
from startrail.project.scalars import Problems
from startrail.project.yaml import parse, read_text
from startrail.project.yaml_edit import put, remove, replace, value_at
from startrail.wiring import Opened
from startrail.wiring.why import gap_of_metrics

SLOTS = (
    "source", "sql", "grain", "agg", "expr", "numerator", "denominator", "agg_time_dimension", "filters", "joins", "currency",
    "dedup", "unit",
)  # fmt: skip
"""What a number depends on, as a file says it, and what it counts."""
_RANKS = ("standard", "draft", "deprecated")


class Patch(msgspec.Struct, frozen=True):
    """A proposed change that ``git apply`` takes in the project folder."""

    standard: str
    """The metric whose definition is kept."""
    changed: str
    """The one that takes it over."""
    slots: tuple[str, ...]
    """The keys of its file that change."""
    files: tuple[str, ...]
    diff: str


def patch(opened: Opened, a: str, b: str, period: str | None) -> Patch:
    """The change that makes one definition the standard: the one that is so already, or else the first named.

    Proven by asking ``why`` about the changed files: no difference is left, in text or in number. Raises NothingToTakeOver,
    PatchNotProven, CannotEdit (ST384), and what ``why`` raises.
    """
    one, two = (find(name, opened.project.metrics) for name in (a, b))
    keep, other = (one, two) if _RANKS.index(one.status) <= _RANKS.index(two.status) else (two, one)
    wanted = _taken_over(keep, other)
    if not wanted:
        raise NothingToTakeOver(f"{keep.name} and {other.name} say the same already", hint=f"startrail metric show {keep.name}")
    texts = {each.span.file: _text(opened, each) for each in (keep, other)}
    after = dict(texts)
    if keep.status != "standard":
        after[keep.span.file] = put(after[keep.span.file], ("status",), "standard")
    for key, value in wanted.items():
        after[other.span.file] = _changed(after[other.span.file], key, value)
    gap = gap_of_metrics(opened, _read(after, keep), _read(after, other), period, check=True)
    if gap.gap or gap.lines or gap.without_effect:
        raise PatchNotProven(
            f"with the slots of {keep.name}, {other.name} would still differ by {gap.gap:f}",
            at=other.span,
            affects="nothing is proposed",
            hint=f"startrail metric sql {keep.name}, and the same of {other.name}, show both",
        )
    diff = "".join(unified(path, texts[path], after[path]) for path in sorted(texts))
    changed = tuple(path for path in sorted(texts) if texts[path] != after[path])
    return Patch(keep.name, other.name, tuple(wanted), changed, diff)


def _taken_over(keep: Metric, other: Metric) -> dict[str, Any]:
    """The keys that change in the other's file, and their values; None takes a key out."""
    ours, theirs = said(keep), said(other)
    wanted = {key: ours.get(key) for key in SLOTS if ours.get(key) != theirs.get(key)}
    if {"source", "sql", "joins"} & wanted.keys() and ours.get("dimensions") != theirs.get("dimensions"):
        wanted["dimensions"] = ours.get("dimensions")  # those of other tables may not be there
    return wanted


def _changed(text: str, key: str, value: Any) -> str:
    if value is not None:
        return replace(text, (key,), value)
    return text if value_at(text, (key,)) is None else remove(text, (key,))


def _text(opened: Opened, metric: Metric) -> str:
    path = Path(opened.project.root) / metric.span.file
    return read_text(path.read_bytes(), metric.span.file)


def _read(texts: dict[str, str], metric: Metric) -> Metric:
    """The metric as its changed file says it. Raises what reading the file raises."""
    problems: Problems = []
    found = read_metric(parse(texts[metric.span.file], metric.span.file), metric.name, problems)
    raise_all(problems)
    assert found is not None, "without a problem there is a metric"
    return found
