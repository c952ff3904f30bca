"""Evidence: what exactly refused records hold where they break their contract, from a trial of the landed bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.load import raw_schema, task_of, weighed
from startrail.capabilities.contracts.quarantine.replay import Replay
from startrail.capabilities.contracts.records import Unreadable, parse
from startrail.model.drift import DriftKind
from startrail.ports.loader import Judged, Loader

MOST_VALUES = 200
"""Different values kept of one rule at one path."""
_REFUSING = ("quarantine", "hold", "stop")
_INDEX = re.compile(r"\[[0-9]+\]")
_PART = re.compile(r"\.([^.\[\]]+)|\[([0-9]*)\]")


class Evidence(msgspec.Struct, frozen=True):
    """One rule that is broken at one path (``$.items[].price`` for all items). ``values``: the different ones found
    there, parsed, numbers as :class:`JsonNumber`. ``sample`` is what loading tells of it."""

    rule: DriftKind
    path: str
    rows: int
    of: int
    """Rows of the deliveries that show it."""
    values: tuple[Any, ...] = ()
    more: bool = False
    """True when there are further values."""
    sample: str = ""
    textual: bool = False
    """From CSV, where every value is text."""


class Witness:
    """A judge that remembers what the records it refuses hold."""

    def __init__(self, judge: RecordJudge) -> None:
        self._judge = judge
        self.values: dict[tuple[DriftKind, str], dict[str, Any]] = {}
        self.more: set[tuple[DriftKind, str]] = set()

    def __call__(self, raw: bytes) -> Judged:
        judged = self._judge(raw)
        if judged.violations:
            try:
                tree = parse(raw)
            except Unreadable:
                return judged
            for violation in judged.violations:
                self._remember(violation.rule, violation.path, tree)
        return judged

    def _remember(self, rule: DriftKind, path: str, tree: Any) -> None:
        key = (rule, _INDEX.sub("[]", path))
        known = self.values.setdefault(key, {})
        for value in _values(tree, _PART.findall(path)):
            text = repr(value)
            if text in known or value is None:
                continue
            if len(known) >= MOST_VALUES:
                self.more.add(key)
            else:
                known[text] = value


def gather(replay: Replay, loader: Loader) -> tuple[Evidence, ...]:
    """What keeps the delivery's refused or held rows out as things stand; writes nothing. Raises what loaders raise."""
    delivery, source, contract = replay.standing.delivery, replay.source, replay.contract
    task, judge = task_of(delivery, source, contract, raw_schema(contract), replay.redo)
    witness = Witness(judge)
    with loader.load(task, witness, lambda *_: None) as outcome:
        found = weighed(outcome, delivery, source, contract, replay.past)
    return tuple(
        Evidence(
            finding.kind,
            finding.path,
            finding.rows,
            outcome.rows_in,
            tuple(witness.values.get((finding.kind, finding.path), {}).values()),
            (finding.kind, finding.path) in witness.more,
            finding.sample,
            delivery.media.startswith("csv"),
        )
        for finding in found.findings
        if finding.verb in _REFUSING
    )


def together(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence of several deliveries under one contract, once for each rule and path."""
    merged: dict[tuple[str, str], Evidence] = {}
    for each in found:
        before = merged.get((each.rule, each.path))
        merged[each.rule, each.path] = each if before is None else _both(before, each)
    return tuple(merged.values())


def _both(one: Evidence, other: Evidence) -> Evidence:
    values = tuple({repr(value): value for value in (*one.values, *other.values)}.values())
    return msgspec.structs.replace(
        one,
        rows=one.rows + other.rows,
        of=one.of + other.of,
        values=values[:MOST_VALUES],
        more=one.more or other.more or len(values) > MOST_VALUES,
        textual=one.textual and other.textual,
    )


def _values(tree: Any, parts: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """What stands at a path of a record; at every item where the path says ``[]``."""
    if not parts:
        yield tree
        return
    (name, index), rest = parts[0], parts[1:]
    if name:
        inner = [tree[name]] if isinstance(tree, dict) and name in tree else []
    else:
        items = tree if isinstance(tree, list) else []
        inner = items[int(index) : int(index) + 1] if index else items
    for each in inner:
        yield from _values(each, rest)
