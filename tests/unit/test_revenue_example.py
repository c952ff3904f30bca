"""The revenue example: two departments, one month, and a gap that is known from the files alone."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from startrail import examples
from startrail.examples import invoices
from startrail.project.load import read_project

ZONE = ZoneInfo("Europe/Madrid")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    examples.write("revenue", tmp_path / "revenue")
    return tmp_path / "revenue"


def rows(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted((folder / "inbox").iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file))
    return found


def in_october(text: str) -> bool:
    return datetime.fromisoformat(text).astimezone(ZONE).strftime("%Y-%m") == "2026-10"


def test_the_project_reads_without_an_error(folder: Path) -> None:
    project = read_project(folder)
    assert set(project.metrics) == {"finance.net_revenue", "marketing.revenue"}
    assert set(project.reports) == {"finance_monthly", "marketing_monthly"}


def test_the_contract_is_valid_under_the_official_schema(folder: Path) -> None:
    import yaml

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load((folder / "contracts/orders.odcs.yml").read_text(encoding="utf-8")), schema)


def test_the_gap_is_a_round_sum_and_most_of_it_is_the_date() -> None:
    truth = examples.revenue_truth()
    assert truth.gap == Decimal("50000.00") == sum(truth.causes.values())
    assert set(truth.causes) == {"time_column", "filter no_test", "expr", "dedup"}
    assert truth.causes["time_column"] > Decimal("0.9") * truth.gap
    assert all(0 < truth.causes[small] < Decimal("0.05") * truth.gap for small in ("filter no_test", "expr", "dedup"))


def test_both_numbers_are_what_the_files_add_up_to(folder: Path) -> None:
    """Read back from the files alone, by other code than the truth's."""
    truth, sent = examples.revenue_truth(), rows(folder)
    assert len(sent) == truth.rows
    kept = [row for row in sent if row["status"] != "cancelled"]
    marketing = sum(Decimal(row["amount"]) for row in kept if in_october(row["ordered_at"]))
    once = {row["order_id"]: row for row in sorted(kept, key=lambda row: row["exported_at"])}
    finance = sum(
        Decimal(row["amount"]) - Decimal(row["refunded"] or 0)
        for row in once.values()
        if row["is_test"] == "false" and in_october(row["invoiced_at"])
    )
    assert (finance, marketing) == (truth.finance, truth.marketing)


def test_no_order_is_touched_by_two_of_the_differences() -> None:
    for order in invoices.orders():
        moved = in_october(order.ordered_at.isoformat()) != in_october(order.invoiced_at.isoformat())
        assert moved + order.is_test + (order.refunded is not None) + (order.deliveries > 1) <= 1, order


def test_one_file_came_twice_with_another_time_of_export(folder: Path) -> None:
    first, again = ((folder / "inbox" / f"orders_cafe_2026-W42{end}.csv").read_text() for end in ("", "_again"))
    assert again != first
    assert again.replace("T07:00:00+00:00", "T06:00:00+00:00") == first
    assert len({row["order_id"] for row in rows(folder)}) == len(invoices.orders())


def test_writing_it_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    examples.write("revenue", tmp_path / "again")
    for path in (folder / "inbox").iterdir():
        assert (tmp_path / "again" / "inbox" / path.name).read_bytes() == path.read_bytes()
