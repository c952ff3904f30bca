"""Declarations that cannot be: each a clear error with its place, nothing lost, and the next run recovers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures.till import DAILY, SECOND_MORNING, Till, assert_json_refused, assert_refused


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


def test_a_folder_without_startrail_yml_is_no_project(till: Till) -> None:
    text = till.read("startrail.yml")
    till.remove("startrail.yml")
    assert_refused(till.run(), "ST802", says="has no startrail.yml", hint="startrail init")
    assert_json_refused(till.run("--json"), "ST802")
    assert not (till.root / ".startrail").exists()
    till.put("startrail.yml", text)
    till.good_run()
    assert till.daily() == DAILY


@pytest.mark.parametrize("command", ["run", "plan", "status", "test", "query", "backfill", "ledger"])
def test_every_command_refuses_a_folder_that_is_no_project_in_the_same_way(tmp_path: Path, command: str) -> None:
    more = {
        "query": ["select 1"],
        "backfill": ["marts.daily", "--from", "2026-10-01", "--to", "2026-10-02"],
        "ledger": ["verify"],
    }.get(command, [])
    assert_refused(Till(tmp_path).call(command, *more), "ST802")
    assert_json_refused(Till(tmp_path).call(command, *more, "--json"), "ST802")


def broken(till: Till, name: str, content: str | bytes, code: str, at: str) -> None:
    """Published once, then a file breaks: refused with the place, the old rows stay, and mended it goes on."""
    till.good_run()
    good = (till.root / name).read_bytes()
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    till.put(name, content)
    assert_refused(till.run(now=SECOND_MORNING), code, at=at)
    assert_json_refused(till.run("--json", now=SECOND_MORNING), code, at=at)
    till.put(name, good)
    assert till.daily() == DAILY
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}


def test_yaml_that_does_not_parse_is_refused_at_its_place(till: Till) -> None:
    broken(till, "sources/sales.yml", "feed: {kind: folder\ncontract: sales\n", "ST103", "sources/sales.yml:2:9")


def test_a_binary_file_is_no_declaration(till: Till) -> None:
    broken(till, "contracts/sales.odcs.yml", b"PK\x03\x04\xff\xfe\x00\x01" * 50, "ST102", "contracts/sales.odcs.yml:1:5")


def test_an_unknown_key_is_refused_with_the_near_miss(till: Till) -> None:
    text = till.read("sources/sales.yml").replace("contract:", "contrcat:")
    broken(till, "sources/sales.yml", text, "ST115", "sources/sales.yml:2:1")


def test_all_errors_of_all_files_are_told_at_once(till: Till) -> None:
    till.put("sources/sales.yml", b"\xff\xfe")
    till.put("reports/rate.yml", "model: marts.rate\nmodel: marts.rate\n")
    outcome = till.run("--json")
    assert_json_refused(outcome, "ST102")
    assert {error["at"] for error in outcome.of("error")} >= {"sources/sales.yml:1:1", "reports/rate.yml:2:1"}
    assert outcome.result["errors"] == len(outcome.of("error")) >= 2


def test_an_unknown_table_in_sql_is_refused_with_the_near_miss(till: Till) -> None:
    till.edit("models/marts/total.sql", "marts.daily", "marts.dayly")
    outcome = till.run()
    assert_refused(outcome, "ST407", at="models/marts/total.sql:2:6", hint="did you mean 'marts.daily'?")
    assert_json_refused(till.run("--json"), "ST407", at="models/marts/total.sql:2:6")
    assert_refused(till.call("plan"), "ST407", at="models/marts/total.sql:2:6")
    till.edit("models/marts/total.sql", "marts.dayly", "marts.daily")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY


def test_sql_that_does_not_parse_is_refused_and_what_was_landed_is_not_lost(till: Till) -> None:
    till.edit("models/marts/total.sql", "select sum(", "selec sum(")
    assert_refused(till.run(), "ST400", at="models/marts/total.sql:1:10")
    till.remove("inbox/sales_2026-10-01.csv")  # its bytes have landed
    till.edit("models/marts/total.sql", "selec sum(", "select sum(")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY


def test_models_in_a_circle_are_refused_with_the_circle(till: Till) -> None:
    till.edit("models/marts/daily.sql", "from raw.sales as s", "from raw.sales as s, marts.total as t")
    assert_refused(till.run(), "ST408", says="marts.daily -> marts.total -> marts.daily", at="models/marts/daily.sql:2:1")
    till.edit("models/marts/daily.sql", ", marts.total as t", "")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY


def test_a_source_cannot_load_into_a_model(till: Till) -> None:
    text = till.read("sources/sales.yml").replace("raw.sales", "marts.daily")
    broken(till, "sources/sales.yml", text, "ST142", "sources/sales.yml:3:7")


def test_two_sources_cannot_load_into_one_table(till: Till) -> None:
    text = till.read("sources/sales.yml").replace("raw.sales", "raw.rates")
    broken(till, "sources/sales.yml", text, "ST142", "sources/sales.yml:3:7")


def test_one_name_cannot_be_declared_twice(till: Till) -> None:
    till.put("sources/sales.yaml", till.read("sources/sales.yml"))
    assert_refused(till.run(), "ST142", at="sources/sales.yml:1:1", says="declared twice", hint="sources/sales.yaml")


def test_a_source_with_an_unknown_contract_is_refused_with_the_near_miss(till: Till) -> None:
    text = till.read("sources/sales.yml").replace("contract: sales", "contract: sale")
    broken(till, "sources/sales.yml", text, "ST141", "sources/sales.yml:2:11")


def test_a_header_that_names_a_missing_column_fails_its_model_and_what_reads_it_alone(till: Till) -> None:
    till.edit("models/marts/daily.sql", "grain: [day, store]", "grain: [day, shop]")
    outcome = till.run()
    assert_refused(outcome, "ST462", at="models/marts/daily.sql:2:1", says="names column 'shop'", exit_code=1)
    assert "blocked    marts.total" in outcome.err
    assert till.rows("select rate from marts.rate") == [{"rate": "1.100000"}]
    till.edit("models/marts/daily.sql", "grain: [day, shop]", "grain: [day, store]")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY
    assert "2026-10-02,north,7.25" in till.read("delivered/daily.csv")


def test_a_model_that_selects_a_missing_column_fails_at_its_place(till: Till) -> None:
    till.edit("models/marts/total.sql", "d.amount", "d.amont")
    outcome = till.run()
    assert_refused(outcome, "ST420", at="models/marts/total.sql:1:12", says="amont", hint="mend the SQL", exit_code=1)
    till.edit("models/marts/total.sql", "d.amont", "d.amount")
    till.good_run(now=SECOND_MORNING)
    assert till.rows("select amount from marts.total") == [{"amount": "22.75"}]


def test_a_model_that_reads_files_is_refused(till: Till) -> None:
    till.edit("models/marts/total.sql", "marts.daily as d", "read_csv('/etc/passwd') as d")
    outcome = till.run()
    assert_refused(outcome, "ST405", at="models/marts/total.sql:2:6", hint="declare a source")
    assert "root:" not in outcome.text
    till.edit("models/marts/total.sql", "read_csv('/etc/passwd') as d", "'/etc/passwd' as d")
    assert_refused(till.run(), "ST405", at="models/marts/total.sql:2:6")
