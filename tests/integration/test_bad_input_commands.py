"""Command lines that ask for something that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fixtures.till import (
    DAILY,
    SECOND_MORNING,
    Outcome,
    Till,
    assert_json_refused,
    assert_refused,
    call,
    child,
)


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """A project after one good run, only to be read."""
    till = Till.write(tmp_path_factory.mktemp("published") / "till")
    till.good_run()
    return till


def refused(till: Till, command: str, *more: str, code: str, at: str | None = None, hint: str = "", says: str = "") -> None:
    """For people and for programs alike, and without a trace in the ledger."""
    before = facts(till)
    assert_refused(till.call(command, *more), code, at=at, says=says, hint=hint)
    assert_json_refused(till.call(command, *more, "--json"), code, at=at)
    assert facts(till) == before


def facts(till: Till) -> str:
    return till.call("ledger", "facts", "--limit", "1000").out


def test_an_unknown_command_is_refused_with_the_near_miss() -> None:
    assert_refused(call("rum"), "ST800", says="did you mean 'run'?", hint="startrail --help")
    assert_json_refused(call("rum", "--json"), "ST800")


def test_an_unknown_command_shows_no_traceback_in_a_process_of_its_own() -> None:
    assert_refused(child("rum"), "ST800")


def test_an_unknown_option_is_refused_with_the_near_miss(published: Till) -> None:
    refused(published, "run", "--selct", "marts.daily", code="ST800", says="--select", hint="startrail run --help")


def test_an_instant_in_another_form_is_refused(published: Till) -> None:
    refused(published, "run", "--now", "yesterday", code="ST800", says="2026-10-03T08:15+02:00")


def test_an_unknown_profile_is_refused_with_the_near_miss(published: Till) -> None:
    refused(published, "run", "--profile", "locl", code="ST801", hint="did you mean 'local'?")


def test_an_unknown_selection_is_refused_with_the_near_miss(published: Till) -> None:
    refused(published, "run", "--select", "marts.dayly", code="ST810", hint="did you mean 'marts.daily'?")
    refused(published, "plan", "--select", "+marts.dayly", code="ST810", hint="did you mean 'marts.daily'?")


def test_a_query_of_an_unknown_table_is_refused_with_the_near_miss(published: Till) -> None:
    refused(published, "query", "select * from marts.dayly", code="ST450", hint="did you mean 'marts.daily'?")


@pytest.mark.parametrize(
    "sql",
    [
        "insert into marts.daily select * from marts.daily",
        "drop table marts.daily",
        "copy marts.daily to 'stolen.csv'",
        "attach 'other.db' as other",
        "set memory_limit = '1TB'",
    ],
)
def test_a_query_only_reads(published: Till, sql: str) -> None:
    refused(published, "query", sql, code="ST401", at="query:1:1", says="a query is one SELECT", hint="only reads")
    assert published.daily() == DAILY


def test_a_query_does_not_read_files(published: Till) -> None:
    refused(published, "query", "select * from read_csv('/etc/passwd')", code="ST405", at="query:1:15")


def test_a_query_of_failed_rows_when_nothing_failed_is_refused(published: Till) -> None:
    refused(published, "query", "select * from marts.daily@failed", code="ST450", says="nothing of 'marts.daily' is held back")


def test_a_query_of_an_unknown_snapshot_names_the_oldest_there_is(published: Till) -> None:
    refused(published, "query", "select * from marts.daily@12", code="ST552", hint="marts.daily@")


def test_a_query_that_does_not_parse_is_refused(published: Till) -> None:
    refused(published, "query", "selec day from marts.daily", code="ST400", at="query:1:11")


def test_a_query_of_a_missing_column_is_refused(published: Till) -> None:
    refused(published, "query", "select amont from marts.daily", code="ST420", hint="amount")


def test_a_query_into_a_folder_that_is_not_there_is_refused(published: Till) -> None:
    to = str(published.root / "nowhere" / "rows.csv")
    refused(published, "query", "select 1 as one", "--format", "csv", "--out", to, code="ST803", hint="nowhere")


def test_parquet_needs_a_file(published: Till) -> None:
    refused(published, "query", "select 1 as one", "--format", "parquet", code="ST800", says="--out")


def backfill(till: Till, model: str, first: str = "2026-10-01", last: str = "2026-10-02", **expected: str) -> None:
    refused(till, "backfill", model, "--from", first, "--to", last, **expected)  # type: ignore[arg-type]


def test_a_backfill_of_a_model_without_partitions_is_refused(published: Till) -> None:
    backfill(published, "marts.total", code="ST463", says="not a partitioned model", hint="marts.daily")


def test_a_backfill_of_an_unknown_model_is_refused_with_the_near_miss(published: Till) -> None:
    backfill(published, "marts.dayly", code="ST463", hint="did you mean 'marts.daily'?")


def test_a_backfill_of_what_is_up_to_date_says_so(published: Till) -> None:
    backfill(published, "marts.daily", code="ST463", says="up to date", hint="--force")


@pytest.mark.parametrize("name", ["yesterday", "2026-10", "2026-10-32", "2026-1-1", ""])
def test_a_backfill_from_something_that_is_no_partition_is_refused(published: Till, name: str) -> None:
    backfill(published, "marts.daily", first=name, code="ST463", says=f"'{name}' is no day", hint="2026-10-01")


def test_init_does_not_touch_a_folder_that_holds_a_project(published: Till) -> None:
    before = {path: path.read_bytes() for path in published.root.rglob("*") if path.is_file()}
    assert_refused(call("init", str(published.root)), "ST721", says="already holds a project")
    assert_refused(call("init", "--example", "shop", str(published.root)), "ST721")
    assert {path: path.read_bytes() for path in published.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("more", [(), ("--example", "shop")])
def test_init_where_nothing_can_be_written_is_refused(tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert_refused(call("init", *more, str(tmp_path / "taken/x")), "ST803", says="not a directory")
    assert_refused(call("schema", "--out", str(tmp_path / "taken/x")), "ST803", says="not a directory")


def test_init_of_an_unknown_example_is_refused(tmp_path: Path) -> None:
    assert_refused(call("init", "--example", "shp", str(tmp_path / "x")), "ST800", says="'shop'")
    assert not (tmp_path / "x").exists()


def test_an_unknown_schema_is_refused_with_the_near_miss() -> None:
    assert_refused(call("schema", "modl"), "ST800", says="did you mean 'model'?")
    assert_json_refused(call("schema", "modl", "--json"), "ST800")


def test_a_failed_run_ends_its_json_with_a_result_that_names_the_errors(till: Till) -> None:
    till.edit("models/marts/daily.sql", "grain: [day, store]", "grain: [day, shop]")
    outcome = till.run("--json")
    assert outcome.code == 1
    assert outcome.err == ""
    assert outcome.result["state"] == "failed"
    assert all(error.startswith("ST462") for error in outcome.result["failed"])


def test_output_that_nobody_reads_ends_quietly(published: Till) -> None:
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "startrail",
        "query",
        "select * from range(300000)",
        "--format",
        "csv",
        "-C",
        str(published.root),
    ]
    shell = " ".join(f"'{part}'" for part in command) + " | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, timeout=240)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def check_failed(till: Till) -> Outcome:
    """A good first day, then a delivery whose rows break a check of severity error."""
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,-1.00\n")
    return till.run("--json", now=SECOND_MORNING)


def test_a_failing_check_leaves_the_old_rows_visible_and_the_new_ones_under_failed(till: Till) -> None:
    outcome = check_failed(till)
    assert outcome.code == 1
    assert outcome.result["state"] == "held"
    [found] = outcome.of("checked")
    assert found["subject"] == "marts.daily"
    assert json.loads(found["result"]["sample"]) == [{"day": "2026-10-03", "store": "north", "amount": "-1.00"}]
    assert [event["subject"] for event in outcome.of("step_blocked")] == ["marts.total"]
    assert not outcome.of("published")
    assert not outcome.of("delivered")
    assert till.daily() == DAILY
    assert till.daily("marts.daily@failed") == DAILY | {("2026-10-03", "north"): "-1.00"}
    assert till.rows("select count(*) as n from raw.sales") == [{"n": 3}]
    assert till.rows("select count(*) as n from raw.sales@failed") == [{"n": 4}]
    assert "2026-10-03" not in till.read("delivered/daily.csv")


def test_a_failing_check_is_told_on_the_terminal_and_by_status_with_what_to_do(till: Till) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,-1.00\n")
    told = till.run(now=SECOND_MORNING)
    assert "amount >= 0" in told.err
    assert "last good data is still served" in told.err
    status = till.call("status")
    assert status.code == 1
    assert "marts.daily@failed" in status.text


def test_after_the_model_is_mended_the_next_run_publishes_what_was_held(till: Till) -> None:
    check_failed(till)
    till.edit("models/marts/daily.sql", "sum(s.amount)", "abs(sum(s.amount))")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}
    assert "2026-10-03,north,1.00" in till.read("delivered/daily.csv")
    assert till.call("status").code == 0
    assert_refused(till.call("query", "select * from marts.daily@failed"), "ST450")


def test_after_the_data_is_corrected_the_next_run_publishes(till: Till) -> None:
    check_failed(till)
    till.put("inbox/sales_2026-10-03_corrected.csv", "sale_id,day,store,amount\nc2,2026-10-03,north,3.00\n")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "2.00"}


def test_an_unmended_failure_is_told_by_every_run(till: Till) -> None:
    check_failed(till)
    again = till.run("--json", now=SECOND_MORNING)
    assert again.code == 1
    assert again.built() == []
    assert again.result["state"] == "held"
    assert till.daily() == DAILY


def test_a_warning_publishes_and_tells(till: Till) -> None:
    till.edit("models/marts/daily.sql", "- sql: amount >= 0", "- sql: amount >= 6\n    severity: warn")
    outcome = till.run("--json")
    assert outcome.code == 0
    [found] = outcome.of("checked")
    assert found["result"]["severity"] == "warn"
    assert found["result"]["failing"] == 1
    assert till.daily() == DAILY


def test_a_report_to_a_folder_that_is_not_there_fails_alone_and_recovers(till: Till) -> None:
    till.edit("reports/daily.yml", "path: delivered", "path: share/reports/daily")
    assert_refused(till.run(), "ST702", says="share/reports", hint="mkdir -p", exit_code=1)
    assert till.daily() == DAILY
    assert (till.root / "delivered/rate.csv").exists()
    assert not (till.root / "share").exists()
    (till.root / "share/reports").mkdir(parents=True)
    outcome = till.good_run(now=SECOND_MORNING)
    assert [event["report"] for event in outcome.of("delivered")] == ["daily"]
    assert "2026-10-02,north,7.25" in till.read("share/reports/daily/daily.csv")
