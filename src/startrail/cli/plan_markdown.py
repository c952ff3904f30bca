"""What history says, as Markdown for a pull request: escaped, bounded, a table for each question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from startrail.base.text import printable
from startrail.capabilities.contracts.rehearse.total import History, ShareTotal
from startrail.cli.plan_text import count, metrics, moved, percent, since, what_changes

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@:-])")
_MOST_DAYS = 31
_MOST_ROWS = 20


def page(histories: Sequence[History]) -> str:
    """One section for each changed contract."""
    if not histories:
        return "No contract differs from the one that its last delivery was loaded under.\n"
    return "\n".join(line for history in histories for line in _section(history))


def safe(text: str, limit: int = 120) -> str:
    """Data as Markdown that shows it: no mark-up, no mention, no link, no line break."""
    return _SPECIAL.sub(r"\\\1", printable(text, limit)).replace("\\@", "&#64;").replace("\\<", "&lt;").replace("\\&", "&amp;")


def _section(history: History) -> Iterator[str]:
    yield f"### {safe(history.source)}: contract {safe(history.contract)} {safe(history.version, 40)} on its own history"
    yield ""
    yield (
        f"{count(history.deliveries, 'delivery')} landed {history.first:%Y-%m-%d} to {history.last:%Y-%m-%d}, "
        f"{count(history.rows, 'row')} loaded."
    )
    yield ""
    yield from (f"- **{sentence}**" for sentence in what_changes(history))
    yield from (f"- {safe(sentence, 300)}" for sentence in since(history))
    yield from (f"- {safe(moved(each, history), 300)}" for each in history.sums if each.day is None)
    yield from (f"- {safe(each, 300)}" for each in metrics(history))
    if history.affects:
        yield f"- affects {', '.join(map(safe, history.affects[:_MOST_ROWS]))}"
    if history.read_by:
        yield f"- read by {', '.join(map(safe, history.read_by[:_MOST_ROWS]))}"
    yield from (f"- not read again: {safe(each, 200)}" for each in history.unread[:_MOST_ROWS])
    yield ""
    rules = [
        (f"{each.rule} at {safe(each.path, 60)}", f"{each.rows:,}", percent(each.share), safe(each.sample, 80))
        for each in history.rules[:_MOST_ROWS]
    ]
    yield from _table(("rule", "rows", "share", "such as"), rules)
    holds = [(safe(each.name, 60), f"{each.rows:,}", safe(each.reason, 200)) for each in history.holds if not each.was_held]
    yield from _table(("held delivery", "rows", "why"), holds[:_MOST_ROWS])
    yield from _table(("day", "rows", "break it", "share", "refused", "come in"), _shares(history.days, _MOST_DAYS))
    for segment in history.segments:
        yield from _table(
            (safe(segment.column, 60), "rows", "break it", "share", "refused", "come in"), _shares(segment.values, _MOST_ROWS)
        )
    examples = [
        (
            f"{safe(each.name, 60)} record {each.ordinal}",
            "; ".join(f"{v.rule} at {safe(v.path, 60)}" for v in each.violations[:3]),
            safe(" ".join(each.raw.split()), 200),
        )
        for each in history.examples
    ]
    yield from _table(("example", "breaks", "record"), examples)
    yield f"_{history.cannot_know}_"
    yield ""


def _shares(shares: Iterable[ShareTotal], most: int) -> list[tuple[str, ...]]:
    found = [each for each in shares if each.breaking or each.refused or each.let_in]
    rows: list[tuple[str, ...]] = [
        (
            safe(each.value, 60),
            f"{each.rows:,}",
            f"{each.breaking:,}",
            percent(each.share),
            f"{each.refused:,}",
            f"{each.let_in:,}",
        )
        for each in found[:most]
    ]
    return rows if len(found) <= most else [*rows, (f"and {len(found) - most:,} more", "", "", "", "", "")]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield "| " + " | ".join(heads) + " |"
        yield "|" + " --- |" * len(heads)
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        yield ""
