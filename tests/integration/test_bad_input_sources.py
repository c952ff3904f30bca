"""Sources that do not give what they should: one fails, the others go on, and the next run recovers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.till import DAILY, FILES, SECOND_MORNING, THIRD_MORNING, Outcome, Till, assert_refused

INTO = "contract: rates\ninto: raw.rates\npartition_by: day\n"
RATES = b"day,rate\n2026-10-01,1.100000\n"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


def ftp(till: Till, port: int) -> None:
    feed = f"{{kind: ftp, host: 127.0.0.1, port: {port}, user: {USER}, password: env:TILL_PASSWORD, pattern: 'rates_*.csv'}}"
    till.put("sources/rates.yml", f"feed: {feed}\n{INTO}")


def http(till: Till, address: str) -> None:
    till.put("sources/rates.yml", f"feed: {{kind: http, url: '{address}', format: csv, retries: 0}}\n{INTO}")


def assert_only_rates_failed(till: Till, outcome: Outcome, code: str, *, tries: int) -> None:
    assert outcome.code == 1, outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.result["state"] == "failed"
    [failed] = outcome.of("step_failed")
    assert (failed["kind"], failed["subject"]) == ("land", "rates")
    assert failed["error"].startswith(code), failed["error"]
    assert "hint: " in failed["error"]
    assert len(outcome.of("step_retried")) == tries - 1
    assert till.daily() == DAILY
    assert (till.root / "delivered/daily.csv").exists()
    assert not (till.root / "delivered/rate.csv").exists()
    assert till.call("status").code == 1


def assert_recovered(till: Till, outcome: Outcome) -> None:
    """Only what was missing is done, and nothing twice."""
    assert outcome.built() == ["marts.rate all"]
    assert till.rows("select rate from marts.rate") == [{"rate": "1.100000"}]
    assert till.rows("select count(*) as n from raw.rates") == [{"n": 1}]
    assert till.daily() == DAILY
    assert till.call("status").code == 0
    assert till.good_run(now=THIRD_MORNING).result["steps"] == 0


def test_an_ftp_server_that_does_not_answer_is_tried_again_and_then_fails_alone(
    till: Till, closed_port: int, ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILL_PASSWORD", PASSWORD)
    (ftp_server.root / "rates_2026-10-01.csv").write_bytes(RATES)
    ftp(till, closed_port)
    assert_only_rates_failed(till, till.run("--json"), "ST201", tries=2)
    ftp(till, ftp_server.port)
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_a_wrong_ftp_password_is_not_tried_again_and_never_shown(
    till: Till, ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ftp_server.root / "rates_2026-10-01.csv").write_bytes(RATES)
    ftp(till, ftp_server.port)
    monkeypatch.setenv("TILL_PASSWORD", "not-the-secret")
    outcome = till.run("--json")
    assert_only_rates_failed(till, outcome, "ST202", tries=1)
    assert "not-the-secret" not in outcome.text + till.call("ledger", "facts", "--limit", "1000").out
    monkeypatch.setenv("TILL_PASSWORD", PASSWORD)
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_a_secret_that_is_not_set_is_named(till: Till, ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (ftp_server.root / "rates_2026-10-01.csv").write_bytes(RATES)
    ftp(till, ftp_server.port)
    monkeypatch.delenv("TILL_PASSWORD", raising=False)
    outcome = till.run("--json")
    assert_only_rates_failed(till, outcome, "ST220", tries=1)
    assert "export TILL_PASSWORD=" in outcome.text
    monkeypatch.setenv("TILL_PASSWORD", PASSWORD)
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_an_http_server_that_does_not_answer_is_tried_again_and_then_fails_alone(
    till: Till, closed_port: int, http_server: HttpServer
) -> None:
    http_server.routes["/rates"] = lambda request: Answer(RATES)
    http(till, f"http://127.0.0.1:{closed_port}/rates")
    assert_only_rates_failed(till, till.run("--json"), "ST201", tries=2)
    http(till, http_server.address + "/rates")
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_an_http_server_in_trouble_is_tried_again_and_then_fails_alone(till: Till, http_server: HttpServer) -> None:
    http(till, http_server.address + "/rates")
    http_server.routes["/rates"] = lambda request: Answer(b"later", 503)
    assert_only_rates_failed(till, till.run("--json"), "ST201", tries=2)
    http_server.routes["/rates"] = lambda request: Answer(RATES)
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_an_http_address_that_is_not_there_fails_at_once(till: Till, http_server: HttpServer) -> None:
    http(till, http_server.address + "/rates")
    assert_only_rates_failed(till, till.run("--json"), "ST203", tries=1)
    http_server.routes["/rates"] = lambda request: Answer(RATES)
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_a_missing_folder_fails_its_source_alone(till: Till) -> None:
    (till.root / "treasury").rename(till.root / "moved")
    assert_only_rates_failed(till, till.run("--json"), "ST203", tries=1)
    (till.root / "moved").rename(till.root / "treasury")
    assert_recovered(till, till.good_run(now=SECOND_MORNING))


def test_a_file_that_disappears_after_it_has_landed_is_not_lost(till: Till) -> None:
    till.good_run()
    till.remove("inbox/sales_2026-10-01.csv")
    assert till.good_run(now=SECOND_MORNING).result["steps"] == 0
    till.edit("models/marts/daily.sql", "sum(s.amount) as amount", "sum(s.amount) + 0 as amount")
    assert till.good_run(now=THIRD_MORNING).built() == ["marts.daily 2026-10-01", "marts.daily 2026-10-02", "marts.total all"]
    assert till.daily() == DAILY


def test_a_csv_file_without_a_required_column_is_held_with_the_reason(till: Till) -> None:
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,amount\nc1,2026-10-03,1.00\nc2,2026-10-03,2.00\n")
    outcome = till.run("--json")
    assert outcome.code == 1
    [held] = outcome.of("delivery_held")
    assert held["name"] == "sales_2026-10-03.csv"
    assert held["reason"] == "required columns are missing: store; the header has sale_id, day, amount"
    assert outcome.result["counts"]["rows_in"] == outcome.result["counts"]["loaded"] + outcome.result["counts"]["held"]
    assert outcome.result["counts"]["loaded"] == 4
    assert till.daily() == DAILY
    status = till.call("status")
    assert status.code == 1
    assert "required columns are missing: store" in status.out


def test_a_held_delivery_is_told_by_every_run_until_it_is_loaded(till: Till) -> None:
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,amount\nc1,2026-10-03,1.00\n")
    till.run()
    again = till.run(now=SECOND_MORNING)
    assert again.code == 0
    assert "required columns are missing: store" in again.err
    assert "everything is up to date" not in again.err
    till.edit(
        "contracts/sales.odcs.yml", "{name: store, logicalType: string, required: true}", "{name: store, logicalType: string}"
    )
    till.edit("models/marts/daily.sql", "s.store, sum", "coalesce(s.store, 'kiosk') as store, sum")
    till.edit("models/marts/daily.sql", "s.day, s.store\n", "all\n")
    till.good_run(now=THIRD_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "kiosk"): "1.00"}
    assert till.call("status").code == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02\xff" * 100,
        b"PK\x03\x04 a spreadsheet by mistake",
        b"<html>moved</html>\n",
        FILES["startrail.yml"].encode(),
    ],
    ids=["empty", "binary", "zip", "html", "yaml"],
)
def test_a_file_that_is_no_csv_is_held_and_the_others_are_loaded(till: Till, content: bytes) -> None:
    till.put("inbox/sales_2026-10-03.csv", content)
    outcome = till.run("--json")
    assert outcome.code == 1
    assert "Traceback" not in outcome.text
    assert [event["name"] for event in outcome.of("delivery_held")] == ["sales_2026-10-03.csv"]
    assert till.daily() == DAILY
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}


def test_a_data_file_that_somebody_deleted_is_named_and_a_backfill_brings_it_back(till: Till) -> None:
    till.good_run()
    shutil.rmtree(till.root / ".startrail/tables/marts/daily/data/2026-10-01")
    assert_refused(till.call("query", "select * from marts.daily"), "ST601", says="tables/marts/daily/data/2026-10-01")
    done = till.call(
        "backfill", "marts.daily", "--from", "2026-10-01", "--to", "2026-10-01", "--force", "--yes", "--now", SECOND_MORNING
    )  # fmt: skip
    assert done.code == 0, done.text
    assert till.daily() == DAILY
    assert till.rows("select amount from marts.total") == [{"amount": "22.75"}]
