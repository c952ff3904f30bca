"""The page: what it is, where it is from, the chart, the table. Everything inside one file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from startrail.adapters.report.html.chart import figure
from startrail.adapters.report.html.markup import moment, safe, shown
from startrail.adapters.report.html.points import collect
from startrail.adapters.report.rows import count, read
from startrail.model.types import DataType, Decimal, Primitive
from startrail.ports.report import About, ReportColumn

MOST_ROWS = 1_000
"""A page for reading ends here, and says so."""

_NUMBERS = ("int", "long", "float", "double")
_MOMENTS = ("date", "time", "timestamp", "timestamptz")

_TRAIL = (
    '<svg class="trail" viewBox="0 0 64 64" aria-hidden="true"><path stroke-width="2.6" d="M42,58.6A16,16 0 0 1 57.4,42"/>'
    '<path stroke-width="2.3" d="M28.7,51.8A30,30 0 0 1 60.6,28.1"/><path stroke-width="2" d="M14.1,55.7A44,44 0 0 1 43,16.7"/>'
    '<path stroke-width="1.6" d="M8.2,34.8A55,55 0 0 1 56.1,3"/><circle cx="43" cy="16.7" r="2.6"/></svg>'
)
"""Star trails, as the camera sees them."""


class HtmlWriter:
    """Valid HTML that is well-formed XML too; no script, no style from elsewhere, and a policy that forbids both."""

    def write(self, rows: Path, about: About, path: Path) -> int:
        total = count(rows)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(_page(rows, about, total))
        return total


def _page(rows: Path, about: About, total: int) -> Iterator[str]:
    yield from _head(about)
    yield "<body>\n<main>\n"
    yield from _opening(about, total)
    if about.chart is not None:
        chart = about.chart
        columns = [chart.x, chart.y, *([chart.series] if chart.series else [])]
        yield from figure(collect(read(rows, columns), chart), chart, about)
    yield from _table(rows, about, total)
    yield from _meanings(about)
    owner = f" Questions: {safe(about.owner)}." if about.owner else ""
    yield f"<footer>Made by Startrail.{owner}</footer>\n</main>\n</body>\n</html>\n"


def _head(about: About) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
    yield '<meta name="color-scheme" content="light dark"/>\n<meta name="generator" content="Startrail"/>\n'
    yield f"<title>{safe(about.title)}, {about.day.isoformat()}</title>\n"
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    yield f"<style>\n{css}</style>\n</head>\n"


def _opening(about: About, total: int) -> Iterator[str]:
    yield f"<header>\n{_TRAIL}\n<h1>{safe(about.title)}</h1>\n"
    if about.description:
        yield f"<p>{safe(about.description)}</p>\n"
    yield '</header>\n<dl class="from">\n'
    yield _pair("Made", moment(about.made_at, about.timezone))
    if about.due is not None:
        yield _pair("Due", moment(about.due, about.timezone))
    yield _pair("Rows", f"{total:,}")
    yield _pair("Run", f"<code>{safe(about.run)}</code>")
    for table, snapshot in about.snapshots.items():
        yield _pair("From", f"<code>{safe(table)}@{safe(snapshot)}</code>")
    yield "</dl>\n"


def _pair(name: str, markup: str) -> str:
    return f"<div><dt>{name}</dt><dd>{markup}</dd></div>\n"


def _table(rows: Path, about: About, total: int) -> Iterator[str]:
    yield '<div class="rows">\n<div class="scroll" role="region" aria-labelledby="rows" tabindex="0">\n'
    yield f'<table>\n<caption id="rows">{_caption(total)}</caption>\n<thead>\n<tr>'
    for column in about.columns:
        yield _heading(column)
    yield "</tr>\n</thead>\n<tbody>\n"
    kinds = [_kind(column.type) for column in about.columns]
    for row in islice(read(rows, [column.name for column in about.columns]), MOST_ROWS):
        yield "<tr>" + "".join(_cell(value, kind) for value, kind in zip(row, kinds, strict=True)) + "</tr>\n"
    yield "</tbody>\n</table>\n</div>\n</div>\n"


def _caption(total: int) -> str:
    if total == 0:
        return "No rows."
    if total > MOST_ROWS:
        return f"The first {MOST_ROWS:,} of {total:,} rows; this page shows no more."
    return "One row." if total == 1 else f"All {total:,} rows."


def _heading(column: ReportColumn) -> str:
    kind = _kind(column.type)
    name = safe(column.name).replace("_", "_<wbr/>")
    unit = f" <small>{safe(column.unit)}</small>" if column.unit else ""
    return f'<th scope="col"{_class(kind)}>{name}{unit}</th>'


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return f'<td{_class((kind + " z").strip())}><span aria-hidden="true">\u2013</span><span class="sr">no value</span></td>'
    return f"<td{_class(kind)}>{safe(shown(value))}</td>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _kind(kind: DataType) -> str:
    """``n`` for numbers, ``d`` for times."""
    if isinstance(kind, Decimal):
        return "n"
    if isinstance(kind, Primitive):
        return "n" if kind.name in _NUMBERS else "d" if kind.name in _MOMENTS else ""
    return ""


def _meanings(about: About) -> Iterator[str]:
    told = [column for column in about.columns if column.description]
    if told:
        yield "<details>\n<summary>What the columns mean</summary>\n<dl>\n"
        for column in told:
            yield f"<dt><code>{safe(column.name)}</code></dt><dd>{safe(column.description or '')}</dd>\n"
        yield "</dl>\n</details>\n"
