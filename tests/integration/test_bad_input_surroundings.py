"""Disks, ledgers, clocks and other runners: a clear error, nothing lost, and the next run goes on."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.fixtures.disks import Disk, mounted
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.till import DAILY, FIRST_MORNING, SECOND_MORNING, THIRD_MORNING, Till, assert_json_refused, assert_refused


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", "8m") as disk:
        yield disk


def on_disk(till: Till, disk: Disk) -> None:
    """Ledger and store on the small disk; declarations and inbox stay where they are."""
    ledger, store = disk.path / "ledger.sqlite", disk.path / "store"
    till.edit(
        "startrail.yml",
        "limits:",
        f"ledger: {{kind: sqlite, path: '{ledger}'}}\n    store: {{kind: local, path: '{store}'}}\n    limits:",
    )


def run(till: Till, disk: Disk, now: str, *more: str, code: int = 0) -> str:
    outcome = till.child("run", "--now", now, *more, before=disk.enter)
    assert outcome.code == code, outcome.text
    return outcome.text


def daily(till: Till, disk: Disk) -> dict[tuple[str, str], str]:
    outcome = till.child("query", "select * from marts.daily", "--format", "json", before=disk.enter)
    assert outcome.code == 0, outcome.text
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    return {(row["day"], row["store"]): row["amount"] for row in rows}


# -- a full disk -------------------------------------------------------------------------------------------
def test_a_full_disk_is_called_full_and_what_is_published_stays_readable(till: Till, disk: Disk) -> None:
    on_disk(till, disk)
    run(till, disk, FIRST_MORNING)
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    disk.fill()
    assert_refused(
        till.child("run", "--now", SECOND_MORNING, before=disk.enter), "ST507", says="its disk is full", hint="make room"
    )
    assert_json_refused(till.child("run", "--now", SECOND_MORNING, "--json", before=disk.enter), "ST507")
    assert daily(till, disk) == DAILY
    disk.free()
    run(till, disk, THIRD_MORNING)
    assert daily(till, disk) == DAILY | {("2026-10-03", "north"): "1.00"}


def test_a_disk_that_fills_up_while_bytes_land_fails_the_source_and_nothing_is_half(till: Till, disk: Disk) -> None:
    on_disk(till, disk)
    run(till, disk, FIRST_MORNING)
    rows = "".join(f"c{number},2026-10-03,{secrets.token_hex(40)},1.00\n" for number in range(30_000))
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\n" + rows)
    disk.resize("2m")
    text = run(till, disk, SECOND_MORNING, code=1)
    assert "ST603 no room is left on the disk" in text
    assert "hint: free space" in text
    assert daily(till, disk) == DAILY
    disk.resize("40m")
    run(till, disk, THIRD_MORNING)
    outcome = till.child("query", "select count(*) as n from raw.sales", "--format", "json", before=disk.enter)
    assert json.loads(outcome.out) == {"n": 30_003}


@pytest.mark.parametrize("left", [100, 420])
def test_wherever_a_disk_fills_up_the_next_run_goes_on(till: Till, disk: Disk, left: int) -> None:
    on_disk(till, disk)
    disk.resize(f"{left}k")
    outcome = till.child("run", "--now", FIRST_MORNING, before=disk.enter)
    assert outcome.code in (1, 2), outcome.text
    assert_refused(outcome, "ST(507|603|641)", exit_code=outcome.code)
    disk.resize("8m")
    run(till, disk, SECOND_MORNING)
    assert daily(till, disk) == DAILY


def test_a_limit_on_the_size_of_files_fails_the_source_alone(till: Till) -> None:
    """The same on every machine, without a disk of its own: the operating system refuses to write on."""
    till.good_run()
    rows = "".join(f"c{number},2026-10-03,north,1.00\n" for number in range(50_000))
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\n" + rows)
    limited = ("bash", "-c", 'ulimit -f 1024; exec "$@"', "bash")  # KiB
    outcome = till.child("run", "--now", SECOND_MORNING, before=limited)
    assert_refused(outcome, "ST606", says="File too large", exit_code=1)
    assert till.daily() == DAILY
    till.good_run(now=THIRD_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "50000.00"}


# -- a read-only folder ------------------------------------------------------------------------------------
def test_a_read_only_folder_refuses_a_run_and_lets_people_read(till: Till, disk: Disk) -> None:
    on_disk(till, disk)
    run(till, disk, FIRST_MORNING)
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    disk.read_only(True)
    assert_refused(till.child("run", "--now", SECOND_MORNING, before=disk.enter), "ST505", hint="write the file and its folder")
    assert_json_refused(till.child("run", "--now", SECOND_MORNING, "--json", before=disk.enter), "ST505")
    assert daily(till, disk) == DAILY
    assert till.child("status", before=disk.enter).code == 0
    assert till.child("plan", "--now", SECOND_MORNING, before=disk.enter).code == 0
    disk.read_only(False)
    run(till, disk, THIRD_MORNING)
    assert daily(till, disk) == DAILY | {("2026-10-03", "north"): "1.00"}


def test_a_project_on_a_read_only_disk_can_be_read_in_every_way(till: Till, disk: Disk) -> None:
    disk.do("cp", "-r", str(till.root), str(disk.path))
    there = Till(disk.path / "till")
    assert there.child("run", "--now", FIRST_MORNING, before=disk.enter).code == 0
    disk.read_only(True)
    for command in (["status"], ["plan", "--now", SECOND_MORNING], ["query", "select * from marts.daily"], ["ledger", "verify"]):
        outcome = there.child(*command, before=disk.enter)
        assert outcome.code == 0, outcome.text
    out = str(disk.path / "rows.csv")
    refused = there.child("query", "select 1 as one", "--format", "csv", "--out", out, before=disk.enter)
    assert_refused(refused, "ST803", says="read-only")


def test_a_project_that_never_ran_on_a_read_only_disk_is_refused_in_words(till: Till, disk: Disk) -> None:
    disk.do("cp", "-r", str(till.root), str(disk.path))
    there = Till(disk.path / "till")
    disk.read_only(True)
    assert_refused(there.child("run", "--now", FIRST_MORNING, before=disk.enter), "ST505", says="Read-only file system")
    disk.read_only(False)
    assert there.child("run", "--now", FIRST_MORNING, before=disk.enter).code == 0


def test_a_destination_that_may_not_be_written_fails_its_report_alone(till: Till, disk: Disk) -> None:
    till.edit("reports/daily.yml", "path: delivered", f"path: '{disk.path}/reports'")
    disk.do("mkdir", str(disk.path / "reports"))
    disk.read_only(True)
    outcome = till.child("run", "--now", FIRST_MORNING, before=disk.enter)
    assert_refused(outcome, "ST703", exit_code=1)
    assert till.daily() == DAILY
    assert (till.root / "delivered/rate.csv").exists()
    disk.read_only(False)
    run(till, disk, SECOND_MORNING)
    assert "2026-10-02,north,7.25" in disk.do("cat", str(disk.path / "reports/daily.csv"))


# -- the ledger --------------------------------------------------------------------------------------------
def ledger(till: Till) -> Path:
    return till.root / ".startrail/ledger.sqlite"


def test_a_ledger_of_a_newer_version_is_left_alone(till: Till) -> None:
    till.good_run()
    known = set_version(till, "999")
    before = ledger(till).read_bytes()
    for command in (["run"], ["status"], ["plan"], ["query", "select * from marts.daily"], ["ledger", "verify"]):
        assert_refused(till.call(*command), "ST501", says="version 999")
        assert_json_refused(till.call(*command, "--json"), "ST501")
    assert ledger(till).read_bytes() == before
    set_version(till, known)
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY


def set_version(till: Till, version: str) -> str:
    """The version that stood there before."""
    database = sqlite3.connect(ledger(till))
    ((before,),) = database.execute("select value from meta where key = 'startrail.version'").fetchall()
    database.execute("update meta set value = ? where key = 'startrail.version'", (version,))
    database.commit()
    database.close()
    return before


@pytest.mark.parametrize("damage", ["garbage", "cut off", "holes", "another program's", "a folder"])
def test_a_damaged_ledger_is_named_and_not_written_over(till: Till, damage: str) -> None:
    till.good_run()
    path = ledger(till)
    good = path.read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    elif damage == "another program's":
        path.unlink()
        other = sqlite3.connect(path)
        other.execute("create table customers (id integer)")
        other.close()
    else:
        path.write_bytes({
            "garbage": b"this is no database. " * 200,
            "cut off": good[: len(good) // 2],
            "holes": good[:4096] + b"\xaa" * (len(good) - 4096),
        }[damage])  # fmt: skip
    bad = path.read_bytes() if path.is_file() else b""
    for command in (["run", "--now", SECOND_MORNING], ["status"], ["query", "select * from marts.daily"]):
        assert_refused(till.call(*command), "ST504", says="ledger.sqlite")
        assert_json_refused(till.call(*command, "--json"), "ST504")
    if path.is_dir():
        path.rmdir()
    else:
        assert path.read_bytes() == bad
    path.write_bytes(good)  # the last backup
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}


def test_without_a_backup_of_the_ledger_everything_is_loaded_again_once(till: Till) -> None:
    till.good_run()
    ledger(till).rename(till.root / "broken.sqlite")
    till.good_run(now=SECOND_MORNING)
    assert till.daily() == DAILY
    assert till.rows("select count(*) as n from raw.sales") == [{"n": 3}]


def test_an_altered_fact_is_named(till: Till) -> None:
    till.good_run()
    database = sqlite3.connect(ledger(till))
    for (trigger,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        database.execute(f"drop trigger {trigger}")
    database.execute("update facts set payload = replace(payload, '{', '{ ') where seq >= 3")
    database.commit()
    database.close()
    verified = till.call("ledger", "verify")
    assert verified.code == 1
    assert "fact 3 does not fit the chain" in verified.text
    assert till.call("ledger", "verify", "--json").result["altered"] == 3


def test_a_ledger_server_that_does_not_answer_is_named(till: Till, closed_port: int) -> None:
    address = f"postgresql://startrail@127.0.0.1:{closed_port}/shop"
    till.edit("startrail.yml", "limits:", f"ledger: {{kind: postgres, dsn: '{address}'}}\n    limits:")
    assert_refused(till.run(), "ST508", says=f"127.0.0.1:{closed_port}", hint="check host, port and network")
    assert_json_refused(till.run("--json"), "ST508")
    till.edit("startrail.yml", f"ledger: {{kind: postgres, dsn: '{address}'}}\n", "")
    till.good_run()
    assert till.daily() == DAILY


def test_a_ledger_whose_address_is_not_set_is_named(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILL_LEDGER", raising=False)
    till.edit("startrail.yml", "limits:", "ledger: {kind: postgres, dsn: 'env:TILL_LEDGER'}\n    limits:")
    assert_refused(till.run(), "ST220", says="TILL_LEDGER is not set")


# -- the clock ---------------------------------------------------------------------------------------------
def test_a_clock_set_back_is_refused(till: Till) -> None:
    till.good_run(now=SECOND_MORNING)
    assert_refused(till.run(now=FIRST_MORNING), "ST532", says="newest fact is of 2026-10-03T06:30", hint="--now")
    assert_json_refused(till.run("--json", now=FIRST_MORNING), "ST532")
    assert till.daily() == DAILY
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    till.good_run(now=THIRD_MORNING)
    assert till.daily() == DAILY | {("2026-10-03", "north"): "1.00"}


# -- two runners -------------------------------------------------------------------------------------------
class Runner:
    """``startrail run --json`` in a process of its own, read line by line."""

    def __init__(self, till: Till, *more: str) -> None:
        command = [sys.executable, "-m", "startrail", "run", "--json", "-C", str(till.root), *more]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def until(self, kind: str) -> dict[str, object]:
        """The next event of a kind."""
        for line in self._out:
            event = json.loads(line)
            if event["type"] == kind:
                return event
        raise AssertionError(f"no {kind}")

    def end(self) -> tuple[int, dict[str, object]]:
        last = [*self._out][-1]  # what was read ahead by until() is still there
        assert self._process.wait(timeout=240) is not None
        return self._process.returncode, json.loads(last)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._out.close()

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout


def slow_rates(till: Till, server: HttpServer, go_on: threading.Event) -> None:
    """A source whose server answers when the test wants."""
    server.routes["/rates"] = lambda request: Answer(b"day,rate\n2026-10-01,1.100000\n", wait=go_on)
    till.put(
        "sources/rates.yml",
        f"feed: {{kind: http, url: '{server.address}/rates', format: csv, timeout: 240s}}\n"
        "contract: rates\ninto: raw.rates\npartition_by: day\n",
    )


def test_a_second_runner_waits_or_says_that_it_would_not(till: Till, http_server: HttpServer) -> None:
    """The first one hangs at a slow server as long as the test wants."""
    go_on = threading.Event()
    slow_rates(till, http_server, go_on)
    with Runner(till) as first:
        first.until("step_started")
        impatient = till.run("--wait", "0", now=None)
        assert_refused(impatient, "ST531", says="another runner", hint="--wait 600")
        assert_json_refused(till.run("--wait", "0", "--json", now=None), "ST531")
        with Runner(till) as second:
            waiting = second.until("waiting")
            go_on.set()
            code, result = first.end()
            assert (code, result["state"]) == (0, "done")
            run_id = second.until("run_started")["run"]
            code, result = second.end()
            assert (code, result["state"], result["steps"]) == (0, "done", 0)
    assert till.daily() == DAILY
    assert till.rows("select count(*) as n from raw.rates") == [{"n": 1}]
    recorded = till.call("ledger", "facts", "--kind", "run.waited", "--run", str(run_id)).out
    assert recorded.count("run.waited") == 1
    assert str(waiting["holder"]) in recorded
    assert till.call("ledger", "verify").code == 0


def test_reading_does_not_wait_for_a_runner(till: Till, http_server: HttpServer) -> None:
    till.good_run(now=None)
    go_on = threading.Event()
    slow_rates(till, http_server, go_on)
    with Runner(till) as first:
        first.until("step_started")
        assert till.daily() == DAILY
        assert till.call("status").code == 0
        go_on.set()
        assert first.end()[0] == 0
