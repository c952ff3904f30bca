"""``startrail plan`` on history: what a changed contract would have done, by the real command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Outcome, Till, assert_refused

from startrail.base.ids import digest
from startrail.wiring import rehearsal

CONTRACT = """\
    apiVersion: v3.2.0
    kind: DataContract
    id: customers
    version: 1.0.0
    status: active
    schema:
      - name: customers
        properties:
          - {name: id, logicalType: integer, required: true}
          - {name: day, logicalType: date, required: true}
          - {name: channel, logicalType: string}
          - {name: fee, logicalType: number, physicalType: "decimal(10,2)", logicalTypeOptions: {minimum: 0}}
          - {name: phone, logicalType: string}
    """
OPTIONAL, MANDATORY = "{name: phone, logicalType: string}", "{name: phone, logicalType: string, required: true}"


def records(day: int, phones: str, fee: str = "2.50") -> list[dict[str, Any]]:
    """One record for each letter: ``x`` has a phone, ``0`` has null, ``-`` has none."""
    return [
        {"id": 100 * day + n, "day": f"2026-05-0{day}", "channel": "web" if n % 2 else "desk", "fee": fee}
        | ({} if mark == "-" else {"phone": f"600 {n}" if mark == "x" else None})
        for n, mark in enumerate(phones)
    ]


def club(root: Path, **deliveries: list[dict[str, Any]]) -> Till:
    till = Till(root)
    till.put("startrail.yml", "name: club\n")
    till.put(
        "sources/customers.yml", "feed: {kind: folder, path: in}\ncontract: customers\ninto: raw.customers\npartition_by: day\n"
    )
    till.put("contracts/customers.odcs.yml", CONTRACT)
    till.put("models/marts/fees.sql", "select sum(c.fee) as fees from raw.customers as c\n")
    (root / "in").mkdir()
    for name, found in deliveries.items():
        till.put(f"in/{name}.ndjson", "".join(json.dumps(each) + "\n" for each in found))
    assert till.run().code == 0
    return till


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return club(tmp_path, day_1=records(1, "----"), day_2=records(2, "xx0x-xxx"), day_3=records(3, "xxxxx-"))


def mandatory(till: Till) -> None:
    till.edit("contracts/customers.odcs.yml", OPTIONAL, MANDATORY)


def said(till: Till, *more: str) -> Outcome:
    return till.call("plan", "--now", "2026-10-04T08:00+02:00", *more)


def plan(till: Till, *more: str, code: int = 0) -> Outcome:
    outcome = said(till, "--json", *more)
    assert outcome.code == code, outcome.text
    return outcome


def history(till: Till, *more: str) -> dict[str, Any]:
    (found,) = plan(till, *more).of("history")
    return found


def files(root: Path) -> dict[str, str]:
    """Every file with its content, but for the cache, which may be deleted at any time, and what SQLite needs to read."""
    found = [path for path in root.rglob("*") if path.is_file() and ".startrail/cache" not in str(path)]
    found = [
        path for path in found if path.suffix != ".sqlite-shm" and not (path.suffix == ".sqlite-wal" and not path.stat().st_size)
    ]
    return {str(path.relative_to(root)): digest(path.read_bytes()) for path in found}


def test_a_contract_under_which_all_was_loaded_needs_no_history(till: Till) -> None:
    assert plan(till).of("history") == []


@pytest.mark.parametrize("full", [(), ("--full",)])
def test_a_mandatory_field_says_what_history_says(till: Till, full: tuple[str, ...]) -> None:
    mandatory(till)
    found = history(till, *full)
    assert (found["rows"], found["quarantined"], found["held"], found["let_in"]) == (18, 3, 4, 0)
    assert found["refused_share"] == pytest.approx(7 / 18)
    assert [(r["rule"], r["path"], r["rows"]) for r in found["rules"]] == [("null_in_required", "$.phone", 7)]
    assert [(d["value"], d["rows"], d["refused"]) for d in found["days"]] == [
        ("2026-05-01", 4, 4), ("2026-05-02", 8, 2), ("2026-05-03", 6, 1),
    ]  # fmt: skip
    (channel,) = found["segments"]
    assert {(v["value"], v["refused"]) for v in channel["values"]} == {("desk", 4), ("web", 3)}
    (total,) = [each for each in found["sums"] if each["day"] is None]
    assert (total["column"], total["sum"], total["change"]) == ("fee", "45.00", "-17.50")
    (held,) = found["holds"]
    assert held["name"] == "day_1.ndjson"
    assert "missing_required at $.phone" in held["reason"]
    assert [(s["field"], s["without"], s["name"]) for s in found["since"]] == [("phone", 1, "day_2.ndjson")]
    assert found["affects"] == ["marts.fees"]
    assert len(found["examples"]) == 3
    assert json.loads(found["examples"][0]["raw"])["id"] == 305
    assert found["reread"] == (None if full else ["phone"])


def test_whoever_the_contract_says_reads_the_field_is_named(till: Till) -> None:
    read_by = ", customProperties: [{property: consumers, value: [courier desk], vendor: startrail}]}"
    till.edit("contracts/customers.odcs.yml", OPTIONAL, MANDATORY.removesuffix("}") + read_by)
    assert history(till)["read_by"] == ["courier desk"]
    assert "read by courier desk" in said(till).out
    assert "read by courier desk" in said(till, "--markdown").out


def test_a_plan_changes_nothing_but_its_cache(till: Till) -> None:
    mandatory(till)
    before = files(till.root)
    plan(till)
    plan(till, "--full")
    assert said(till, "--markdown").code == 0
    assert files(till.root) == before


def test_the_cache_may_be_deleted(till: Till) -> None:
    mandatory(till)
    first = plan(till).out
    assert plan(till).of("history") == [json.loads(line) for line in first.splitlines() if '"history"' in line]
    kept = list((till.root / ".startrail/cache").glob("rehearsal-*"))
    assert len(kept) == 3
    for each in kept:
        each.write_bytes(b"damaged")
    assert history(till) == json.loads(next(line for line in first.splitlines() if '"history"' in line))


def test_what_a_run_has_loaded_is_no_proposal_any_more(till: Till) -> None:
    mandatory(till)
    till.put("in/four.ndjson", json.dumps(records(4, "x")[0]) + "\n")
    assert till.run(now="2026-10-03T09:00+02:00").code == 0
    assert plan(till).of("history") == []


def test_only_deliveries_that_landed_in_time_are_read(till: Till) -> None:
    mandatory(till)
    assert plan(till, "--history", "1h").of("history") == []
    assert history(till, "--history", "26h")["deliveries"] == 3


def test_a_looser_contract_lets_rows_in(tmp_path: Path) -> None:
    till = club(tmp_path, one=[*records(1, "xx"), *records(2, "x", fee="-5.00")], two=records(3, "x", fee="-1.00"))
    assert till.rows("select count(*) as n from raw.customers") == [{"n": 2}]
    till.edit("contracts/customers.odcs.yml", ", logicalTypeOptions: {minimum: 0}", "")
    found = history(till)
    assert (found["rows"], found["quarantined"], found["held"], found["let_in"]) == (3 - 1, 0, 0, 2)
    (total,) = [each for each in found["sums"] if each["day"] is None]
    assert (total["sum"], total["change"]) == ("5.00", "-6.00")


def test_what_a_person_discarded_does_not_come_in(tmp_path: Path) -> None:
    till = club(tmp_path, one=[*records(1, "xx"), *records(2, "xx", fee="-5.00")])
    (listed,) = till.call("quarantine", "list", "--json").of("quarantined")
    gone = ("quarantine", "discard", "--delivery", listed["delivery"], "--ordinals", "3", "--reason", "a test", "--by", "ann")
    outcome = till.call(*gone)
    assert outcome.code in (0, 1), outcome.text
    till.edit("contracts/customers.odcs.yml", ", logicalTypeOptions: {minimum: 0}", "")
    assert history(till)["let_in"] == 1


def test_a_csv_column_that_is_not_there_holds_the_delivery(tmp_path: Path) -> None:
    till = club(tmp_path)
    till.put("in/a.csv", "id,day,channel,fee\n1,2026-05-01,web,1.00\n2,2026-05-01,web,2.00\n")
    till.put("in/b.csv", "id,day,channel,fee,phone\n3,2026-05-02,web,1.00,\n4,2026-05-02,web,2.00,600\n")
    assert till.run(now="2026-10-03T09:00+02:00").code == 0
    mandatory(till)
    found = history(till)
    assert (found["quarantined"], found["held"], found["reread"]) == (1, 2, None)
    assert [(each["field"], each["name"]) for each in found["since"]] == [("phone", "b.csv")]
    assert [each["change"] for each in found["sums"] if each["day"] is None] == ["-4.00"]


def test_a_contract_is_tried_without_being_in_the_folder(till: Till) -> None:
    text = till.read("contracts/customers.odcs.yml")
    till.put("new.yml", text.replace(OPTIONAL, MANDATORY))
    assert history(till, "--contract", f"customers={till.root / 'new.yml'}")["quarantined"] == 3
    till.put("try/customers.odcs.yml", text)
    found = history(till, "--contract", str(till.root / "try/customers.odcs.yml"))
    assert (found["quarantined"], found["held"]) == (0, 0)
    outcome = said(till, "--contract", str(till.root / "new.yml"))
    assert_refused(outcome, "ST390", says="no source loads under a contract 'new", hint="customers")


def test_rows_are_told_apart_by_the_columns_that_a_person_names(till: Till) -> None:
    mandatory(till)
    found = history(till, "--segment", "id", "--segment", "channel")
    assert [each["column"] for each in found["segments"]] == ["channel", "id"]
    assert_refused(said(till, "--segment", "chanel"), "ST391", hint="channel")


@pytest.mark.parametrize(("share", "code"), [("0.5%", 1), ("38%", 1), ("39%", 0)])
def test_the_exit_code_is_by_the_share_of_refused_rows(till: Till, share: str, code: int) -> None:
    mandatory(till)
    plan(till, "--fail-above", share, code=code)


@pytest.mark.parametrize(
    "words",
    [("--history", "soon"), ("--fail-above", "5"), ("--no-history", "--markdown"), ("--no-history", "--fail-above", "5%")],
)
def test_options_that_mean_nothing_are_refused(till: Till, words: tuple[str, ...]) -> None:
    outcome = said(till, *words)
    assert outcome.code == 2
    assert "Traceback" not in outcome.text


def test_bytes_that_are_gone_are_told_and_the_rest_is_read(till: Till) -> None:
    mandatory(till)
    landed = sorted((till.root / ".startrail/landing").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    landed[-1].unlink()
    found = history(till)
    assert len(found["unread"]) == 1
    assert "ST601" in found["unread"][0]
    assert found["deliveries"] == 3
    assert found["rows"] == 10


NASTY = "<script>alert(1)</script> @team | [x](http://e) `a` \x1b[31m &amp;"


def test_markdown_shows_data_as_data(tmp_path: Path) -> None:
    rows = records(1, "x0xx")
    till = club(tmp_path, one=[each | {"channel": NASTY} for each in rows])
    mandatory(till)
    text = said(till, "--markdown").out
    assert "| null_in_required at $.phone | 1 | 25% |" in text
    assert "\x1b" not in text
    for mark in ("<script>", " @team", " | [x]", "](http", "`a`"):
        assert mark not in text
    assert all(len(line) < 1000 for line in text.splitlines())
    plain = said(till).out
    assert "\x1b" not in plain


def test_deliveries_are_rehearsed_in_several_processes(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    mandatory(till)
    alone = history(till)
    for each in (till.root / ".startrail/cache").glob("rehearsal-*"):
        each.unlink()
    monkeypatch.setattr(rehearsal, "_SMALL", 0)
    monkeypatch.setattr(rehearsal, "_cores", lambda: 2)
    outcome = plan(till)
    assert outcome.of("history") == [alone]
    assert [event["done"] for event in outcome.of("progress")] == [1, 2, 3]


def test_a_process_that_ends_early_is_told_without_a_traceback(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    mandatory(till)
    monkeypatch.setattr(rehearsal, "_SMALL", 0)
    monkeypatch.setattr(rehearsal, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert_refused(said(till), "ST392", hint="run the plan again")


def test_a_plan_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    till = club(tmp_path)
    lines = "".join(f"{n},2026-05-0{n % 9 + 1},web,1.00,{n if n % 50 else ''}\n" for n in range(60_000))
    for name in "abcd":
        till.put(f"in/{name}.csv", "id,day,channel,fee,phone\n" + lines + f"9{ord(name)},2026-05-01,web,1.00,1\n" * 1)
    assert till.run(now="2026-10-03T09:00+02:00").code == 0
    mandatory(till)
    command = [sys.executable, "-m", "startrail", "plan", "-C", str(till.root), "--now", "2026-10-04T08:00+02:00"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    cache = till.root / ".startrail/cache"
    while process.poll() is None and not list(cache.glob("rehearsal-*.bin")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(cache.glob("rehearsal-*.bin")))
    assert done >= 1
    outcome = plan(till)
    assert len(outcome.of("progress")) <= 4 - done
    (found,) = outcome.of("history")
    assert found["quarantined"] == 4 * 1200
