"""The answer of ``startrail why`` as text."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from startrail.base.text import printable
from startrail.capabilities.why.gap import Change, Gap, Line, Part, Segment
from startrail.model.why import DATA

if TYPE_CHECKING:
    from startrail.capabilities.why.bridges import Bridged

_MOST_PARTS = 6


def lines(gap: Gap) -> Iterator[str]:
    """Line by line: the two numbers, what is due to what, and last what is unexplained."""
    width = max(len(money(number)) for number in (gap.value_a, gap.value_b, gap.gap, *(line.amount for line in gap.lines)))
    width = max(width, len("+" + money(gap.gap)))
    unit = f" {gap.unit}" if gap.unit else ""
    names = max(len(gap.a), len(gap.b), 3) + 3
    period = f"   {gap.period}" if gap.period else ""
    yield f"A  {gap.a:<{names - 3}}  {money(gap.value_a):>{width}}{unit}{period}"
    yield f"B  {gap.b:<{names - 3}}  {money(gap.value_b):>{width}}{unit}"
    yield f"{'gap':<{names}}  {signed(gap.gap):>{width}}{unit}"
    yield ""
    for line in gap.lines:
        yield from _line(line, width, names, told=gap.method == "rows")
    if gap.without_effect:
        yield f"differs in text, not in effect: {', '.join(gap.without_effect)}"
    yield from _parts(gap.partition, width)
    yield from _changes(gap.changes, width)
    for note in gap.notes:
        yield f"note: {note}"
    if gap.verified is not None:
        yield f"verified: {gap.verified} independent {'query agrees' if gap.verified == 1 else 'queries agree'}"
    yield f"unexplained {money(gap.unexplained)}"


def bridge_line(bridge: Bridged) -> str:
    """Whether a bridge holds, and if not, which cause is new."""
    name = f"{'holds ' if bridge.holds else 'broken'}  {bridge.metric} to {bridge.to}  {bridge.period}"
    if bridge.refused is not None:
        return f"{name}  {printable(bridge.refused, 160)}"
    new = "; ".join(f"{printable(cause, 60)} {signed(amount)}" for cause, amount in bridge.new.items())
    return f"{name}  gap {signed(bridge.gap or Decimal(0))}{f'  new: {new}' if new else ''}"


def money(number: Decimal) -> str:
    return f"{number:,f}"


def signed(number: Decimal) -> str:
    return f"{number:+,f}" if number else money(number)


def _line(line: Line, width: int, names: int, *, told: bool) -> Iterator[str]:
    share = f"{line.share:7.1%}" if line.share is not None else ""
    yield f"{printable(line.cause, 60):<{names}}  {signed(line.amount):>{width}}  {share}   due to {_what(line)}"
    for word, text in (("A", line.a), ("B", line.b)):
        if line.a is not None or line.b is not None:
            yield f"     {word}: {printable(' '.join(text.split()), 110) if text is not None else '(nothing)'}"
    order = "; sign depends on order" if line.sign_depends else ""
    gross = (
        f"; in {signed(line.gross_in)}, out {signed(line.gross_out)}"
        if line.gross_in is not None and line.gross_out is not None
        else ""
    )
    rows = f"{line.rows:,} {'row' if line.rows == 1 else 'rows'}"
    rows = f"{rows}; " if told else ""
    yield f"     {rows}swapped first {signed(line.first)}, last {signed(line.last)}{order}{gross}"
    if line.timing is not None and line.permanent is not None:
        yield f"     timing {signed(line.timing)} (another period makes it good), permanent {signed(line.permanent)}"
    if line.segments:
        word = "mostly" if line.additive else "each swapped alone, which does not sum"
        yield f"     {word}: {'; '.join(_segment(each) for each in line.segments)}"
    if line.evidence:
        yield f"     evidence {line.evidence}"


def _what(line: Line) -> str:
    if DATA in line.slots:
        return "the rows themselves"
    return "this definition difference" if line.slots else "binary arithmetic"


def _segment(segment: Segment) -> str:
    name = ", ".join(
        f"{printable(key, 30)}={printable(str(value), 40) if value is not None else 'none'}" for key, value in segment.by.items()
    )
    return f"{name or 'everything else'} {signed(segment.amount)}"


def _parts(parts: tuple[Part, ...], width: int) -> Iterator[str]:
    if len(parts) < 2:
        return
    yield "rows by what moves them:"
    for part in parts[:_MOST_PARTS]:
        rows = f"{part.rows:,} {'row' if part.rows == 1 else 'rows'}"
        yield f"     {signed(part.amount):>{width}}  {rows} by {' and '.join(part.causes)}"
    rest = parts[_MOST_PARTS:]
    if rest:
        amount, rows = sum((part.amount for part in rest), Decimal(0)), sum(part.rows for part in rest)
        yield f"     {signed(amount):>{width}}  {rows:,} rows by other combinations"


def _changes(changes: tuple[Change, ...], width: int) -> Iterator[str]:
    if not changes:
        return
    yield "what happened to the rows:"
    for change in changes:
        yield f"     {signed(change.amount):>{width}}  {change.rows:,} {'row' if change.rows == 1 else 'rows'} {change.kind}"
