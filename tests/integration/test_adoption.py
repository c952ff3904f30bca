"""Adoption with back-fill: a contract declares a field that earlier deliveries kept, and its column is filled from the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import DAILY, SECOND_MORNING, THIRD_MORNING, Till

NEW = "sale_id,day,store,amount,till\nc1,2026-10-03,north,1.00,4\nc2,2026-10-03,north,2.00,5\n"
TILL = "{name: till, logicalType: integer}"
MODEL = """\
/* startrail
kind: partition
partition_by: day
*/
select s.day, count(*) as sales from raw.sales as s where s.day >= $start and s.day < $end group by s.day
"""


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("models/marts/counted.sql", MODEL)
    made.good_run()
    made.put("inbox/sales_2026-10-03.csv", NEW)
    made.good_run(now=SECOND_MORNING)
    return made


def declare(till: Till, *fields: str) -> None:
    path = till.root / "contracts/sales.odcs.yml"
    path.write_text(path.read_text() + "".join(f"      - {field}\n" for field in fields))


def raw(till: Till, what: str = "till") -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in till.rows(f"select sale_id, {what}, _extra from raw.sales order by sale_id")]


def test_a_declared_field_is_filled_from_the_day_it_first_came_and_only_its_day_is_built_again(till: Till) -> None:
    declare(till, TILL)
    plan = till.call("plan", "--json", "--now", THIRD_MORNING)
    (line,) = [each for each in plan.of("planned") if each["kind"] == "load"]
    assert line["why"] == "changed"
    assert line["because"] == (
        "the contract declares till now, kept in _extra since 2026-10-03 in 2 rows of 1 delivery, which are loaded again"
    )
    assert "marts.counted" in line["affects"]
    outcome = till.good_run(now=THIRD_MORNING)
    (adopted,) = outcome.of("adopted")
    assert (adopted["name"], adopted["fields"], adopted["changed"]) == ("sales_2026-10-03.csv", ["till"], ["all", "2026-10-03"])
    assert outcome.built() == ["marts.counted 2026-10-03", "marts.daily 2026-10-03", "marts.total all"]
    assert raw(till) == [
        ("a1", None, None), ("a2", None, None), ("b1", None, None), ("c1", 4, None), ("c2", 5, None),
    ]  # fmt: skip
    assert till.daily() == DAILY | {("2026-10-03", "north"): "3.00"}
    again = till.good_run(now="2026-10-03T09:00+02:00")
    assert (again.result["steps"], again.of("adopted"), again.built()) == (0, [], [])
    assert till.call("plan", "--now", "2026-10-03T09:00+02:00").err.startswith("Nothing to do")


def test_no_row_is_withdrawn_by_it_and_a_person_can_still_do_so(till: Till) -> None:
    till.put("inbox/sales_2026-10-04.csv", NEW.replace("c", "d").replace(",5", ",five").replace("-03", "-04"))
    till.good_run(now=SECOND_MORNING)
    declare(till, TILL)
    outcome = till.good_run(now=THIRD_MORNING)
    assert [each["name"] for each in outcome.of("adopted")] == ["sales_2026-10-03.csv"]
    (left,) = outcome.of("not_adopted")
    assert left["reason"].startswith("1 of its rows would not keep the contract, such as wrong_type at $.till; ")
    assert raw(till)[3:] == [
        ("c1", 4, None), ("c2", 5, None), ("d1", None, '{"till":"4"}'), ("d2", None, '{"till":"five"}'),
    ]  # fmt: skip
    files = sorted(path.name for path in (till.root / ".startrail").rglob("*.parquet"))
    again = till.good_run(now="2026-10-03T09:00+02:00")
    assert again.result["steps"] == 0
    assert [each["name"] for each in again.of("not_adopted")] == ["sales_2026-10-04.csv"]
    assert sorted(path.name for path in (till.root / ".startrail").rglob("*.parquet")) == files
    (waiting,) = till.call("plan", "--json", "--now", "2026-10-03T09:00+02:00").of("planned")
    assert (waiting["why"], waiting["later"]) == ("waiting", True)
    command = left["reason"].partition("startrail ")[2].split()
    assert till.call(*command, "--json", "--now", "2026-10-03T09:10+02:00").result["remaining"] == 1
    assert raw(till)[5:] == [("d1", 4, None)]
    assert till.good_run(now="2026-10-03T09:20+02:00").of("not_adopted") == []


def test_an_alias_is_filled_from_the_name_under_which_it_came(till: Till) -> None:
    alias = "customProperties: [{property: aliases, value: [till], vendor: startrail}]"
    declare(till, f"{{name: desk, logicalType: string, {alias}}}")
    assert len(till.good_run(now=THIRD_MORNING).of("adopted")) == 1
    assert raw(till, "desk")[3:] == [("c1", "4", None), ("c2", "5", None)]


def test_a_field_inside_of_a_list_is_adopted(tmp_path: Path) -> None:
    till = Till(tmp_path / "till")
    till.put("startrail.yml", "name: till\nprofiles: {local: {}}\n")
    till.put("sources/orders.yml", "feed: {kind: folder, path: in}\ncontract: orders\ninto: raw.orders\n")
    contract = """\
        apiVersion: v3.2.0
        kind: DataContract
        id: orders
        version: 1.0.0
        status: active
        schema:
          - name: orders
            properties:
              - {name: id, logicalType: string, required: true}
              - name: items
                logicalType: array
                items:
                  logicalType: object
                  properties:
                    - {name: price, logicalType: integer}
        """
    till.put("contracts/orders.odcs.yml", contract)
    records = [{"id": "a", "items": [{"price": 1}, {"price": 2, "size": "L"}]}, {"id": "b", "items": []}]
    till.put("in/a.ndjson", "".join(json.dumps(record) + "\n" for record in records))
    till.good_run()
    till.put("contracts/orders.odcs.yml", contract.rstrip() + "\n                    - {name: size, logicalType: string}\n")
    (adopted,) = till.good_run(now=SECOND_MORNING).of("adopted")
    assert adopted["fields"] == ["items[].size"]
    assert till.rows("select id, items[2].size as size, _extra from raw.orders order by id") == [
        {"id": "a", "size": "L", "_extra": None}, {"id": "b", "size": None, "_extra": None},
    ]  # fmt: skip


def test_what_a_person_discarded_stays_discarded(till: Till) -> None:
    till.put("inbox/sales_2026-10-04.csv", NEW.replace("c", "d").replace("-03", "-04").replace("2.00", "two"))
    till.good_run(now=SECOND_MORNING)
    (refused,) = till.call("quarantine", "list", "--json").of("quarantined")
    discard = ("quarantine", "discard", "--delivery", refused["delivery"], "--reason", "a test", "--by", "ada")
    assert till.call(*discard, "--now", SECOND_MORNING).code == 0
    declare(till, TILL)
    outcome = till.good_run(now=THIRD_MORNING)
    assert sorted(each["counts"]["discarded"] for each in outcome.of("adopted")) == [0, 1]
    assert raw(till)[5:] == [("d1", 4, None)]


def test_a_column_that_was_taken_over_becomes_the_declared_one(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {new_field: accept}")
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", NEW)
    till.good_run(now=SECOND_MORNING)
    assert raw(till)[3:] == [("c1", 4, None), ("c2", 5, None)]
    declare(till, "{name: till, logicalType: string}")
    till.put("inbox/sales_2026-10-04.csv", NEW.replace("c", "d").replace(",5", ",x").replace("-03", "-04"))
    assert [each["name"] for each in till.good_run(now=THIRD_MORNING).of("adopted")] == ["sales_2026-10-03.csv"]
    assert raw(till)[3:] == [("c1", "4", None), ("c2", "5", None), ("d1", "4", None), ("d2", "x", None)]


def test_a_contract_that_changes_elsewhere_loads_nothing_again(till: Till) -> None:
    declare(till, "{name: other, logicalType: string}")
    outcome = till.good_run(now=THIRD_MORNING)
    assert (outcome.of("adopted"), outcome.built()) == ([], [])


def test_an_unpublished_adoption_is_taken_over(till: Till) -> None:
    declare(till, TILL)
    till.put("models/marts/counted.sql", MODEL.replace("partition_by: day\n", "partition_by: day\nchecks: [{sql: sales < 2}]\n"))
    held = till.run("--json", now=THIRD_MORNING)
    assert (held.code, len(held.of("adopted"))) == (1, 1)
    assert raw(till, "1")[3:] == [("c1", 1, '{"till":"4"}'), ("c2", 1, '{"till":"5"}')]
    till.put("models/marts/counted.sql", MODEL)
    assert till.good_run(now="2026-10-03T09:00+02:00").of("adopted") == []
    assert raw(till)[3:] == [("c1", 4, None), ("c2", 5, None)]
