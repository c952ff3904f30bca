"""Schedules from the command line: ticks, the scheduler, what is next, scripts taken in, and everything that can be wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.disks import Disk, mounted
from tests.fixtures.till import DAILY, Till, assert_refused

NIGHT = "2026-10-03T03:00+02:00"
MORNING = "2026-10-03T06:00:05+02:00"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    till = Till.write(tmp_path / "till")
    till.put("schedules/morning.yml", 'cron: "0 6 * * *"\ntimezone: Europe/Madrid\n')
    return till


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", "8m") as disk:
        yield disk


def ticked(till: Till, now: str, code: int = 0) -> list[tuple[str, str]]:
    outcome = till.call("tick", "--json", "--now", now)
    assert outcome.code == code, outcome.text
    return [(each["schedule"], each["at"]) for each in outcome.result["ran"]]


def test_a_tick_runs_once_when_it_is_due(till: Till) -> None:
    assert ticked(till, NIGHT) == []
    assert ticked(till, MORNING) == [("morning", "2026-10-03T04:00:00Z")]
    assert till.daily() == DAILY
    assert ticked(till, "2026-10-03T06:00:40+02:00") == []


def test_missed_ticks_are_told_and_exit_with_one(till: Till) -> None:
    ticked(till, NIGHT)
    outcome = till.call("tick", "--json", "--now", "2026-10-05T09:00+02:00")
    assert outcome.code == 1
    (missed,) = outcome.of("tick_missed")
    assert (missed["first"], missed["last"], missed["count"]) == (
        "2026-10-03T04:00:00.000000Z",
        "2026-10-04T04:00:00.000000Z",
        2,
    )
    assert [each["at"] for each in outcome.result["ran"]] == ["2026-10-05T04:00:00Z"]
    assert "missed   2 (2026-10-03 04:00 to 2026-10-04 04:00 UTC)" in till.call("schedule", "list").out


def test_three_weeks_of_minutes_that_nobody_ran_are_all_told(till: Till) -> None:
    till.put("schedules/morning.yml", 'cron: "* * * * *"\nrun: [rate]\n')
    ticked(till, "2026-10-03T06:00:30Z")
    outcome = till.call("tick", "--json", "--now", "2026-10-24T06:00:30Z")
    assert sum(each["count"] for each in outcome.of("tick_missed")) == outcome.result["missed"] == 21 * 24 * 60 - 1
    assert len(outcome.result["ran"]) == 1


def test_a_schedule_that_comes_back_has_missed_nothing(till: Till) -> None:
    ticked(till, NIGHT)
    declared = till.read("schedules/morning.yml")
    till.remove("schedules/morning.yml")
    assert [each["subject"] for each in till.call("tick", "--json", "--now", MORNING).of("schedule_dropped")] == ["morning"]
    assert till.call("tick", "--json", "--now", "2026-10-04T06:00+02:00").of("schedule_dropped") == []
    till.put("schedules/morning.yml", declared)
    assert ticked(till, "2026-10-09T09:00+02:00") == []
    assert ticked(till, "2026-10-10T06:00+02:00") == [("morning", "2026-10-10T04:00:00Z")]


def test_the_schedule_of_a_source_runs_the_source_and_what_is_made_from_it(till: Till) -> None:
    till.remove("schedules/morning.yml")
    till.put("sources/sales.yml", till.read("sources/sales.yml") + 'schedule: {cron: "0 4 * * *"}\n')
    ticked(till, NIGHT)
    outcome = till.call("tick", "--json", "--now", "2026-10-03T04:00:01Z")
    assert outcome.code == 0, outcome.text
    assert {each["source"] for each in outcome.of("landed")} == {"sales"}
    assert [each["report"] for each in outcome.of("delivered")] == ["daily"]


def test_a_tick_that_fails_is_told_and_exits_with_one_and_the_others_run(till: Till) -> None:
    till.put("models/marts/rate.sql", "select cast('x' || r.rate as integer) as rate from raw.rates as r\n")
    till.put("schedules/morning.yml", 'cron: "0 6 * * *"\ntimezone: Europe/Madrid\nrun: ["+rate"]\n')
    till.put("schedules/sales.yml", 'cron: "0 4 * * *"\nrun: ["+daily"]\n')
    ticked(till, NIGHT)
    outcome = till.call("tick", "--json", "--now", MORNING)
    assert outcome.code == 1, outcome.text
    assert {each["schedule"]: each["state"] for each in outcome.result["ran"]} == {"morning": "failed", "sales": "done"}
    assert "failed, run" in till.call("schedule", "list").out


def test_the_scheduler_goes_from_tick_to_tick_and_says_what_is_next(till: Till) -> None:
    outcome = till.call("serve", "--now", NIGHT, "--until", "2026-10-06T00:00+02:00")
    assert outcome.code == 0, outcome.text
    assert "next       morning                  2026-10-03 04:00 UTC" in outcome.err
    assert outcome.err.count("due 2026-10-") == 3
    assert outcome.err.endswith("stopped; 3 ticks run\n")
    assert till.daily() == DAILY


def test_on_both_special_days_the_scheduler_runs_an_ambiguous_or_skipped_time_once_and_tells_it(till: Till) -> None:
    till.put("schedules/morning.yml", 'cron: "30 2 * * *"\ntimezone: Europe/Madrid\n')
    listed = till.call("schedule", "list", "--now", "2026-10-24T12:00Z").out
    assert "Sun 2026-10-25 02:30 +0200  (this time comes twice that day; the first one counts)" in listed
    outcome = till.call("serve", "--json", "--now", "2026-10-24T12:00Z", "--until", "2026-10-26T12:00Z")
    assert [each["at"] for each in outcome.of("tick_claimed")] == ["2026-10-25T00:30:00.000000Z", "2026-10-26T01:30:00.000000Z"]
    listed = till.call("schedule", "list", "--now", "2027-03-27T12:00Z").out
    assert "Sun 2027-03-28 03:00 +0200  (the clock goes from 02:00 to 03:00 that day" in listed
    outcome = till.call("serve", "--json", "--now", "2027-03-27T12:00Z", "--until", "2027-03-28T12:00Z")
    assert [each["at"] for each in outcome.of("tick_claimed")][-1:] == ["2027-03-28T01:00:00.000000Z"]


def test_the_scheduler_stops_when_it_is_asked_to(till: Till) -> None:
    command = [sys.executable, "-m", "startrail", "serve", "-C", str(till.root)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [""]
        while not lines[-1].startswith("next"):
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "stopping" in rest
    assert "stopped; 0 ticks run" in rest


def test_the_list_shows_three_instants_the_last_tick_and_the_state(till: Till) -> None:
    till.put("schedules/other.yml", 'cron: "15 * * * *"\nrun: ["rate"]\n')
    assert "not watched yet" in till.call("schedule", "list", "--now", NIGHT).out
    ticked(till, NIGHT)
    ticked(till, MORNING, code=1)
    listed = till.call("schedule", "list", "--json", "--now", "2026-10-03T06:20+02:00")
    first, second = listed.of("schedule")
    assert (first["schedule"], first["state"], first["last"]["state"]) == ("morning", "waits", "done")
    assert [each["local"] for each in first["next"]] == [f"2026-10-0{day}T06:00:00+02:00" for day in (4, 5, 6)]
    assert (second["schedule"], second["state"], second["runs"]) == ("other", "due", ["rate"])


def test_a_script_is_taken_in_and_runs_on_its_schedule(till: Till, tmp_path: Path) -> None:
    script = tmp_path / "Nightly Sums.sql"
    script.write_bytes(
        b"create temp table t as select store, amount from raw.sales;\ncreate table marts.sums as\nselect * from t;\n"
    )
    outcome = till.call("adopt", str(script), "--cron", "0 6 * * *", "--timezone", "Europe/Madrid")
    assert outcome.code == 0, outcome.text
    assert "reads    raw.sales  (loaded by source sales)" in outcome.out
    assert "writes   marts.sums  (made anew)" in outcome.out
    assert (till.root / "models/scripts/nightly_sums.sql").read_bytes().endswith(script.read_bytes())
    assert till.run().code == 0
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,west,1.00\n")
    assert [name for name, _ in ticked(till, "2026-10-03T12:00+02:00")] == []
    assert [name for name, _ in ticked(till, "2026-10-04T06:00+02:00")] == ["morning", "nightly_sums"]
    assert {"store": "west"} in till.rows("select store from marts.sums")


def test_a_script_that_is_there_already_is_not_overwritten(till: Till, tmp_path: Path) -> None:
    script = tmp_path / "x.sql"
    script.write_text("create table marts.x as select 1 as n")
    assert till.call("adopt", str(script), "--cron", "0 6 * * *").code == 0
    before = till.read("models/scripts/x.sql")
    script.write_text("create table marts.y as select 2 as n")
    assert_refused(till.call("adopt", str(script), "--cron", "0 6 * * *"), "ST853", says="already")
    assert till.read("models/scripts/x.sql") == before


def test_the_glue_is_written_once_and_never_over_a_file(till: Till, tmp_path: Path) -> None:
    out = tmp_path / "units"
    assert till.call("schedule", "install", "--target", "systemd", "--out", str(out)).code == 0
    assert [path.name for path in out.iterdir()] == ["startrail-till.service"]
    assert_refused(till.call("schedule", "install", "--target", "systemd", "--out", str(out)), "ST853", says="already")
    assert "PostgreSQL" in till.call("schedule", "install", "--target", "github").err


# -- what can be wrong ---------------------------------------------------------------------------------------
def test_nothing_to_install_is_refused(till: Till) -> None:
    till.remove("schedules/morning.yml")
    assert_refused(till.call("schedule", "install", "--target", "cron"), "ST851", says="schedules nothing")


def test_a_bad_cron_expression_is_refused_where_it_stands(till: Till) -> None:
    till.put("schedules/morning.yml", 'cron: "0 6 * * FUN"\n')
    assert_refused(till.call("tick"), "ST119", says="schedules/morning.yml:1:7")


def test_an_unknown_zone_is_refused_where_it_stands(till: Till) -> None:
    till.put("schedules/morning.yml", 'cron: "0 6 * * *"\ntimezone: Spain/Madrid\n')
    assert_refused(till.call("serve", "--once"), "ST119", says="schedules/morning.yml:2:11")


def test_a_clock_that_was_set_back_is_refused_and_nothing_is_lost(till: Till) -> None:
    ticked(till, NIGHT)
    ticked(till, MORNING)
    assert_refused(till.call("tick", "--now", NIGHT), "ST532", says="the newest fact")
    assert_refused(till.call("serve", "--once", "--now", NIGHT), "ST532", says="the newest fact")
    assert ticked(till, "2026-10-04T06:00+02:00") == [("morning", "2026-10-04T04:00:00Z")]


def test_a_ledger_that_cannot_be_written_is_told_and_the_tick_stays_due(till: Till, disk: Disk) -> None:
    path = disk.path / "ledger.sqlite"
    till.edit("startrail.yml", "limits:", f"ledger: {{kind: sqlite, path: '{path}'}}\n    limits:")
    assert till.child("tick", "--now", NIGHT, before=disk.enter).code == 0
    disk.read_only(True)
    refused = till.child("tick", "--now", MORNING, before=disk.enter)
    assert refused.code == 2
    assert "ST50" in refused.text or "ST51" in refused.text, refused.text
    listed = till.child("schedule", "list", "--now", MORNING, before=disk.enter)
    assert "due; startrail tick runs it" in listed.out
    disk.read_only(False)
    assert till.child("tick", "--now", MORNING, before=disk.enter).code == 0


def test_of_two_schedulers_one_runs_the_tick_and_both_are_content(till: Till) -> None:
    ticked(till, NIGHT)
    command = [sys.executable, "-m", "startrail", "serve", "--json", "--once", "--now", MORNING, "-C", str(till.root)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(out.count('"tick_claimed"') for out, _ in said) == 1
    assert till.daily() == DAILY


def test_start_up_of_other_commands_does_not_read_cron() -> None:
    code = "import sys; from startrail.cli.app import root; import startrail.cli.run; print('cronsim' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert told.stdout == "False\n"
