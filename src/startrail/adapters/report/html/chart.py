"""The one chart of a page: bars or lines as SVG, drawn by hand so that it needs no script and no network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from startrail.adapters.report.html.markup import safe, shown, spoken_day
from startrail.adapters.report.html.points import Points, Series
from startrail.adapters.report.html.scale import Scale, position, tick_label, ticks, x_label
from startrail.adapters.report.rows import text
from startrail.model.report import Chart
from startrail.ports.report import About

_WIDTH, _HEIGHT = 960, 360
_TOP, _RIGHT, _BOTTOM = 28, 14, 46
_LABEL_ROOM = 74
"""Pixels that one label under the axis needs."""
_FEW_BARS = 10
"""So many bars have room for their values."""

_MARKS = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-3.6,-3.6h7.2v7.2h-7.2z", "M0,-4.6L4.4,3.4H-4.4z", "M0,-5L5,0L0,5L-5,0z",
    "M0,4.6L4.4,-3.4H-4.4z", "M-4.5,-1.5h3v-3h3v3h3v3h-3v3h-3v-3h-3z", "M-5,-2.2h10v4.4h-10z", "M-2.2,-5h4.4v10h-4.4z",
)  # fmt: skip
"""A shape per series, for eyes that do not tell the colours apart."""


def figure(points: Points, chart: Chart, about: About) -> Iterator[str]:
    """The figure with legend and notes; only the notes when there is nothing to draw."""
    yield '<figure class="chart">\n'
    if points.series:
        drawing = _Drawing(points, chart, _unit(about, chart.y))
        yield from _legend(points, chart)
        yield '<div class="scroll" role="region" aria-label="Chart" tabindex="0">\n'
        yield from drawing.svg()
        yield "</div>\n"
    if points.notes:
        yield f"<figcaption>{safe(' '.join(points.notes))}</figcaption>\n"
    yield "</figure>\n"


def _unit(about: About, name: str) -> str | None:
    return next((column.unit for column in about.columns if column.name == name), None)


def _legend(points: Points, chart: Chart) -> Iterator[str]:
    if chart.series is None:
        return
    yield f'<ul class="legend" aria-label="{safe(chart.series)}">'
    for number, series in enumerate(points.series, 1):
        shape = _MARKS[number - 1] if chart.kind == "line" else "M-5,-5h10v10h-10z"
        key = f'<svg viewBox="-6 -6 12 12" aria-hidden="true"><path class="s{number}" d="{shape}"/></svg>'
        yield f"<li>{key}{safe(series.name)}</li>"
    yield "</ul>\n"


class _Drawing:
    """One chart's geometry. Pixels are rounded to a tenth, so that equal data draws equal text."""

    def __init__(self, points: Points, chart: Chart, unit: str | None) -> None:
        self.points, self.chart, self.unit = points, chart, unit
        values = [float(y) for series in points.series for x, y in series.values.items() if x in set(points.xs)]
        low, high = min(values), max(values)
        if chart.kind == "bar" or 0 <= low < 0.6 * high:
            low, high = min(low, 0.0), max(high, 0.0)
        self.ticks = ticks(low, high)
        self.left = 18 + 7.6 * max(len(tick_label(tick)) for tick in self.ticks)
        self.y = Scale(float(self.ticks[0]), float(self.ticks[-1]), _HEIGHT - _BOTTOM, _TOP)
        self.places = self._places()

    def _places(self) -> dict[Any, float]:
        """The middle of each x, in pixels: in proportion for a line over times or numbers, in steps otherwise."""
        xs, right = self.points.xs, _WIDTH - _RIGHT
        at = [position(x) for x in xs]
        if self.chart.kind == "line" and len(xs) > 1 and all(place is not None for place in at):
            known = [place for place in at if place is not None]
            scale = Scale(known[0], known[-1], self.left + 18, right - 18)
            return {x: scale(place) for x, place in zip(xs, known, strict=True)}
        step = (right - self.left) / len(xs)
        return {x: self.left + step * (number + 0.5) for number, x in enumerate(xs)}

    def svg(self) -> Iterator[str]:
        chart = self.chart
        yield (
            f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="chart-title chart-desc" '
            f'xmlns="http://www.w3.org/2000/svg">\n'
        )
        yield f'<title id="chart-title">{safe(f"{chart.y} by {chart.x}")}</title>\n'
        yield f'<desc id="chart-desc">{safe(self._told())}</desc>\n'
        yield from self._grid()
        yield from self._labels()
        for number, series in enumerate(self.points.series, 1):
            yield f'<g class="s{number}">'
            yield from self._bars(number, series) if chart.kind == "bar" else self._line(number, series)
            yield "</g>\n"
        zero = self.y(0) if self.ticks[0] <= 0 <= self.ticks[-1] else self.y(self.ticks[0])
        yield f'<path class="axis" d="M{self.left:.1f},{zero:.1f}H{_WIDTH - _RIGHT}"/>\n</svg>\n'

    def _grid(self) -> Iterator[str]:
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<path class="grid" d="M{self.left:.1f},{y:.1f}H{_WIDTH - _RIGHT}"/>'
            yield _text("tick", self.left - 8, y + 4, tick_label(tick), "end")
        what = f"{self.chart.y}, {self.unit}" if self.unit else self.chart.y
        yield _text("what", self.left, _TOP - 14, what, "start")

    def _labels(self) -> Iterator[str]:
        """Under the axis, as many as there is room for; the year where it begins and where it changes."""
        year, last = None, -1000.0
        for x in self.points.xs:
            place = self.places[x]
            if place - last < _LABEL_ROOM:
                continue
            last = place
            lines = f'<tspan x="{place:.1f}">{safe(x_label(x))}</tspan>'
            if isinstance(x, date) and x.year != year:
                year = x.year
                lines += f'<tspan x="{place:.1f}" dy="16">{year}</tspan>'
            yield f'<text class="tick" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{lines}</text>\n'

    def _bars(self, number: int, series: Series) -> Iterator[str]:
        count = len(self.points.series)
        step = (_WIDTH - _RIGHT - self.left) / len(self.points.xs)
        gap = 2.0 if step * 0.8 / count > 8 else 0.5
        width = min(64.0, step * 0.8 / count - gap)
        first = -(width + gap) * count / 2 + gap / 2
        zero = self.y(0)
        for x in self.points.xs:
            if x not in series.values:
                continue
            value = series.values[x]
            left, top = self.places[x] + first + (number - 1) * (width + gap), self.y(value)
            yield f'<path d="{_bar(left, zero, width, top)}">{self._tip(series, x, value)}</path>'
            if count * len(self.points.xs) <= _FEW_BARS:
                label = top - 6 if value >= 0 else top + 15
                yield _text("value", left + width / 2, label, shown(value), "middle")

    def _line(self, number: int, series: Series) -> Iterator[str]:
        path, pen = "", "M"
        marks = len(self.points.xs) <= 60
        dots: list[str] = []
        for x in self.points.xs:
            if x not in series.values:
                pen = "M"
                continue
            place, y = self.places[x], self.y(series.values[x])
            path += f"{pen}{place:.1f},{y:.1f}"
            pen = "L"
            if marks:
                tip = self._tip(series, x, series.values[x])
                dots.append(f'<path transform="translate({place:.1f} {y:.1f})" d="{_MARKS[number - 1]}">{tip}</path>')
        yield f'<path class="line" d="{path}"/>'
        yield from dots

    def _tip(self, series: Series, x: Any, value: Any) -> str:
        names = [_named(x)] + ([series.name] if self.chart.series else [])
        return f"<title>{safe(', '.join(names) + ': ' + shown(value))}</title>"

    def _told(self) -> str:
        """The chart in words; its values stand in the table."""
        points, chart = self.points, self.chart
        ends = f"from {_named(points.xs[0])} to {_named(points.xs[-1])}" if len(points.xs) > 1 else f"at {_named(points.xs[0])}"
        known = set(points.xs)
        every = [(y, x, series.name) for series in points.series for x, y in series.values.items() if x in known]
        high, low = max(every, key=lambda item: item[0]), min(every, key=lambda item: item[0])
        kinds = f" One {'bar' if chart.kind == 'bar' else 'line'} for each {chart.series}: " if chart.series else ""
        kinds += ", ".join(series.name for series in points.series) + "." if chart.series else ""

        def where(item: tuple[Any, Any, str]) -> str:
            return f"{shown(item[0])} ({_named(item[1])}{', ' + item[2] if chart.series else ''})"

        return (
            f"{'Bar' if chart.kind == 'bar' else 'Line'} chart of {chart.y} by {chart.x}, {ends}.{kinds} "
            f"Highest: {where(high)}. Lowest: {where(low)}. The table below has the values."
        )


def _text(role: str, x: float, y: float, words: str, anchor: str) -> str:
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{safe(words)}</text>\n'


def _bar(left: float, zero: float, width: float, top: float) -> str:
    """A bar with its outer corners rounded."""
    round_ = min(3.0, width / 3, abs(zero - top))
    toward = round_ if top < zero else -round_
    return (
        f"M{left:.1f},{zero:.1f}V{top + toward:.1f}Q{left:.1f},{top:.1f} {left + round_:.1f},{top:.1f}"
        f"H{left + width - round_:.1f}Q{left + width:.1f},{top:.1f} {left + width:.1f},{top + toward:.1f}V{zero:.1f}z"
    )


def _named(x: Any) -> str:
    return spoken_day(x) if type(x) is date else text(x)
