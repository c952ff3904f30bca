"""The answer of ``why`` as a section for a report: Situation, Task, Action, Result. Every number comes from the answer."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from startrail.capabilities.why.gap import Gap, Line
from startrail.model.why import DATA


def star(gap: Gap, *, patch: str | None = None) -> str:
    """Markdown. ``patch``: a sentence about the change that was proposed."""
    return "\n".join([*_head(gap), *_action(gap), *_result(gap, patch)]) + "\n"


def _head(gap: Gap) -> Iterator[str]:
    period = f" for {_plain(gap.period)}" if gap.period else ""
    yield f"## Why {_code(gap.b)} is not {_code(gap.a)}"
    yield ""
    yield "### Situation"
    yield ""
    both = f"{_code(gap.a)} says {_amount(gap.value_a, gap)}{period}, {_code(gap.b)} says {_amount(gap.value_b, gap)}"
    yield f"{both}: a gap of {_signed(gap.gap)}{_unit(gap)}."
    yield ""
    yield "### Task"
    yield ""
    yield "Say which difference carries how much of the gap, so that the parts sum to it and nothing is left over; or refuse."
    yield ""


def _action(gap: Gap) -> Iterator[str]:
    yield "### Action"
    yield ""
    if gap.definitions is not None:
        names = ((gap.a, gap.definitions[0]), (gap.b, gap.definitions[1]))
        yield "- Compared the definitions slot by slot: " + " with ".join(
            f"{_code(name)} ({version[:12]})" for name, version in names
        )
    for each in gap.inputs:
        published = f", published {each.published_at}" if each.published_at else ""
        snapshot = f" at snapshot {each.snapshot}" if each.snapshot is not None else ""
        yield f"- Read {_code(each.table)}{snapshot}{published}"
    yield f"- Valued every mixture of the two with {_count(gap.statements, 'statement')} over the tables"
    if gap.verified is not None:
        yield f"- Computed single swaps again by {_count(gap.verified, 'independent query', 'independent queries')}; all agreed"
    yield ""


def _result(gap: Gap, patch: str | None) -> Iterator[str]:
    yield "### Result"
    yield ""
    if gap.lines:
        yield f"| Due to | {_cell(gap.a)} | {_cell(gap.b)} | Amount | Share | Rows | Swapped first | Swapped last |"
        yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"
        for line in gap.lines:
            yield _row(line)
        yield f"| unexplained | | | {_money(gap.unexplained)} | | | | |"
        yield ""
    else:
        yield f"No difference between them changes a row; unexplained {_money(gap.unexplained)}."
        yield ""
    yield from _more(gap, patch)


def _row(line: Line) -> str:
    cause = "the rows themselves" if DATA in line.slots else line.cause
    texts = (_code(each) if each is not None else "nothing" for each in (line.a, line.b))
    share = f"{line.share:.1%}" if line.share is not None else ""
    numbers = (_signed(line.amount), share, f"{line.rows:,}", _signed(line.first), _signed(line.last))
    return f"| {' | '.join((_cell(cause), *texts, *numbers))} |"


def _more(gap: Gap, patch: str | None) -> Iterator[str]:
    told = [f"{_cell(line.cause)} mostly where {_where(line)}" for line in gap.lines if line.segments and line.segments[0].by]
    depends = [line.cause for line in gap.lines if line.sign_depends]
    items = [
        *(f"Where it lies: {each}" for each in told),
        *(f"The sign of {_cell(cause)} depends on the order of swapping" for cause in depends),
        *([f"Differs in text, not in effect: {', '.join(map(_cell, gap.without_effect))}"] if gap.without_effect else []),
        *(f"{_count(each.rows, 'row')} {_plain(each.kind)}: {_signed(each.amount)}{_unit(gap)}" for each in gap.changes),
        *map(_plain, gap.notes),
        *([patch] if patch else []),
    ]
    yield from (f"- {each}" for each in items)


def _where(line: Line) -> str:
    segment = line.segments[0]
    named = ", ".join(f"{_plain(key)} is {_plain(value) if value is not None else 'empty'}" for key, value in segment.by.items())
    return f"{named} ({_signed(segment.amount)}, {_count(segment.rows, 'row')})"


def _amount(number: Decimal, gap: Gap) -> str:
    return f"{_money(number)}{_unit(gap)}"


def _unit(gap: Gap) -> str:
    return f" {_plain(gap.unit)}" if gap.unit else ""


def _money(number: Decimal) -> str:
    return f"{number:,f}"


def _signed(number: Decimal) -> str:
    return f"{number:+,f}" if number else _money(number)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _code(text: str) -> str:
    """Text of somebody else's between marks that it does not hold itself."""
    shown = " ".join(text.split()).replace("|", "\\|")
    marks = "`"
    while marks in shown:
        marks += "`"
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{marks}{space}{shown}{space}{marks}"


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Words of somebody else's as words: nothing in them is a mark of Markdown or HTML."""
    shown = " ".join(text.split())
    for mark in ("\\", "`", "*", "[", "]", "<", ">", "#"):
        shown = shown.replace(mark, f"\\{mark}")
    return shown
