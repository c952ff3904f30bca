"""The answer of ``startrail why`` as one page: a waterfall from A to B, and the table behind it. No script, no network."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files

from startrail.adapters.report.html.markup import safe
from startrail.capabilities.why.gap import Gap, Line
from startrail.cli.why_text import money, signed

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 960, 34, 220, 120, 16
_MOST_BARS = 14


def page(gap: Gap) -> Iterator[str]:
    """The page, piece by piece."""
    title = f"Why {gap.b} is not {gap.a}"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
    yield f'<meta name="color-scheme" content="light dark"/>\n<title>{safe(title)}</title>\n'
    css = files("startrail.adapters.report.html").joinpath("page.css").read_text(encoding="utf-8")
    yield f"<style>\n{css}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{safe(title)}</h1>\n"
    period = f" in {gap.period}" if gap.period else ""
    unit = f" {gap.unit}" if gap.unit else ""
    yield f"<p>The gap{safe(period)} is {signed(gap.gap)}{safe(unit)}. The lines below sum to it; "
    yield f"unexplained {money(gap.unexplained)}.</p>"
    yield '\n</header>\n<dl class="from">\n'
    for name, number in ((gap.a, money(gap.value_a)), (gap.b, money(gap.value_b)), ("Gap", signed(gap.gap))):
        yield f"<div><dt>{safe(name)}</dt><dd>{number}{safe(unit)}</dd></div>\n"
    yield "</dl>\n<figure>\n"
    yield '<div class="scroll" role="region" aria-label="Waterfall" tabindex="0">\n'
    yield from _waterfall(gap)
    yield "</div>\n<figcaption>Each bar is what is due to one difference of definition.</figcaption>\n</figure>\n"
    yield from _table(gap)
    yield from _segments(gap)
    for note in gap.notes:
        yield f"<p>{safe(note)}</p>\n"
    yield "<footer>Made by Startrail.</footer>\n</main>\n</body>\n</html>\n"


def _waterfall(gap: Gap) -> Iterator[str]:
    shown, rest = gap.lines[:_MOST_BARS], gap.lines[_MOST_BARS:]
    steps = [(line.cause, line.amount) for line in shown]
    if rest:
        steps.append((f"{len(rest)} more", sum((line.amount for line in rest), Decimal(0))))
    levels = [gap.value_a]
    for _, amount in steps:
        levels.append(levels[-1] + amount)
    low, high = _range(levels, gap)
    height = _TOP * 2 + _ROW * (len(steps) + 2)
    words = "; ".join(f"{name} {signed(amount)}" for name, amount in steps)
    label = f"From {gap.a}, {money(gap.value_a)}, to {gap.b}, {money(gap.value_b)}: {words}"
    yield f'<svg class="plot" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{safe(label)}">\n'
    yield _bar(0, gap.a, low, gap.value_a, (low, high), 1, money(gap.value_a))
    for place, (name, amount) in enumerate(steps, 1):
        yield _bar(place, name, levels[place - 1], levels[place], (low, high), 3 if amount >= 0 else 7, signed(amount))
        x, y = _x(levels[place], low, high), _TOP + _ROW * (place + 1)
        yield f'<path class="grid" d="M{x},{y - 8}V{y + 6}"/>\n'
    yield _bar(len(steps) + 1, gap.b, low, gap.value_b, (low, high), 1, money(gap.value_b))
    yield "</svg>\n"


def _range(levels: list[Decimal], gap: Gap) -> tuple[Decimal, Decimal]:
    """From where to where the scale goes; it begins at 0 unless the steps would be too small to see."""
    low, high = min(*levels, gap.value_b), max(*levels, gap.value_b)
    moved = high - low
    if low >= 0 and moved * 4 > high:
        low = Decimal(0)
    elif moved:
        low -= moved / 4
    return low, high if high > low else low + 1


def _bar(place: int, name: str, start: Decimal, end: Decimal, span: tuple[Decimal, Decimal], colour: int, text: str) -> str:
    left, right = sorted((_x(start, *span), _x(end, *span)))
    y = _TOP + _ROW * place + 5
    shape = f"M{left},{y}H{max(right, left + 1.5):.1f}V{y + _ROW - 12}H{left}z"
    middle = y + 15
    return (
        f'<text x="{_LEFT - 12}" y="{middle}" text-anchor="end">{safe(name[:32])}</text>'
        f'<g class="s{colour}"><path d="{shape}"/></g>'
        f'<text class="value" x="{_WIDTH - 4}" y="{middle}" text-anchor="end">{safe(text)}</text>\n'
    )


def _x(number: Decimal, low: Decimal, high: Decimal) -> float:
    return round(_LEFT + float((number - low) / (high - low)) * (_WIDTH - _LEFT - _RIGHT), 1)


def _table(gap: Gap) -> Iterator[str]:
    yield '<div class="rows"><div class="scroll" role="region" aria-label="Causes" tabindex="0"><table>\n'
    yield "<caption>What the gap consists of. First, last: what a cause moves when swapped first, and last</caption>\n<thead><tr>"
    yield '<th>Due to</th><th class="n">Amount</th><th class="n">Share</th><th class="n">First</th><th class="n">Last</th>'
    yield '<th class="n">Rows</th>'
    yield f"<th>{safe(gap.a)}</th><th>{safe(gap.b)}</th></tr></thead>\n<tbody>\n"
    for line in gap.lines:
        yield from _row(line, told=gap.method == "rows")
    yield f'<tr><td>unexplained</td><td class="n">{money(gap.unexplained)}</td>{"<td></td>" * 6}</tr>'
    yield "\n</tbody></table></div></div>\n"


def _row(line: Line, *, told: bool) -> Iterator[str]:
    share = f"{line.share:.1%}" if line.share is not None else ""
    yield f'<tr><td>{safe(line.cause)}</td><td class="n">{signed(line.amount)}</td><td class="n">{share}</td>'
    yield f'<td class="n">{signed(line.first)}</td><td class="n">{signed(line.last)}</td>'
    yield f'<td class="n">{f"{line.rows:,}" if told else ""}</td>'
    for text in (line.a, line.b):
        yield f"<td>{f'<code>{safe(text)}</code>' if text is not None else 'nothing'}</td>"
    yield "</tr>\n"


def _segments(gap: Gap) -> Iterator[str]:
    told = [line for line in gap.lines if line.segments]
    if not told:
        return
    yield '<div class="rows"><table>\n<caption>Where it lies</caption>\n<thead><tr>'
    yield '<th>Due to</th><th>Segment</th><th class="n">Amount</th>'
    yield '<th class="n">Rows</th></tr></thead>\n<tbody>\n'
    for line in told:
        for each in line.segments:
            name = ", ".join(f"{key} = {value if value is not None else 'none'}" for key, value in each.by.items())
            name = (name or "everything else") + ("" if line.additive else ", swapped alone (does not sum)")
            yield f"<tr><td>{safe(line.cause)}</td><td>{safe(name)}</td>"
            yield f'<td class="n">{signed(each.amount)}</td><td class="n">{each.rows:,}</td></tr>\n'
    yield "</tbody></table></div>\n"
