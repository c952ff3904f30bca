"""All rehearsed deliveries of one source together: what the change would have refused, let in, and moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from startrail.capabilities.contracts.rehearse.one import Result
from startrail.capabilities.contracts.rehearse.scope import Proposal
from startrail.model.contract import Contract
from startrail.ports.loader import Violation

CANNOT_KNOW = (
    "History cannot know who will give up because of a stricter rule, who will fill in something just to pass, "
    "and which producers will change what they send."
)
_MOST_EXAMPLES = 10
_EACH = 3
_MOST_VALUES = 10
_MOST_DAYS = 400
_MOST_HELD = 20
_MOST_RULES = 50


class RuleTotal(msgspec.Struct, frozen=True):
    """Rows that are served now and break this rule; ``share`` of all that are served, 0 to 1."""

    rule: str
    path: str
    rows: int
    share: float
    sample: str


class ShareTotal(msgspec.Struct, frozen=True):
    """Of the rows that have this value: how many are served, break the contract, would be refused (set aside, or held
    with others that break it), would come in. ``share``: those that break it, 0 to 1."""

    value: str
    rows: int
    breaking: int
    refused: int
    let_in: int
    share: float


class SegmentTotal(msgspec.Struct, frozen=True):
    """The values of one column, those with most rows that break the contract first."""

    column: str
    values: tuple[ShareTotal, ...]


class SumTotal(msgspec.Struct, frozen=True):
    """How the sum of a column would have moved on one day, or (``day`` None) on all of them. Exact, as text."""

    column: str
    day: str | None
    sum: str
    change: str


class HeldTotal(msgspec.Struct, frozen=True):
    """A delivery that would be held, and why; ``was_held`` when it is held now."""

    delivery: str
    name: str
    rows: int
    reason: str
    was_held: bool


class Since(msgspec.Struct, frozen=True):
    """A required field of which some deliveries have no value: the first one that has some, None when none has."""

    field: str
    without: int
    """Deliveries that have none."""
    since: datetime | None = None
    name: str | None = None


class ExampleRow(msgspec.Struct, frozen=True):
    """One row that would be refused."""

    name: str
    """Of its delivery."""
    ordinal: int
    raw: str
    violations: tuple[Violation, ...]


class MetricMove(msgspec.Struct, frozen=True):
    """The value of a metric of the dictionary over a period (None: all of time) as it is, and without the rows that would
    be refused. Exact, as text; ``change`` is None where values have no difference. Rows that would come in are not in it.
    """

    metric: str
    period: str | None = None
    unit: str | None = None
    now: str | None = None
    without: str | None = None
    change: str | None = None
    beyond: str | None = None
    """Of a sum or a count over a period: how it would change outside of it; None where it would not."""
    not_measured: str | None = None
    """Why there is no number."""

    @property
    def moved(self) -> bool:
        return self.now != self.without or self.beyond is not None


class History(msgspec.Struct, frozen=True, tag_field="type", tag="history"):
    """One source under the contract as it stands now, beside what its landed deliveries came to."""

    source: str
    contract: str
    version: str
    deliveries: int
    rows: int
    """Rows that are served now."""
    quarantined: int
    """Of them, those that would be set aside."""
    held: int
    """Of them, those that would wait in held deliveries."""
    let_in: int
    """Rows that are not served now and would be."""
    refused_share: float
    """Set aside and held, of the rows that are served; 0 to 1."""
    rules: tuple[RuleTotal, ...]
    days: tuple[ShareTotal, ...]
    segments: tuple[SegmentTotal, ...]
    sums: tuple[SumTotal, ...]
    metrics: tuple[MetricMove, ...]
    """What is computed from the source by way of the dictionary; empty where no row would be refused."""
    holds: tuple[HeldTotal, ...]
    since: tuple[Since, ...]
    examples: tuple[ExampleRow, ...]
    affects: tuple[str, ...]
    """The models and reports that are made from the source."""
    read_by: tuple[str, ...]
    """Whom the contract names as consumers of the data, or of the fields whose rules would be broken."""
    reread: tuple[str, ...] | None
    """The fields that alone had to be read again; None: every field, of some delivery at least."""
    unread: tuple[str, ...]
    """Deliveries that could not be read again, and why."""
    first: datetime
    last: datetime
    cannot_know: str = CANNOT_KNOW

    @property
    def different(self) -> bool:
        """Whether anything would have been otherwise."""
        return bool(self.quarantined or self.held or self.let_in or any(not each.was_held for each in self.holds))


def total(proposal: Proposal, results: Sequence[Result], affects: tuple[str, ...], reread: tuple[str, ...] | None) -> History:
    """Without metrics. The sum of at least one delivery's results, which are in order of landing."""
    read = [result for result in results if result.unread is None]
    rows = sum(result.before.loaded for result in read)
    held = sum(result.before.loaded for result in read if _newly_held(result))
    quarantined = sum(result.compared.refused for result in read if result.held_after is None)
    rules = tuple(_rules(read, rows))
    return History(
        source=proposal.source.name,
        contract=proposal.contract.name,
        version=proposal.contract.version,
        deliveries=len(results),
        rows=rows,
        quarantined=quarantined,
        held=held,
        let_in=sum(result.compared.let_in for result in read if result.held_after is None),
        refused_share=_share(quarantined + held, rows),
        rules=rules,
        days=_shares(read, "")[:_MOST_DAYS],
        segments=tuple(_segments(read)),
        sums=tuple(_sums(read)),
        metrics=(),
        holds=tuple(_holds(read)),
        since=tuple(_since(read, proposal.contract)),
        examples=tuple(_examples(read)),
        affects=affects,
        read_by=proposal.contract.readers(rule.path for rule in rules),
        reread=reread if all(result.part for result in read) else None,
        unread=tuple(f"{result.name}: {result.unread}" for result in results if result.unread is not None),
        first=results[0].landed_at,
        last=results[-1].landed_at,
    )


def _newly_held(result: Result) -> bool:
    return result.held_after is not None and result.held_before is None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _rules(results: Iterable[Result], rows: int) -> Iterator[RuleTotal]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    samples: dict[tuple[str, str], str] = {}
    for result in results:
        for broken in result.compared.rules:
            found[broken.rule, broken.path] += broken.rows
            samples.setdefault((broken.rule, broken.path), broken.sample)
    for (rule, path), count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_RULES]:
        yield RuleTotal(rule, path, count, _share(count, rows), samples[rule, path])


def _shares(results: Iterable[Result], column: str) -> tuple[ShareTotal, ...]:
    """By value, in its order."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        gone = result.held_after is not None
        for each in result.compared.shares:
            if each.column == column:
                refused = each.rows if gone else each.refused
                let_in = 0 if gone else each.let_in
                found[each.value].update(rows=each.rows, breaking=each.refused, refused=refused, let_in=let_in)
    return tuple(
        ShareTotal(value, each["rows"], each["breaking"], each["refused"], each["let_in"], _share(each["breaking"], each["rows"]))
        for value, each in sorted(found.items())
    )


def _segments(results: Sequence[Result]) -> Iterator[SegmentTotal]:
    columns = dict.fromkeys(each.column for result in results for each in result.compared.shares if each.column)
    broken = {rule.path for result in results for rule in result.compared.rules}
    for column in columns:
        if f"$.{column}" in broken:
            continue  # it would only say again what the rule says
        values = [each for each in _shares(results, column) if each.breaking or each.let_in]
        if values:
            yield SegmentTotal(column, tuple(sorted(values, key=lambda each: (-each.breaking, -each.let_in))[:_MOST_VALUES]))


def _sums(results: Iterable[Result]) -> Iterator[SumTotal]:
    """Each column in total, then on the days on which it would have moved."""
    now: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    change: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for result in results:
        gone = result.held_after is not None
        for each in result.compared.sums:
            now[each.column, each.day] += Decimal(each.sum)
            change[each.column, each.day] -= Decimal(each.sum if gone else each.refused)
            change[each.column, each.day] += 0 if gone else Decimal(each.let_in)
    for column in dict.fromkeys(column for column, _ in now):
        days = sorted(day for name, day in now if name == column)
        moved = sum((change[column, day] for day in days), Decimal())
        if any(change[column, day] for day in days):
            yield SumTotal(column, None, _text(sum((now[column, day] for day in days), Decimal())), _text(moved))
            for day in days:
                if change[column, day]:
                    yield SumTotal(column, day, _text(now[column, day]), _text(change[column, day]))


def _text(number: Decimal) -> str:
    return f"{number:f}"


def _holds(results: Iterable[Result]) -> Iterator[HeldTotal]:
    found = [result for result in results if result.held_after is not None]
    for result in sorted(found, key=lambda each: each.held_before is not None)[:_MOST_HELD]:
        yield HeldTotal(
            result.delivery, result.name, result.after.rows_in, result.held_after or "", result.held_before is not None
        )


def _since(results: Sequence[Result], contract: Contract) -> Iterator[Since]:
    """Since when the fields exist that the contract asks for."""
    must = {field.name for field in contract.fields if field.required} | set(contract.primary_key)
    for name in dict.fromkeys(name for result in results for name in result.missing if name in must):
        first = next((result for result in results if name not in result.missing), None)
        without = sum(1 for result in results if name in result.missing)
        yield Since(name, without, None if first is None else first.landed_at, None if first is None else first.name)


def _examples(results: Iterable[Result]) -> Iterator[ExampleRow]:
    """Of the newest deliveries, a few of each rule."""
    told: Counter[tuple[str, str]] = Counter()
    count = 0
    for result in sorted(results, key=lambda each: each.landed_at, reverse=True):
        for example in result.compared.examples:
            kinds = {(violation.rule, violation.path) for violation in example.violations}
            if count == _MOST_EXAMPLES:
                return
            if all(told[kind] >= _EACH for kind in kinds):
                continue
            told.update(kinds)
            count += 1
            yield ExampleRow(result.name, example.ordinal, example.raw, example.violations)
