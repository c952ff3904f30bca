"""A run that adopts one delivery and grows its table by two others is killed at every point: the end is always the same."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.process import Ended, process
from tests.fixtures.till import Till

from startrail.base.crash import POINTS, WATCH_POINTS
from startrail.wiring import open_project

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: events
version: 1.0.0
status: active
schema:
  - name: events
    properties:
      - {name: id, logicalType: string, required: true}
      - {name: day, logicalType: date, required: true}
"""
MODEL = """\
/* startrail
kind: partition
partition_by: day
*/
select e.day, count(*) as events from raw.events as e where e.day >= $start and e.day < $end group by e.day
"""
FIRST, SECOND, RESUMED = (f"2026-10-03T08:{minute}:00+02:00" for minute in ("00", "10", "20"))
NOWHERE = ("before check", "after check", "before delivery", "after delivery written", "after delivery recorded")
"""There is no report here, and no check."""
PASSED = tuple(point for point in POINTS if point not in NOWHERE)


def put(till: Till, name: str, *records: dict[str, Any]) -> None:
    till.put(f"in/{name}.ndjson", "".join(json.dumps(record) + "\n" for record in records))


def run(till: Till, now: str, death: Death = LIVES) -> Ended:
    with process(command_line, death, ("run", "-C", str(till.root), "--json", "--now", now, "--wait", "60")) as child:
        return child.ended()


class Look(msgspec.Struct):
    """What a reader sees, and what the ledger tells."""

    columns: dict[str, str]
    rows: list[str]
    days: list[str]
    told: dict[str, int]


def look(till: Till) -> Look:
    described = till.rows("select column_name, column_type from (describe select * from raw.events)")
    columns = {row["column_name"]: row["column_type"] for row in described}
    rows = till.rows("select * exclude (_delivery) from raw.events")
    days = till.rows("select * from marts.daily")
    with open_project(till.root, "local", read_only=True) as opened:
        told = Counter(fact.kind for fact in opened.ports.ledger.facts())
        assert opened.ports.ledger.verify().altered is None
    kinds = ("delivery.adopted", "delivery.loaded", "delivery.landed", "table.evolved")
    return Look(columns, _sorted(rows), _sorted(days), {kind: told[kind] for kind in kinds})


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


class Patient(msgspec.Struct):
    """Before the run, and after one that nobody kills."""

    till: Till
    saved: Path
    before: Look
    after: Look
    passed: dict[str, int]

    def reset(self) -> None:
        shutil.rmtree(self.till.root)
        shutil.copytree(self.saved, self.till.root)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    folder = tmp_path_factory.mktemp("adoption")
    till = Till(folder / "till")
    till.put("startrail.yml", "name: till\nprofiles:\n  local:\n    limits: {parallel: 2, retries: 0}\n")
    till.put("contracts/events.odcs.yml", CONTRACT)
    till.put("models/marts/daily.sql", MODEL)
    source = "feed: {kind: folder, path: in}\ncontract: events\ninto: raw.events\npartition_by: day\n"
    till.put("sources/events.yml", source)
    put(till, "a", {"id": "a1", "day": "2026-05-01", "coupon": "X"}, {"id": "a2", "day": "2026-05-01"})
    assert run(till, FIRST).code == 0
    till.put("sources/events.yml", source + "drift: {new_field: accept}\n")
    till.put("contracts/events.odcs.yml", CONTRACT + "      - {name: coupon, logicalType: string}\n")
    put(till, "b", {"id": "b1", "day": "2026-05-02", "price": 1.5, "coupon": "Y"})
    put(till, "c", {"id": "c1", "day": "2026-05-02", "price": 22.5, "late": True})
    saved = folder / "saved"
    shutil.copytree(till.root, saved)
    before = look(till)
    ended = run(till, SECOND)
    assert ended.code == 0, ended.errors
    return Patient(till, saved, before, look(till), ended.passed)


def test_a_run_that_nobody_kills_fills_and_grows(patient: Patient) -> None:
    assert set(patient.passed) - set(WATCH_POINTS) == set(PASSED)
    assert {"price": "DECIMAL(3,1)", "late": "BOOLEAN", "coupon": "VARCHAR"}.items() <= patient.after.columns.items()
    assert [json.loads(row)["coupon"] for row in patient.after.rows if '"a1"' in row] == ["X"]
    assert patient.after.told == {"delivery.adopted": 1, "delivery.loaded": 3, "delivery.landed": 3, "table.evolved": 2}


@pytest.mark.parametrize("point", PASSED)
def test_killed_at_a_point_and_run_again_it_comes_to_the_same(patient: Patient, point: str) -> None:
    patient.reset()
    last = PASSED.index(point) % 2
    killed = run(patient.till, SECOND, Death(point, patient.passed[point] if last else 1))
    assert killed.code == -signal.SIGKILL, killed.errors
    committed = POINTS.index(point) >= POINTS.index("after commit")
    seen = look(patient.till)
    expected = patient.after if committed else patient.before
    assert (seen.columns, seen.rows, seen.days) == (expected.columns, expected.rows, expected.days)
    resumed = run(patient.till, RESUMED)
    assert resumed.code == 0, resumed.errors
    assert look(patient.till) == patient.after
    done = {("load", each["subject"], each["partition"]) for each in killed.of("step_finished") if each["kind"] == "load"}
    assert not done & resumed.started, "loaded before the kill, and loaded again"
