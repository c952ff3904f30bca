"""The name under which a report is delivered."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.capabilities.reports.errors import BadReportFile
from startrail.capabilities.reports.filename import file_name
from startrail.model.destination import FolderDestination
from startrail.model.report import Report

DAY = date(2026, 10, 4)


def report(file: str | None, name: str = "daily_sales") -> Report:
    return Report(name, "html", Span("reports/daily_sales.yml", 3, 7), FolderDestination("out"), file=file)


def test_without_a_pattern_it_is_the_name_the_day_and_the_format() -> None:
    assert file_name(report(None), DAY) == "daily_sales_2026-10-04.html"
    assert file_name(report(None, "finance/daily_sales"), DAY) == "daily_sales_2026-10-04.html"


def test_the_pattern_may_hold_the_day_or_not() -> None:
    assert file_name(report("Ventas del {date}.htm"), DAY) == "Ventas del 2026-10-04.htm"
    assert file_name(report("latest.html"), DAY) == "latest.html"


BAD = [
    "../x.html",
    "/etc/passwd",
    "a/b.html",
    "a\\b.html",
    "..",
    ".",
    "",
    "  ",
    ".hidden",
    "{day}.html",
    "a\nb",
    "a\0b",
    "x" * 201,
    "\u202ex",
]


@pytest.mark.parametrize("file", BAD)
def test_a_name_that_is_no_plain_name_is_refused_at_its_place(file: str) -> None:
    with pytest.raises(BadReportFile) as caught:
        file_name(report(file), DAY)
    assert caught.value.at == Span("reports/daily_sales.yml", 3, 7)
    assert "\n" not in caught.value.message


@given(st.text())
def test_whatever_the_pattern_the_file_stays_in_its_folder(file: str) -> None:
    try:
        name = file_name(report(file), DAY)
    except BadReportFile:
        return
    assert name == name.rsplit("/", 1)[-1]
    assert name not in ("", ".", "..")
    assert "\0" not in name
