"""The page: valid, complete, readable by everyone, and deaf to what stands in the data."""

from __future__ import annotations

import itertools
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.report.html.markup import safe, shown
from startrail.adapters.report.html.page import MOST_ROWS, HtmlWriter
from startrail.adapters.report.html.scale import ticks
from startrail.model.report import Chart
from startrail.model.types import parse_type
from startrail.ports.report import About, ReportColumn

SVG = "{http://www.w3.org/2000/svg}"


def about(columns: dict[str, str], **more: Any) -> About:
    shown_columns = tuple(ReportColumn(name, parse_type(kind)) for name, kind in columns.items())
    base: dict[str, Any] = {
        "title": "Daily sales",
        "columns": shown_columns,
        "made_at": datetime(2026, 10, 4, 3, 59, tzinfo=UTC),
        "day": date(2026, 10, 4),
        "run": "20261004T035900-1f9c2b",
        "timezone": "Europe/Madrid",
    }
    return About(**(base | more))


def page(table: pa.Table, said: About) -> str:
    with tempfile.TemporaryDirectory() as folder:
        rows, path = Path(folder) / "rows.parquet", Path(folder) / "page.html"
        pq.write_table(table, rows)
        assert HtmlWriter().write(rows, said, path) == table.num_rows
        return path.read_text(encoding="utf-8")


def tree(html: str) -> ET.Element:
    """The page as XML, which it is besides being HTML."""
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>\n"))


def cells(html: str) -> list[list[str]]:
    return [["".join(td.itertext()) for td in row] for row in tree(html).iterfind(".//tbody/tr")]


def sales(days: int = 3) -> pa.Table:
    rows = [(date(2026, 10, 1) + timedelta(days=n), shop) for n in range(days) for shop in ("lisbon", "madrid")]
    return pa.table(
        {
            "day": [day for day, _ in rows],
            "shop": [shop for _, shop in rows],
            "revenue": pa.array([Decimal(1000 + 7 * n) for n in range(len(rows))], pa.decimal128(18, 2)),
        }
    )


KINDS = {"day": "date", "shop": "string", "revenue": "decimal(18,2)"}


def test_it_says_what_it_is_when_it_was_made_and_from_what() -> None:
    said = about(KINDS, snapshots={"marts.sales": "77"}, due=datetime(2026, 10, 4, 7, tzinfo=UTC), owner="finance@shop.example")
    words = "".join(tree(page(sales(), said)).itertext())
    for expected in (
        "Daily sales",
        "Sun 4 Oct 2026, 05:59 CEST",
        "Sun 4 Oct 2026, 09:00 CEST",
        "marts.sales@77",
        said.run,
        "finance@",
    ):
        assert expected in words


def test_it_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    html = page(sales(), about(KINDS, chart=Chart("day", "revenue", "shop")))
    root = tree(html)
    assert not list(root.iter("script"))
    assert not list(root.iter("link"))
    outward = [value for node in root.iter() for name, value in node.items() if name in ("src", "href") or name.startswith("on")]
    assert outward == []
    assert "default-src 'none'" in html
    assert "url(" not in html
    assert "@import" not in html


def test_the_table_has_a_caption_and_headings_with_their_scope() -> None:
    root = tree(page(sales(), about(KINDS)))
    assert root.get("lang") == "en"
    assert [th.get("scope") for th in root.iter("th")] == ["col"] * 3
    assert root.findtext(".//caption") == "All 6 rows."
    assert root.findtext(".//h1") == "Daily sales"


def test_the_chart_has_a_title_and_says_in_words_what_it_shows() -> None:
    root = tree(page(sales(), about(KINDS, chart=Chart("day", "revenue", "shop", "bar"))))
    drawing = next(svg for svg in root.iter(f"{SVG}svg"))
    ids = (drawing.get("aria-labelledby") or "").split()
    told = {node.get("id"): node.text or "" for node in drawing}
    assert drawing.get("role") == "img"
    assert told[ids[0]] == "revenue by day"
    assert "Highest: 1,035.00 (Sat 3 Oct 2026, madrid)" in told[ids[1]]
    assert "lisbon, madrid" in told[ids[1]]
    bars = [path for group in drawing.iter(f"{SVG}g") for path in group.iter(f"{SVG}path")]
    assert len(bars) == 6
    assert bars[0].findtext(f"{SVG}title") == "Thu 1 Oct 2026, lisbon: 1,000.00"


def test_a_line_chart_leaves_a_gap_where_there_is_no_value() -> None:
    table = pa.table({"day": [date(2026, 10, d) for d in (1, 2, 3, 4)], "n": [1, None, 3, 4], "s": ["a", "a", "a", "a"]})
    other = pa.table({"day": [date(2026, 10, 2)], "n": [2], "s": ["b"]})
    html = page(
        pa.concat_tables([table, other]), about({"day": "date", "n": "long", "s": "string"}, chart=Chart("day", "n", "s", "line"))
    )
    line = next(path.get("d") or "" for path in tree(html).iter(f"{SVG}path") if path.get("class") == "line")
    assert (line.count("M"), line.count("L")) == (2, 1)


def test_rows_that_would_share_a_point_are_not_added_up() -> None:
    html = page(sales(), about(KINDS, chart=Chart("day", "revenue")))
    root = tree(html)
    assert root.find(f".//{SVG}svg[@role='img']") is None
    assert "several rows have day 2026-10-01" in "".join(root.find(".//figcaption").itertext())  # type: ignore[union-attr]
    assert len(cells(html)) == 6


def test_more_series_or_days_than_a_chart_can_show_are_named() -> None:
    many = pa.table({"x": [n % 9 for n in range(900)], "y": list(range(900)), "s": [f"s{n // 100}" for n in range(900)]})
    assert "several rows" in page(many, about({"x": "long", "y": "long", "s": "string"}, chart=Chart("x", "y", "s")))
    wide = pa.table({"x": [n // 9 for n in range(900)], "y": list(range(900)), "s": [f"s{n % 9}" for n in range(900)]})
    html = page(wide, about({"x": "long", "y": "long", "s": "string"}, chart=Chart("x", "y", "s")))
    assert "The chart shows the 8 greatest of 9 values of s." in html
    assert "The chart shows the last 60 of 100 values of x." in html


def test_a_long_table_is_cut_and_says_so() -> None:
    table = pa.table({"n": range(MOST_ROWS + 5)})
    html = page(table, about({"n": "long"}))
    assert len(cells(html)) == MOST_ROWS
    assert tree(html).findtext(".//caption") == "The first 1,000 of 1,005 rows; this page shows no more."


def test_no_rows_are_said_to_be_none() -> None:
    html = page(sales(0), about(KINDS, chart=Chart("day", "revenue", "shop")))
    assert tree(html).findtext(".//caption") == "No rows."
    assert "There is no chart: no row has a value to draw." in html


HOSTILE = ["<script>alert(1)</script>", "</td></table>", '" onload="x', "&amp;", "]]>", "<!--", "a\x00b\x08", "\u202egnp.exe"]


def test_nothing_in_the_data_becomes_part_of_the_page() -> None:
    kinds = {"<b>col</b>": "string", "y": "long"}
    table = pa.table({"<b>col</b>": HOSTILE, "y": range(len(HOSTILE))})
    said = about(
        kinds, title="<i>t</i>", description="</header>", run="<r>", snapshots={"<t>": "<s>"}, chart=Chart("<b>col</b>", "y")
    )
    html = page(table, said)
    root = tree(html)
    assert not list(root.iter("script"))
    assert [row[0] for row in cells(html)][:6] == HOSTILE[:6]
    assert root.findtext(".//h1") == "<i>t</i>"
    assert "\u202e" not in html
    assert "\x00" not in html


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Cn"])))
def test_any_printable_text_is_escaped_without_loss(value: str) -> None:
    read = ET.fromstring(f'<a b="{safe(value)}">{safe(value)}</a>')
    assert (read.text or "") == value
    assert read.get("b") == value


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_at_all_leaves_the_page_well_formed(value: str) -> None:
    assert ET.fromstring(f'<a b="{safe(value)}">{safe(value)}</a>').tag == "a"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=6), st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["bar", "line"])), max_size=12
    ),
    st.sampled_from(["bar", "line"]),
)
def test_whatever_is_drawn_the_page_stays_well_formed(rows: list[tuple[str, Decimal, str]], kind: str) -> None:
    names = [name.encode(errors="ignore").decode() for name, _, _ in rows]
    table = pa.table({"x": pa.array(names, pa.string()), "y": pa.array([y for _, y, _ in rows], pa.decimal128(18, 2))})
    html = page(table, about({"x": "string", "y": "decimal(18,2)"}, chart=Chart("x", "y", None, kind)))  # type: ignore[arg-type]
    assert len(cells(html)) == len(rows)
    assert "nan" not in html.partition('<svg class="plot"')[2].partition("<desc")[0].lower()


@pytest.mark.parametrize(
    ("low", "high"), [(0, 5), (0, 4373.12), (-3.25, 12.5), (7, 7), (0, 0), (0.001, 0.0042), (-1e9, 1e9), (1e15, 3e15)]
)
def test_ticks_are_round_few_and_enclose_the_values(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    assert float(found[0]) <= low
    assert float(found[-1]) >= high
    steps = {b - a for a, b in itertools.pairwise(found)}
    assert len(steps) == 1


def test_numbers_are_grouped_only_where_they_are_amounts() -> None:
    assert shown(Decimal("1234567.80")) == "1,234,567.80"
    assert shown(2026) == "2026"
    assert shown(Decimal("-0.10")) == "-0.10"
