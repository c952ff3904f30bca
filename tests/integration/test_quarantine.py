"""Quarantine through the real command line: refused rows seen, mended, replayed exactly once, or discarded by a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.fixtures.mended import REPAIRS, mended_truth, put_repairs
from tests.fixtures.till import Outcome, Till, assert_refused

from startrail import examples
from startrail.examples.nights import night

FIRST = "2026-10-04T08:00+02:00"
REPLAYED = "2026-10-04T08:20+02:00"
LATER = "2026-10-04T08:40+02:00"
DRIFTED = night(3, drifted=True)
ORDERS = [night(1), night(2), DRIFTED]
BAD = sum(not order.valid for order in DRIFTED.orders)


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """Three nights are published, of the last one seven orders were refused. Only to be read."""
    return three_nights(tmp_path_factory.mktemp("drifted") / "shop")


@pytest.fixture
def shop(tmp_path: Path) -> Till:
    return three_nights(tmp_path / "shop")


def three_nights(root: Path) -> Till:
    examples.write("shop", root, days=2)
    examples.upstream_day(root, 3, drifted=True)
    shop = Till(root)
    shop.good_run(now=FIRST)
    return shop


def listed(till: Till) -> list[dict[str, Any]]:
    return till.call("quarantine", "list", "--json").of("quarantined")


def total(entries: list[dict[str, Any]]) -> dict[str, int]:
    names = ("rows_in", "loaded", "quarantined", "held", "discarded")
    found = {name: sum(each["counts"].get(name, 0) for each in entries) for name in names}
    assert found["rows_in"] == sum(found[name] for name in names[1:])
    return found


def sales(till: Till) -> dict[tuple[str, str], tuple[int, int, str]]:
    rows = till.rows(
        "select cast(sold_on as varchar) as d, store, orders, units, cast(revenue_eur as varchar) as eur from marts.sales_daily"
    )
    return {(row["d"], row["store"]): (row["orders"], row["units"], row["eur"]) for row in rows}


def good_replay(till: Till, *more: str, now: str = REPLAYED) -> Outcome:
    outcome = till.call("quarantine", "replay", "--json", "--now", now, *more)
    assert outcome.code == 0, outcome.text
    return outcome


# -- looking ---------------------------------------------------------------------------------------------------------
def test_the_list_says_how_many_rows_break_which_rule(drifted: Till) -> None:
    outcome = drifted.call("quarantine", "list", "--json")
    assert (outcome.code, outcome.result["open"], outcome.result["rows"]) == (1, 3, BAD)
    entries = listed(drifted)
    assert total(entries)["quarantined"] == BAD
    assert {each["state"] for each in entries} == {"open"}
    rules = {(rule["rule"], rule["path"]) for each in entries for rule in each["rules"]}
    assert rules == {("wrong_type", "$.quantity"), ("inexact", "$.quantity")}
    assert sum(rule["rows"] for each in entries for rule in each["rules"]) == BAD


def test_a_refused_record_is_shown_as_it_came_with_all_that_is_wrong(drifted: Till) -> None:
    outcome = drifted.call("quarantine", "show", "orders_api", "--json")
    refused = outcome.of("refused")
    bad = {order.id: order for order in DRIFTED.orders if not order.valid}
    assert {json.loads(each["raw"])["order_id"] for each in refused} == set(bad)
    for each in refused:
        raw = json.loads(each["raw"])
        assert raw["quantity"] == bad[raw["order_id"]].written
        assert [violation["path"] for violation in each["violations"]] == ["$.quantity"]
    some = drifted.call("quarantine", "show", refused[0]["delivery"][:8], "--rule", "inexact", "--json").of("refused")
    assert [json.loads(each["raw"])["quantity"] for each in some] == [1.5]
    assert len(drifted.call("quarantine", "show", "orders_api", "--limit", "2", "--json").of("refused")) == 2


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_refused_records_are_exported(drifted: Till, form: str, tmp_path: Path) -> None:
    out = tmp_path / f"refused.{form}"
    assert drifted.call("quarantine", "export", "--format", form, "--out", str(out), "--json").result["rows"] == BAD
    with duckdb.connect() as connection:
        found = connection.sql(f"select count(*), count(distinct (delivery, ordinal)), any_value(source) from '{out}'").fetchall()
    assert found == [(BAD, BAD, "orders_api")]


def test_names_that_are_not_there_are_refused_with_a_hint(drifted: Till, tmp_path: Path) -> None:
    assert_refused(drifted.call("quarantine", "list", "--source", "order_api"), "ST380", hint="orders_api")
    assert_refused(drifted.call("quarantine", "show", "abc"), "ST380", hint="quarantine list")
    assert_refused(drifted.call("quarantine", "replay", "--delivery", "abc"), "ST380")
    assert_refused(drifted.call("quarantine", "export", "--out", str(tmp_path / "no/x.csv")), "ST803")


# -- replaying -------------------------------------------------------------------------------------------------------
def test_without_a_change_there_is_nothing_to_replay(drifted: Till) -> None:
    before = drifted.call("ledger", "facts", "--limit", "9999", "--json").result
    assert good_replay(drifted).result == {"type": "result", "ok": True, "steps": 0, "published": False, "remaining": BAD}
    assert drifted.call("ledger", "facts", "--limit", "9999", "--json").result == before


def test_repaired_rows_are_loaded_once_and_only_their_day_is_built_again(shop: Till) -> None:
    before = sales(shop)
    put_repairs(shop.root)
    dry = shop.call("quarantine", "replay", "--dry-run", "--json")
    assert (dry.code, dry.result["passes"], dry.result["fails"]) == (0, BAD, 0)
    assert sales(shop) == before
    assert total(listed(shop))["quarantined"] == BAD

    outcome = good_replay(shop)
    assert outcome.built() == [
        "marts.product_sales all", "marts.sales 2026-10-03", "marts.sales_daily 2026-10-03", "staging.orders 2026-10-03",
    ]  # fmt: skip
    replayed = outcome.of("replayed")
    assert [each["changed"] for each in replayed] == [["all", "2026-10-03"]] * 3
    assert sum(each["repaired"] for each in replayed) == BAD
    assert outcome.result["remaining"] == 0
    truth = mended_truth(*ORDERS)
    expected = {(str(row.day), row.store): (row.orders, row.units, str(row.revenue_eur)) for row in truth.days}
    assert sales(shop) == expected != before
    [raw] = shop.rows("select count(*) as rows, count(distinct (_delivery, _ordinal)) as different from raw.orders")
    assert raw == {"rows": truth.counts["orders_api"].rows_in, "different": truth.counts["orders_api"].rows_in}
    assert {each["state"] for each in listed(shop)} == {"replayed"}
    assert sum(each["groups"]["replayed"] for each in listed(shop)) == BAD
    assert total(listed(shop))["loaded"] == len(DRIFTED.orders)
    assert shop.call("quarantine", "list").code == 0
    assert "the chain holds" in shop.call("ledger", "verify").err

    assert good_replay(shop, now=LATER).result["steps"] == 0
    again = good_replay(shop, "--delivery", replayed[0]["delivery"], now=LATER)
    assert (again.result["steps"], again.result["published"]) == (0, False)
    assert shop.good_run(now=LATER).built() == []
    assert sales(shop) == expected


def test_what_still_fails_stays_and_keeps_its_raw_text(shop: Till) -> None:
    text = REPAIRS.replace("value: 2", "value: none of them")
    put_repairs(shop.root, text)
    dry = shop.call("quarantine", "replay", "--dry-run", "--json")
    inexact = sum(order.written == 1.5 for order in DRIFTED.orders)
    assert (dry.code, dry.result["passes"], dry.result["fails"]) == (1, inexact, BAD - inexact)
    assert good_replay(shop).result["remaining"] == BAD - inexact
    entries = listed(shop)
    assert total(entries)["quarantined"] == BAD - inexact
    for each in shop.call("quarantine", "show", "orders_api", "--json").of("refused"):
        assert json.loads(each["raw"])["quantity"] == "two"
        assert each["violations"][0]["got"] == '"none of them"'
    put_repairs(shop.root)
    assert good_replay(shop, now=LATER).result["remaining"] == 0
    truth = mended_truth(*ORDERS)
    assert {key: value[2] for key, value in sales(shop).items()} == {
        (str(r.day), r.store): str(r.revenue_eur) for r in truth.days
    }


def test_a_corrected_repair_is_seen_though_every_count_stays(shop: Till) -> None:
    put_repairs(shop.root)
    good_replay(shop)
    units = {key: value[1] for key, value in sales(shop).items()}
    put_repairs(shop.root, REPAIRS.replace("value: 2", "value: 3"))
    assert good_replay(shop, now=LATER).result["steps"] == 0  # nothing is open
    for entry in listed(shop):
        good_replay(shop, "--delivery", entry["delivery"], now=LATER)
    twos = sum(order.written == "two" and order.kind == "sale" for order in DRIFTED.orders)
    assert {key: value[1] - units[key] for key, value in sales(shop).items() if value[1] != units[key]} == {
        ("2026-10-03", "online"): twos
    }


def test_repairs_do_not_touch_what_arrives_in_a_run(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    examples.write("shop", root, days=2)
    put_repairs(root)
    examples.upstream_day(root, 3, drifted=True)
    shop = Till(root)
    shop.good_run(now=FIRST)
    assert total(listed(shop))["quarantined"] == BAD
    assert good_replay(shop).result["remaining"] == 0


def test_of_a_delivery_with_two_days_only_the_one_that_changed_is_built_again(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    plain, strict = (
        "{name: store, logicalType: string",
        '{name: store, logicalTypeOptions: {pattern: "^[a-z]+$"}, logicalType: string',
    )
    till.edit("contracts/sales.odcs.yml", plain, strict)
    rows = ("sale_id,day,store,amount", "c1,2026-10-01,north,1.00", "c2,2026-10-03,south,2.00", "c3,2026-10-03,South,4.00")
    till.put("inbox/sales_2026-10-03.csv", "\n".join(rows) + "\n")
    till.good_run(now=FIRST)
    assert total(listed(till))["quarantined"] == 1
    till.edit("contracts/sales.odcs.yml", strict, plain)
    outcome = good_replay(till)
    assert [each["changed"] for each in outcome.of("replayed")] == [["all", "2026-10-03"]]
    assert outcome.built() == ["marts.daily 2026-10-03", "marts.total all"]
    assert till.daily()["2026-10-03", "South"] == "4.00"
    till.edit("contracts/sales.odcs.yml", plain, strict)
    [entry] = listed(till)
    again = good_replay(till, "--delivery", entry["delivery"], now=LATER)
    assert again.built() == ["marts.daily 2026-10-03", "marts.total all"]
    assert ("2026-10-03", "South") not in till.daily()
    till.edit("contracts/sales.odcs.yml", "version: 1.0.0", "version: 1.0.1")
    assert good_replay(till, now=LATER).built() == []
    till.edit("contracts/sales.odcs.yml", strict, plain)
    assert good_replay(till, now=LATER).built() == ["marts.daily 2026-10-03", "marts.total all"]
    assert till.daily()["2026-10-03", "South"] == "4.00"


# -- a delivery that is held -------------------------------------------------------------------------------------------
@pytest.fixture
def till(tmp_path: Path) -> Till:
    till = Till.write(tmp_path / "till")
    till.edit("sources/sales.yml", "partition_by: day", "partition_by: day\nquarantine: {hold_above: 20%}")
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\nc2,03/10/2026,south,2.00\n")
    return till


def test_a_held_delivery_is_repaired_and_replayed(till: Till) -> None:
    till.run(now=FIRST)
    [entry] = listed(till)
    assert (entry["state"], entry["counts"]["held"]) == ("open", 2)
    assert "more than 20%" in entry["held"]
    tried = till.call("quarantine", "replay", "--now", REPLAYED, "--json")
    assert (tried.code, tried.result["remaining"]) == (1, 2)  # it is tried again, and held again
    till.put("contracts/repairs/sales.yml", """\
        steps:
          - cast: {path: $.day, to: date, pattern: "%d/%m/%Y"}
            where: {rule: wrong_format, path: $.day}
        """)  # fmt: skip
    assert good_replay(till, now=LATER).result["remaining"] == 0
    assert till.daily() | {("2026-10-03", "north"): "1.00", ("2026-10-03", "south"): "2.00"} == till.daily()
    assert till.good_run(now=LATER).built() == []
    assert [each["state"] for each in listed(till)] == ["replayed"]


def test_a_held_delivery_is_discarded_as_a_whole_and_a_replay_that_names_it_takes_it_back(till: Till) -> None:
    till.run(now=FIRST)
    before = till.daily()
    [entry] = listed(till)
    assert_refused(discard(till, entry["delivery"], "--ordinals", "1"), "ST381", hint="--ordinals")
    found = discard(till, entry["delivery"], "--json")
    assert (found.code, found.result["rows"]) == (0, 2)
    assert total(listed(till)) == {"rows_in": 2, "loaded": 0, "quarantined": 0, "held": 0, "discarded": 2}
    [entry] = listed(till)
    assert (entry["state"], entry["groups"]["discarded"]) == ("discarded", 2)
    assert_refused(discard(till, entry["delivery"]), "ST381", says="already", hint="replay")

    till.edit("sources/sales.yml", "hold_above: 20%}", "hold_above: 90%}\ndrift: {wrong_format: quarantine}")
    sources = [line for line in till.call("status").out.splitlines() if line.startswith("source")]
    assert not any(" held: " in line for line in sources)  # a run would load it now, were it not discarded
    assert till.good_run(now=REPLAYED).built() == []
    assert till.call("quarantine", "replay", "--now", REPLAYED, "--json").result["steps"] == 0
    assert till.daily() == before
    taken = good_replay(till, "--delivery", entry["delivery"], now=LATER)
    assert taken.result["remaining"] == 1
    assert total(listed(till)) == {"rows_in": 2, "loaded": 1, "quarantined": 1, "held": 0, "discarded": 0}
    assert till.daily() == before | {("2026-10-03", "north"): "1.00"}


# -- under a drift policy ------------------------------------------------------------------------------------------------
UNKNOWN = "sale_id,day,store,amount,till\nc1,2026-10-03,north,1.00,4\nc2,03/10/2026,south,2.00,5\n"
MEND_DAY = """\
steps:
  - cast: {path: $.day, to: date, pattern: "%d/%m/%Y"}
    where: {rule: wrong_format, path: $.day}
"""


def test_repairs_mend_what_a_policy_held_and_what_they_leave_is_held_again(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    policy = "{wrong_format: hold, date_order: hold, new_field: hold}"
    till.edit("sources/sales.yml", "contract: sales", f"contract: sales\ndrift: {policy}")
    till.put("inbox/sales_2026-10-03.csv", UNKNOWN)
    till.run(now=FIRST)
    till.put("contracts/repairs/sales.yml", MEND_DAY)
    dry = till.call("quarantine", "replay", "--dry-run", "--json")
    [trial] = dry.of("trial")
    assert (dry.code, trial["repaired"], trial["fails"]) == (1, 1, 2)
    assert trial["held"].startswith("new_field at $.till in 2 rows")
    [held] = till.call("quarantine", "replay", "--now", REPLAYED, "--json").of("delivery_held")
    assert held["reason"] == trial["held"]
    till.edit("sources/sales.yml", "new_field: hold", "new_field: keep")
    replayed = good_replay(till, now=LATER)
    assert [finding["finding"]["kind"] for finding in replayed.of("drift_found")] == ["new_field"]
    assert replayed.result["remaining"] == 0
    assert till.daily()["2026-10-03", "south"] == "2.00"


def test_a_replay_that_the_policy_stops_fails_and_leaves_what_is_loaded(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.put("inbox/sales_2026-10-03.csv", UNKNOWN)
    till.good_run(now=FIRST)
    before = till.daily()
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {new_field: stop}")
    till.put("contracts/repairs/sales.yml", MEND_DAY)
    dry = till.call("quarantine", "replay", "--dry-run", "--json")
    assert (dry.code, dry.of("trial")[0]["held"][:9]) == (1, "new_field")
    stopped = till.call("quarantine", "replay", "--now", REPLAYED, "--json")
    assert (stopped.code, stopped.result["remaining"]) == (1, 1)
    assert "ST330" in stopped.of("step_failed")[0]["error"]
    assert (till.daily(), [each["state"] for each in listed(till)]) == (before, ["open"])


def test_a_replay_is_compared_with_what_landed_before_it(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.put("inbox/sales_shop_2026-10-03.csv", "sale_id,day,store,amount\nc1,03/10/2026,north,1.00\nc2,2026-10-03,south,2.00\n")
    till.good_run(now=FIRST)
    for day in range(4, 10):  # beside these it would be far smaller
        rows = [f"d{day}-{row},2026-10-{day:02},north,1.00" for row in range(30)]
        till.put(f"inbox/sales_shop_2026-10-{day:02}.csv", "\n".join(["sale_id,day,store,amount", *rows]) + "\n")
    till.good_run(now=REPLAYED)
    till.put("contracts/repairs/sales.yml", MEND_DAY)
    assert good_replay(till, now=LATER).result["remaining"] == 0
    till.put("inbox/sales_shop_2026-10-10.csv", "sale_id,day,store,amount\n")
    till.run(now=LATER)
    till.put("contracts/repairs/sales.yml", MEND_DAY + "    reason: asked\n")
    [held] = till.call("quarantine", "replay", "--now", LATER, "--json").of("delivery_held")
    assert held["reason"].startswith("empty: no rows")


# -- a repair that a check finds wrong -------------------------------------------------------------------------------
def test_a_repair_that_fails_a_check_is_not_published_and_can_be_corrected(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,?\nc2,2026-10-03,south,2.00\n")
    till.good_run(now=FIRST)
    before = till.daily()
    text = "steps:\n  - set: {path: $.amount, value: '-5.00'}\n    where: {rule: wrong_type, path: $.amount}\n"
    till.put("contracts/repairs/sales.yml", text)
    held = till.call("quarantine", "replay", "--now", REPLAYED, "--json")
    assert (held.code, held.result["published"], held.result["remaining"]) == (1, False, 1)
    assert (till.daily(), [each["state"] for each in listed(till)]) == (before, ["open"])
    assert till.good_run(now=REPLAYED).built() == []
    till.put("contracts/repairs/sales.yml", text.replace("-5.00", "5.00"))
    assert good_replay(till, now=LATER).result["remaining"] == 0
    assert till.daily() == before | {("2026-10-03", "north"): "5.00"}


# -- discarding --------------------------------------------------------------------------------------------------------
def discard(till: Till, delivery: str, *more: str) -> Outcome:
    return till.call(
        "quarantine", "discard", "--delivery", delivery, "--reason", "a test order", "--by", "ada", "--now", REPLAYED, *more
    )


def test_discarded_rows_count_as_such_and_are_never_loaded(shop: Till) -> None:
    entries = listed(shop)
    first, second, third = (each["delivery"] for each in entries)
    [inexact, *_] = shop.call("quarantine", "show", first, "--rule", "inexact", "--json").of("refused")
    assert discard(shop, first, "--ordinals", str(inexact["ordinal"])).code == 0
    assert discard(shop, third[:10]).code == 0
    after = total(listed(shop))
    assert (after["quarantined"], after["discarded"]) == (BAD - 2, 2)
    assert [each["state"] for each in listed(shop)] == ["open", "open", "discarded"]
    shown = shop.call("quarantine", "show", "orders_api", "--json").of("refused")
    assert len(shown) == BAD - 2
    told = shop.call("ledger", "facts", "--kind", "quarantine.discarded", "--json").events
    [fact, _] = [json.loads(each["payload"]) for each in told if "payload" in each]
    assert (fact["by"], fact["reason"], fact["ordinals"], fact["rows"]) == ("ada", "a test order", [inexact["ordinal"]], 1)
    quarantine = shop.root / ".startrail" / fact["quarantine"]
    assert quarantine.exists() or list(shop.root.rglob(Path(fact["quarantine"]).name)), "no byte is deleted"

    put_repairs(shop.root)
    good_replay(shop, now=LATER)
    good_replay(shop, "--delivery", third, now=LATER)
    end = total(listed(shop))
    assert end == {"rows_in": 259, "loaded": 259 - 2, "quarantined": 0, "held": 0, "discarded": 2}
    gone = json.loads(inexact["raw"])["order_id"]
    assert shop.rows(f"select count(*) as n from raw.orders where order_id = '{gone}'") == [{"n": 0}]
    assert second


def test_what_is_discarded_and_would_still_be_refused_counts_once(shop: Till) -> None:
    delivery = listed(shop)[0]["delivery"]
    [inexact] = shop.call("quarantine", "show", delivery, "--rule", "inexact", "--json").of("refused")
    assert discard(shop, delivery, "--ordinals", str(inexact["ordinal"])).code == 0
    put_repairs(shop.root, "steps:\n" + REPAIRS[REPAIRS.index("  - set") :])  # without the step for this record
    replayed = {each["delivery"]: each["counts"] for each in good_replay(shop, now=LATER).of("replayed")}
    assert (replayed[delivery]["quarantined"], replayed[delivery]["discarded"]) == (0, 1)
    [entry, *_] = listed(shop)
    assert (entry["state"], entry["rules"]) == ("discarded", [])
    assert [entry["counts"][name] for name in ("rows_in", "loaded", "quarantined", "discarded")] == [100, 99, 0, 1]


def test_rows_are_discarded_once_by_a_person_with_a_reason(shop: Till) -> None:
    delivery = listed(shop)[0]["delivery"]
    assert_refused(discard(shop, delivery, "--ordinals", "1"), "ST381", says="record 1 ")
    assert discard(shop, delivery).code == 0
    assert_refused(discard(shop, delivery), "ST381", says="any more")
    nobody = ("quarantine", "discard", "--delivery", delivery, "--reason", " ", "--by", "ada")
    assert_refused(shop.call(*nobody), "ST382", hint="--by")
    assert_refused(discard(shop, delivery, "--ordinals", "1;2"), "ST800")
    assert total(listed(shop))["discarded"] == 3
