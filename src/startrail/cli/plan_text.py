"""What history says, as text for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from startrail.base.text import printable
from startrail.capabilities.contracts.rehearse.total import History, MetricMove, SegmentTotal, ShareTotal, SumTotal

_MOST_DAYS = 7
_MOST_RULES = 10
_MOST_VALUES = 6
_MOST_HELD = 5
_MOST_METRICS = 20
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def text(history: History) -> str:
    """Lines as ``plan`` prints them, data made safe."""
    return "\n".join(_lines(history))


def percent(share: float) -> str:
    """``0.04%``, ``12.5%``; what is not nothing is never shown as 0%."""
    if 0 < share < 0.0001:
        return "<0.01%"
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


def count(number: int, word: str) -> str:
    """``1 row``, ``2 rows``."""
    plural = "deliveries" if word == "delivery" else word + "s"
    return f"{number:,} {word if number == 1 else plural}"


def what_changes(history: History) -> list[str]:
    """The verdicts in words, each with its rows."""
    if not history.different:
        return ["nothing would have been otherwise"]
    found = []
    if history.quarantined:
        found.append(f"{count(history.quarantined, 'row')} would be quarantined ({percent(history.quarantined / history.rows)})")
    holds = sum(not each.was_held for each in history.holds)
    if holds:
        found.append(f"{count(holds, 'delivery')} with {count(history.held, 'row')} would be held")
    if history.let_in:
        found.append(f"{count(history.let_in, 'row')} would come in that are out now")
    return found


def since(history: History) -> Iterator[str]:
    """Since when the fields exist that the contract asks for."""
    for each in history.since:
        name = printable(each.field, 60)
        if each.since is None:
            yield f"no delivery in this time has a value of {name}"
        else:
            yield (
                f"{name} has values since {each.since:%Y-%m-%d} ({printable(each.name or '', 80)}); "
                f"{count(each.without, 'delivery')} {'has' if each.without == 1 else 'have'} none"
            )


def _lines(history: History) -> Iterator[str]:
    name, contract = history.source, f"{history.contract} {printable(history.version, 40)}"
    yield f"  history  {name} under contract {contract}"
    fields = "every field" if history.reread is None else "only " + ", ".join(printable(f, 60) for f in history.reread)
    yield (
        f"      {count(history.deliveries, 'delivery')} landed {history.first:%Y-%m-%d} to {history.last:%Y-%m-%d}, "
        f"{count(history.rows, 'row')} loaded; read again: {fields}"
    )
    for sentence in what_changes(history):
        yield f"      {sentence}"
    for rule in history.rules[:_MOST_RULES]:
        sample = f", such as {printable(rule.sample, 80)}" if rule.sample else ""
        yield f"        {rule.rows:>10,} {percent(rule.share):>7}  {rule.rule} at {printable(rule.path, 60)}{sample}"
    yield from (f"      {sentence}" for sentence in since(history))
    for held in [each for each in history.holds if not each.was_held][:_MOST_HELD]:
        yield f"      held: {printable(held.name, 60)}: {printable(held.reason, 300)}"
    yield from _days(history.days)
    for segment in history.segments:
        yield f"      rows that break it by {printable(segment.column, 40)}: {_values(segment)}"
    for total in [each for each in history.sums if each.day is None]:
        yield f"      {moved(total, history)}"
    yield from (f"      {sentence}" for sentence in metrics(history))
    for example in history.examples:
        broken = "; ".join(f"{v.rule} at {printable(v.path, 60)}, got {printable(v.got, 60)}" for v in example.violations[:3])
        yield f"      for example {printable(example.name, 60)} record {example.ordinal}: {broken}"
        yield f"        {printable(' '.join(example.raw.split()), 160)}"
    if history.affects:
        yield f"      affects {', '.join(history.affects)}"
    if history.read_by:
        yield f"      read by {', '.join(printable(name, 80) for name in history.read_by)}"
    for unread in history.unread[:_MOST_HELD]:
        yield f"      not read again: {printable(unread, 200)}"
    yield f"      {history.cannot_know}"


def moved(total: SumTotal, history: History) -> str:
    """How a sum would have moved, on how many days."""
    days = sum(1 for each in history.sums if each.column == total.column and each.day is not None)
    more, size = ("more", total.change) if not total.change.startswith("-") else ("less", total.change[1:])
    return f"sum of {printable(total.column, 60)}: {size} {more} of {total.sum}, on {count(days, 'day')}"


def metrics(history: History) -> Iterator[str]:
    """The dictionary's metrics that would have moved, and those of which that cannot be said."""
    found = [each for each in history.metrics if each.moved or each.not_measured is not None]
    for each in found[:_MOST_METRICS]:
        yield _metric(each)
    if len(found) > _MOST_METRICS:
        yield f"and {count(len(found) - _MOST_METRICS, 'other metric')}"
    still = len(history.metrics) - len(found)
    if still:
        yield f"{count(still, 'metric')} would have the same value"
    if history.let_in and any(each.not_measured is None for each in history.metrics):
        yield "rows that would come in are not in the metrics' values"


def _metric(move: MetricMove) -> str:
    if move.not_measured is not None:
        return f"metric {move.metric}: not measured: {printable(move.not_measured, 200)}"
    unit = f" {printable(move.unit, 20)}" if move.unit else ""
    change = f" ({_signed(move.change)})" if move.change is not None else ""
    over = f", {move.period}" if move.period is not None else ""
    beyond = f"; {_signed(move.beyond)} on other days" if move.beyond is not None else ""
    return f"metric {move.metric}: {_grouped(move.now)} -> {_grouped(move.without)}{unit}{change}{over}{beyond}"


def _grouped(value: str | None) -> str:
    """With commas between thousands where it is a number."""
    if value is None:
        return "none"
    whole, dot, rest = value.partition(".")
    return f"{int(whole):,}{dot}{rest}" if _NUMBER.fullmatch(value) and whole != "-0" else printable(value, 60)


def _signed(change: str) -> str:
    return _grouped(change) if change.startswith("-") else f"+{_grouped(change)}"


def _days(days: Sequence[ShareTotal]) -> Iterator[str]:
    """The days with most rows that would be refused or come in."""
    found = sorted((day for day in days if day.refused or day.let_in), key=lambda day: (-day.refused, -day.let_in, day.value))
    for day in sorted(found[:_MOST_DAYS], key=lambda day: day.value):
        come = f", {day.let_in:,} come in" if day.let_in else ""
        share = percent(day.refused / day.rows if day.rows else 0)
        refused = f"{day.refused:>10,} of {count(day.rows, 'row')} refused ({share})"
        yield f"      {printable(day.value, 20):<10} {refused}{come}"
    if len(found) > _MOST_DAYS:
        yield f"      and {count(len(found) - _MOST_DAYS, 'other day')}"


def _values(segment: SegmentTotal) -> str:
    shown = [
        f"{printable(each.value, 40)} {each.breaking:,} of {each.rows:,} ({percent(each.share)})"
        + (f", {each.let_in:,} come in" if each.let_in else "")
        for each in segment.values[:_MOST_VALUES]
    ]
    return "; ".join(shown)
