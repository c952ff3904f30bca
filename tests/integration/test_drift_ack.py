"""``startrail drift ack``, ``acks`` and ``patch`` through the real command line."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.fixtures.till import DAILY, SECOND_MORNING, THIRD_MORNING, Outcome, Till, assert_refused

from startrail.flow.lease import holding
from startrail.model.run import Publication
from startrail.model.table import Relation, TableChange, TableName
from startrail.ports.warehouse import Query
from startrail.wiring import open_project

NEW = "sale_id,day,store,amount,till\nc1,2026-10-03,north,1.00,4\nc2,2026-10-03,north,2.00,5\n"
STORE = "{name: store, logicalType: string, required: true}"
ENUM = "{name: store, logicalType: string, required: true, enum: [{value: north}, {value: south}]}"
LATER = "2026-10-03T09:00+02:00"
AFTER = "2026-10-12T09:00+02:00"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.good_run()
    return made


def drifted(till: Till, text: str = NEW, name: str = "sales_2026-10-03.csv", now: str = SECOND_MORNING) -> Outcome:
    till.put(f"inbox/{name}", text)
    return till.run("--json", now=now)


def policy(till: Till, drift: str) -> None:
    till.edit("sources/sales.yml", "contract: sales", f"contract: sales\ndrift: {{{drift}}}")


def ack(till: Till, *more: str, path: str = "till", until: str = "2026-10-10", now: str = THIRD_MORNING) -> Outcome:
    return till.call("drift", "ack", "sales", path, "--until", until, "--by", "ada", "--now", now, *more)


def facts(till: Till, kind: str = "drift.acknowledged") -> list[dict[str, Any]]:
    with open_project(till.root, "local", read_only=True) as opened:
        return [json.loads(fact.payload) for fact in opened.ports.ledger.facts(kind=kind)]


def test_an_acknowledged_drift_is_recorded_with_its_proof_and_is_no_news(till: Till) -> None:
    drifted(till)
    outcome = ack(till, "--note", "the new tills", "--json")
    assert outcome.code == 0, outcome.text
    proof = outcome.result["proof"]
    assert (proof["others"]["deliveries"], proof["others"]["before"]["rows"]) == (2, 3)
    assert proof["others"]["before"] == proof["others"]["after"]
    assert proof["others"]["before"]["sums"]["amount"] == "22.75"
    assert (proof["drifted"]["deliveries"], proof["drifted"]["columns"]) == (1, ["amount", "day", "sale_id", "store"])
    assert proof["drifted"]["before"] == proof["drifted"]["after"]
    assert proof["drifted"]["after"]["sums"] == {"amount": "3.00"}
    assert proof["unproven"] == []
    (active,) = till.call("drift", "acks", "--json", "--now", LATER).of("acknowledgement")
    assert (active["state"], active["by"], active["note"], active["path"]) == ("active", "ada", "the new tills", "$.till")
    (listed,) = till.call("drift", "list", "--json").of("drift")
    assert listed["acknowledged"]["until"] == "2026-10-10"
    assert "acknowledged by ada until 2026-10-10: the new tills" in till.call("drift", "list", "--now", LATER).out


def test_the_same_again_changes_nothing_and_another_day_takes_its_place(till: Till) -> None:
    drifted(till)
    ack(till)
    again = ack(till, "--json", now=LATER)
    assert (again.result["new"], len(facts(till))) == (False, 1)
    assert ack(till, "--json", until="2026-10-11", now=LATER).result["new"] is True
    assert [each["until"] for each in till.call("drift", "acks", "--json", "--now", LATER).of("acknowledgement")] == [
        "2026-10-11"
    ]
    assert "the chain holds" in till.call("ledger", "verify").err


def test_after_its_last_day_it_is_told_again_once(till: Till) -> None:
    drifted(till)
    ack(till)
    told = drifted(till, NEW.replace("c", "d"), "sales_2026-10-04.csv", LATER).of("drift_found")
    assert [event["first"] for event in told] == [False]
    told = drifted(till, NEW.replace("c", "e"), "sales_2026-10-05.csv", AFTER).of("drift_found")
    assert [event["first"] for event in told] == [True]
    told = drifted(till, NEW.replace("c", "f"), "sales_2026-10-06.csv", "2026-10-12T09:30+02:00").of("drift_found")
    assert [event["first"] for event in told] == [False]
    assert "ended" in till.call("drift", "acks", "--now", AFTER).out


def test_what_was_held_for_it_loads_until_its_last_day_and_then_the_policy_rules_again(till: Till) -> None:
    policy(till, "new_field: hold")
    drifted(till)
    assert till.daily() == DAILY
    assert till.call("status").code == 1
    outcome = ack(till)
    assert "1 held delivery may load now. Next: startrail run" in outcome.err
    assert "nothing of it is in the table" in outcome.err
    assert len(till.call("plan", "--json", "--now", LATER).of("planned")) == 1
    till.good_run(now=LATER)
    assert till.daily()["2026-10-03", "north"] == "3.00"
    assert till.call("status").code == 0
    drifted(till, NEW.replace("c", "d").replace("10-03", "10-04"), "sales_2026-10-04.csv", AFTER)
    assert ("2026-10-04", "north") not in till.daily()
    assert till.call("status").code == 1


def test_a_value_that_the_enumeration_does_not_name_loads_while_it_is_acknowledged(till: Till) -> None:
    policy(till, "unknown_value: hold")
    till.edit("contracts/sales.odcs.yml", STORE, ENUM)
    drifted(till, "sale_id,day,store,amount\nc1,2026-10-03,west,1.00\n")
    assert till.daily() == DAILY
    outcome = ack(till, "--patch", str(till.root / "patch"), path="$.store")
    assert outcome.code == 0, outcome.text
    till.good_run(now=LATER)
    assert till.daily()["2026-10-03", "west"] == "1.00"
    assert "value: west" in till.read("patch")


@pytest.mark.parametrize(
    ("drift", "text", "path", "code"),
    [
        ("wrong_type: hold", NEW.replace("2.00", "two"), "amount", "ST333"),
        ("new_field: stop", NEW, "till", "ST333"),
        ("preset: keep-going", "sale_id,day,amount\nc1,2026-10-03,1.00\n", "store", "ST333"),
        ("preset: keep-going", NEW, "nowhere", "ST331"),
    ],
)
def test_what_nobody_can_let_in_is_refused(till: Till, drift: str, text: str, path: str, code: str) -> None:
    policy(till, drift)
    drifted(till, text)
    assert_refused(ack(till, path=path), code)
    assert facts(till) == []


def test_a_day_that_is_over_or_no_day_is_refused(till: Till) -> None:
    drifted(till)
    assert_refused(ack(till, until="2026-10-02"), "ST336")
    assert_refused(ack(till, until="soon"), "ST336", hint="--until")
    assert_refused(till.call("drift", "ack", "sale", "till", "--until", "2026-10-10", "--now", LATER), "ST331", hint="sales")


def test_of_several_kinds_at_one_path_one_must_be_said(till: Till) -> None:
    drifted(till, NEW.replace("2.00", "two").replace("1.00", "2.001"))
    till.put("inbox/sales_2026-10-04.csv", "sale_id,day,store,amount\nd1,2026-10-04,north,2.001\nd2,2026-10-04,north,1\n")
    till.run(now=THIRD_MORNING)
    assert_refused(ack(till, path="amount", now=LATER), "ST332", hint="--kind")
    assert ack(till, "--kind", "inexact", path="amount", now=LATER).code == 0


# -- the proof ---------------------------------------------------------------------------------------------------------
def tamper(till: Till, part: str, change: str, where: str = "true") -> None:
    """Rewrite the stored rows of a delivery, as a program outside of Startrail would."""
    (delivery,) = [each["delivery"] for each in facts(till, "delivery.landed") if each["name"] == part]
    (file,) = (till.root / ".startrail").rglob(f"raw/sales/data/{delivery}/*.parquet")
    with duckdb.connect() as connection:
        rows = f"select * replace ({change}) from read_parquet('{file}') where {where}"
        ids = connection.sql(f"select name, field_id from parquet_schema('{file}') where field_id is not null").fetchall()
        listed = ", ".join(f"{name}: {id}" for name, id in ids)
        connection.execute(f"copy ({rows}) to '{file}.new' (format parquet, field_ids {{{listed}}})")
    Path(f"{file}.new").replace(file)


@pytest.mark.parametrize(
    ("part", "change", "named"),
    [
        (
            "sales_2026-10-03.csv",
            "case when sale_id = 'c1' then 1.01 else amount end::decimal(12,2) as amount",
            "amount adds up to",
        ),
        ("sales_2026-10-03.csv", "'south' as store", "column store"),
    ],
)
def test_one_tampered_value_of_a_drifted_delivery_refuses_the_acknowledgement(
    till: Till, part: str, change: str, named: str
) -> None:
    drifted(till)
    tamper(till, part, change)
    assert_refused(ack(till), "ST334", says=named)
    assert facts(till) == []


def test_a_row_that_is_gone_from_the_stored_file_refuses_it(till: Till) -> None:
    drifted(till)
    tamper(till, "sales_2026-10-03.csv", "store as store", where="sale_id <> 'c2'")
    assert_refused(ack(till), "ST334", says="2 records and 1 stored rows")


def test_rows_of_other_deliveries_that_changed_without_a_replay_refuse_it(till: Till) -> None:
    """A program outside of Startrail published the table anew, with one value changed."""
    drifted(till)
    rewritten(till, "sales_2026-10-01.csv", "'north ' as store")
    assert_refused(ack(till), "ST334", says="rows of raw.sales that the drift should not have touched differ")


def rewritten(till: Till, name: str, change: str) -> None:
    """Publish other files for one delivery, without any load step."""
    with open_project(till.root, "local") as opened:
        ports = opened.ports
        (part,) = [each.id for each in ports.ledger.deliveries("sales") if each.name == name]
        table = TableName("raw", "sales")
        pointer = ports.ledger.pointers()[table]
        state = ports.tables().state(pointer)
        relation = Relation("raw.sales", state.schema, tuple(file for file in state.files if file.part == part))
        files = ports.warehouse().build(
            Query(f'select * replace ({change}) from "raw"."sales"', (relation,)),
            state.schema,
            "tables/raw/sales/data",
            "x",
            part,
        )
        change_ = TableChange(table, state.schema, files, replaces=(part,))
        prepared = ports.tables().prepare(change_, pointer, datetime(2026, 10, 3, 7, tzinfo=UTC))
        with holding(ports.ledger, ports.wall, lambda event: None, 1) as lease:
            at = ports.clock.now()
            ports.ledger.publish(Publication("outside", ports.ledger.runs(1)[0].id, at, prepared=(prepared,)), lease)


# -- the patch ---------------------------------------------------------------------------------------------------------
def apply(till: Till, text: str) -> None:
    subprocess.run(["git", "init", "-q"], cwd=till.root, check=True)
    subprocess.run(["git", "apply", "-"], cwd=till.root, input=text, text=True, check=True)


def test_the_patch_applies_with_git_and_the_next_run_fills_the_column(till: Till) -> None:
    drifted(till)
    outcome = ack(till)
    assert outcome.out.startswith("diff --git a/contracts/sales.odcs.yml b/contracts/sales.odcs.yml\n")
    assert till.call("drift", "patch", "sales", "till").out == outcome.out
    apply(till, outcome.out)
    assert "version: 1.1.0" in till.read("contracts/sales.odcs.yml")
    assert [each["fields"] for each in till.good_run(now=LATER).of("adopted")] == [["till"]]
    assert till.rows("select till from raw.sales where till is not null order by till") == [{"till": 4}, {"till": 5}]
    (listed,) = till.call("drift", "list", "--json").of("drift")
    assert (listed["adopted"], listed["adopted_at"][:10]) == (1, "2026-10-03")


def test_write_changes_the_contract_itself(till: Till) -> None:
    drifted(till)
    assert till.call("drift", "patch", "sales", "$.till", "--write").out == ""
    assert "- {name: till, logicalType: integer}" in till.read("contracts/sales.odcs.yml")


def test_a_rename_is_patched_with_an_alias(till: Till) -> None:
    drifted(till, "sale_id,day,shop_store,amount\nc1,2026-10-03,north,1.00\n")
    patch = till.call("drift", "patch", "sales", "store", "--kind", "renamed")
    assert patch.code == 0, patch.text
    apply(till, patch.out)
    till.good_run(now=LATER)
    assert till.daily()["2026-10-03", "north"] == "1.00"


def test_what_no_contract_could_say_has_no_patch(till: Till) -> None:
    drifted(till, NEW.replace("2.00", "two"))
    assert_refused(till.call("drift", "patch", "sales", "amount"), "ST335")
