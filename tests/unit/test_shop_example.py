"""The shop: a project that reads, data that is always the same, and a truth that stands on its own."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from startrail import examples
from startrail.examples.nights import night
from startrail.model.delivery import Counts
from startrail.model.source import FolderFeed, FtpFeed, HttpFeed
from startrail.project.load import read_project


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    examples.write("shop", tmp_path / "shop", days=2)
    examples.upstream_day(tmp_path / "shop", 3, drifted=True)
    return tmp_path / "shop"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def orders(shop: Path) -> list[dict[str, object]]:
    pages = sorted((shop / "upstream/api").iterdir())
    return [order for page in pages for order in json.loads(page.read_text(encoding="utf-8"))["orders"]]


def test_the_project_reads_without_an_error(shop: Path) -> None:
    project = read_project(shop)
    assert set(project.sources) == {"store_sales", "orders_api", "fx_rates"}
    assert set(project.reports) == {"daily_sales", "product_sales"}
    assert {model.kind for model in project.models.values()} == {"partition", "table", "view"}
    assert project.profiles["demo"].feeds == {}
    assert all(isinstance(feed, FolderFeed) for feed in project.profiles["local"].feeds.values())


def test_the_declared_feeds_are_real_servers_at_the_given_ports(tmp_path: Path) -> None:
    examples.write("shop", tmp_path, days=0, ftp_port=5021, http_port=5080)
    sources = read_project(tmp_path).sources
    ftp, http = sources["store_sales"].feed, sources["orders_api"].feed
    assert isinstance(ftp, FtpFeed)
    assert isinstance(http, HttpFeed)
    assert (ftp.host, ftp.port) == ("127.0.0.1", 5021)
    assert http.url == "http://127.0.0.1:5080/orders"


def test_the_contracts_are_valid_under_the_official_schema(shop: Path) -> None:
    import yaml

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    contracts = list((shop / "contracts").iterdir())
    assert len(contracts) == 3
    for contract in contracts:
        document = yaml.safe_load(contract.read_text(encoding="utf-8"))
        assert document["apiVersion"] == "v3.2.0"
        jsonschema.validate(document, schema)


def test_writing_it_twice_gives_the_same_bytes(shop: Path, tmp_path: Path) -> None:
    examples.write("shop", tmp_path / "again", days=2)
    examples.upstream_day(tmp_path / "again", 3, drifted=True)
    assert digests(shop) == digests(tmp_path / "again")


def test_the_invented_data_has_not_changed_since_it_was_first_published(shop: Path) -> None:
    whole = hashlib.sha256("".join(digests(shop / "upstream").values()).encode()).hexdigest()
    assert (len(orders(shop)), whole[:16]) == (718, "91b6284f7ce3738e")


def test_it_has_what_real_data_has(shop: Path) -> None:
    found = orders(shop)
    assert {order["kind"] for order in found} == {"sale", "refund"}
    assert any(order["coupon"] is None for order in found)
    assert len({order["currency"] for order in found}) == 4
    text = (shop / "upstream/ftp/sales_2026-10-01_london-soho.csv").read_text(encoding="utf-8")
    assert '"Black tea ""Breakfast"", 80 g"' in text
    assert "李小龙" in text


def test_the_third_night_adds_a_field_and_writes_quantities_as_text(shop: Path) -> None:
    drifted = [order for order in orders(shop) if str(order["order_id"]).startswith("WEB-20261003")]
    before = [order for order in orders(shop) if order not in drifted]
    assert all("loyalty_tier" in order for order in drifted)
    assert all("loyalty_tier" not in order and isinstance(order["quantity"], int) for order in before)
    bad = [order["quantity"] for order in drifted if not str(order["quantity"]).isdecimal()]
    assert set(bad) == {"two", 1.5}
    assert not any(isinstance(order["quantity"], int) for order in drifted)


def test_bad_orders_stay_below_the_share_at_which_a_page_would_be_held(shop: Path) -> None:
    for page in (shop / "upstream/api").iterdir():
        found = json.loads(page.read_text(encoding="utf-8"))["orders"]
        bad = sum(not str(order["quantity"]).isdecimal() for order in found)
        assert bad / len(found) <= 0.05


def test_drift_changes_the_form_and_nothing_else() -> None:
    plain, drifted = night(3), night(3, drifted=True)
    assert plain.sales == drifted.sales
    assert plain.rates == drifted.rates
    assert [(line.id, line.amount, line.quantity) for line in plain.orders] == [
        (line.id, line.amount, line.quantity) for line in drifted.orders
    ]


def test_the_truth_is_what_the_files_add_up_to(shop: Path) -> None:
    """Read back from the files alone, by other code than the truth's."""
    rates: dict[tuple[str, str], Decimal] = {}
    for path in (shop / "upstream/rates").iterdir():
        for row in lines(path):
            rates[row["day"], row["currency"]] = Decimal(row["eur_per_unit"])
    revenue: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    rows = 0
    for path in (shop / "upstream/ftp").iterdir():
        for row in lines(path):
            rows += 1
            euros = Decimal(row["amount"]) * rates[row["sold_on"], row["currency"]]
            revenue[row["sold_on"], row["store"]] += euros.quantize(Decimal("0.01"), ROUND_HALF_UP)
    for order in orders(shop):
        day = str(order["ordered_at"])[:10]
        if str(order["quantity"]).isdecimal():
            euros = Decimal(str(order["amount"])) * rates[day, str(order["currency"])]
            revenue[day, "online"] += euros.quantize(Decimal("0.01"), ROUND_HALF_UP)
    truth = examples.truth(shop)
    assert {(str(row.day), row.store): row.revenue_eur for row in truth.days} == dict(revenue)
    assert truth.revenue_eur == sum(revenue.values())
    assert truth.counts["store_sales"] == Counts(rows, rows)


def test_the_truth_counts_deliveries_rows_and_kept_fields(shop: Path) -> None:
    truth = examples.truth(shop)
    assert truth.deliveries == {"store_sales": 12, "orders_api": 9, "fx_rates": 3}
    assert all(counts.conserved() for counts in truth.counts.values())
    assert truth.counts["orders_api"] == Counts(718, 711, 7)
    assert truth.kept == {"orders_api": {"loyalty_tier": 259}}


def test_the_truth_follows_the_nights_that_are_there(tmp_path: Path) -> None:
    examples.write("shop", tmp_path, days=1)
    assert {row.day.isoformat() for row in examples.truth(tmp_path).days} == {"2026-10-01"}
    examples.upstream_day(tmp_path, 2)
    assert len(examples.truth(tmp_path).days) == 10
    assert examples.truth(tmp_path).kept == {}


def test_a_project_that_is_there_is_never_overwritten(shop: Path) -> None:
    with pytest.raises(examples.FolderTaken):
        examples.write("shop", shop)
    with pytest.raises(examples.FolderTaken):
        examples.write_empty(shop)


def test_an_unknown_example_is_named_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(examples.UnknownExample, match="no example 'shp'") as caught:
        examples.write("shp", tmp_path)
    assert "shop" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["Ventas 2026", "été", '"', "a: b"])
def test_an_empty_project_reads_whatever_its_folder_is_called(name: str, tmp_path: Path) -> None:
    examples.write_empty(tmp_path / name)
    project = read_project(tmp_path / name)
    assert list(project.profiles) == ["local"]
    assert project.sources == {}
