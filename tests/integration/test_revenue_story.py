"""The story of the 50,000: played as the demo plays it, and it fails when an explanation is not the truth."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from startrail import examples
from startrail.cli import story_numbers
from startrail.cli.console import Console
from startrail.wiring import open_project
from startrail.wiring.why import why


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, story_numbers.Told]:
    folder = tmp_path_factory.mktemp("story") / "revenue"
    found = story_numbers.tell(folder, Console(as_json=False))
    assert isinstance(found, story_numbers.Told)
    return folder, found


def test_each_reason_is_found_to_the_cent(told: tuple[Path, story_numbers.Told]) -> None:
    folder, found = told
    assert (found.gap_eur, found.unexplained_eur, found.wrong) == ("50000.00", "0.00", ())
    with open_project(folder, "local", read_only=True) as opened:
        gap = why(opened, "finance.net_revenue", "marketing.revenue", "2026-10", check=True)
    truth = examples.revenue_truth()
    assert {line.cause: line.amount for line in gap.lines} == truth.causes
    assert gap.lines[0].cause == "time_column"
    assert all(line.first == line.last == line.amount for line in gap.lines), "planted on rows of their own"
    assert gap.verified == len(gap.lines)


def test_what_the_date_makes_comes_back_in_other_months(told: tuple[Path, story_numbers.Told]) -> None:
    with open_project(told[0], "local", read_only=True) as opened:
        gap = why(opened, "finance.net_revenue", "marketing.revenue", "2026-09..2026-11")
    assert gap.without_effect == ("time_column",)
    assert gap.unexplained == 0


def test_the_page_and_the_evidence_lie_where_they_are_said_to(told: tuple[Path, story_numbers.Told]) -> None:
    folder, found = told
    page = Path(found.page)
    assert page.parent == folder / "delivered"
    assert {"finance_monthly.csv", "marketing_monthly.csv"} < {path.name for path in page.parent.iterdir()}
    text = page.read_text(encoding="utf-8")
    for amount in (*examples.revenue_truth().causes.values(), Decimal("50000.00")):
        assert f"+{amount:,}" in text
    assert "<svg" in text
    assert len(list((folder / "evidence").glob("*.sql"))) == 6


def test_an_explanation_that_is_not_the_truth_is_told(told: tuple[Path, story_numbers.Told]) -> None:
    truth = examples.revenue_truth()
    lines = tuple(story_numbers.Line(cause, amount) for cause, amount in truth.causes.items())
    right = story_numbers.Answer(truth.finance, truth.marketing, truth.gap, Decimal("0.00"), lines)
    assert story_numbers.differences(told[0], right) == []
    cent = Decimal("0.01")
    shifted = (*lines[:-2], story_numbers.Line(lines[-2].cause, lines[-2].amount - cent), lines[-1])
    for wrong, what in (
        (story_numbers.Answer(truth.finance, truth.marketing, truth.gap, cent, lines), "what is unexplained"),
        (story_numbers.Answer(truth.finance + cent, truth.marketing, truth.gap, Decimal(0), lines), "finance.net_revenue"),
        (story_numbers.Answer(truth.finance, truth.marketing, truth.gap, Decimal(0), lines[1:]), lines[0].cause),
        (story_numbers.Answer(truth.finance, truth.marketing, truth.gap, Decimal(0), shifted), lines[-2].cause),
    ):
        (only,) = story_numbers.differences(told[0], wrong)
        assert only.startswith(what)
