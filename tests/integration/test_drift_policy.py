"""Policies in the whole: the declaration, the run, the ledger, and ``startrail drift list``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures.till import DAILY, SECOND_MORNING, THIRD_MORNING, Till

NEW = "sale_id,day,store,amount,till\nc1,2026-10-03,north,1.00,4\nc2,2026-10-03,north,2.00,5\n"
BAD = "sale_id,day,shop_store,amount\nc1,2026-10-03,north,1.00\n"
OPTIONAL = "{name: store, logicalType: string, required: true}"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.good_run()
    assert made.daily() == DAILY
    return made


def test_a_new_field_is_kept_and_listed_with_since_when_how_many_a_sample_and_whom_it_affects(till: Till) -> None:
    till.put("inbox/sales_2026-10-03.csv", NEW)
    outcome = till.good_run(now=SECOND_MORNING)
    (event,) = outcome.of("drift_found")
    assert (event["finding"]["kind"], event["finding"]["verb"], event["first"]) == ("new_field", "keep", True)
    assert event["finding"]["sample"] == '"4"'
    (found,) = till.call("drift", "list", "--json").of("drift")
    assert (found["source"], found["kind"], found["path"], found["rows"], found["deliveries"]) == (
        "sales", "new_field", "$.till", 2, 1,
    )  # fmt: skip
    assert found["since"].startswith("2026-10-03T06:30")
    assert found["first_delivery"] == "sales_2026-10-03.csv"
    assert {"marts.daily", "staging.sales"} & set(found["affects"])
    assert "rates" not in found["affects"]
    assert till.call("drift", "list", "--source", "rates").text == "No drift: every delivery was as its contract says.\n"
    till.put("inbox/sales_2026-10-04.csv", NEW.replace("c", "d").replace("-03", "-04"))
    assert [event["first"] for event in till.good_run(now=THIRD_MORNING).of("drift_found")] == [False]


def test_a_rename_holds_the_delivery_with_the_alias_that_mends_it_and_the_alias_lets_it_in(till: Till) -> None:
    till.put("inbox/sales_2026-10-03.csv", BAD)
    (held,) = till.run("--json", now=SECOND_MORNING).of("delivery_held")
    assert "store may now be called shop_store: if so, declare it as an alias" in held["reason"]
    assert till.daily() == DAILY
    alias = "customProperties: [{property: aliases, value: [shop_store], vendor: startrail}]"
    till.edit("contracts/sales.odcs.yml", OPTIONAL, OPTIONAL[:-1] + f", {alias}}}")
    till.good_run(now=THIRD_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}


def test_another_policy_takes_up_what_an_earlier_one_held(till: Till) -> None:
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {preset: strict}")
    till.put("inbox/sales_2026-10-03.csv", NEW)
    (held,) = till.run("--json", now=SECOND_MORNING).of("delivery_held")
    assert held["reason"].startswith("new_field at $.till in 2 rows")
    till.edit("sources/sales.yml", "preset: strict", "preset: strict, new_field: keep")
    till.good_run(now=THIRD_MORNING)
    assert till.daily()["2026-10-03", "north"] == "3.00"


def test_stop_fails_the_step_and_is_listed(till: Till) -> None:
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {new_field: stop}")
    till.put("inbox/sales_2026-10-03.csv", NEW)
    outcome = till.run("--json", now=SECOND_MORNING)
    assert outcome.code != 0
    assert "ST330" in outcome.of("step_failed")[0]["error"]
    assert till.daily() == DAILY
    assert "stop" in till.call("drift", "list").out


def test_a_verb_that_a_kind_cannot_have_is_refused_where_it_stands(till: Till) -> None:
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {wrong_type: accept}")
    outcome = till.call("plan")
    assert outcome.code == 2
    assert "ST118 'wrong_type' cannot be 'accept'" in outcome.err
    assert "sources/sales.yml:3:21" in outcome.err
    assert "wrong_type can be one of keep, quarantine, hold, stop" in outcome.err


def test_the_consumers_that_the_contract_names_are_told_with_its_drift(till: Till) -> None:
    ours = "customProperties: [{{property: consumers, value: [{}], vendor: startrail}}]"
    till.edit("contracts/sales.odcs.yml", "schema:", ours.format("finance") + "\nschema:")
    till.edit("contracts/sales.odcs.yml", OPTIONAL, OPTIONAL[:-1] + ", " + ours.format("store ops, finance") + "}")
    till.put("inbox/sales_2026-10-03.csv", NEW.replace("c2,2026-10-03,north", "c2,2026-10-03,"))
    till.good_run(now=SECOND_MORNING)
    found = {change["path"]: change["consumers"] for change in till.call("drift", "list", "--json").of("drift")}
    assert found == {"$.till": ["finance"], "$.store": ["finance", "store ops"]}
    assert "    read by finance, store ops\n" in till.call("drift", "list").text
