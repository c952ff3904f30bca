"""``quarantine patch`` through the real command line: a diff that git takes, after which a replay loads what it said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Till, assert_refused

NOW, LATER = "2026-10-03T08:00+02:00", "2026-10-03T08:20+02:00"
CONTRACT = "contracts/sales.odcs.yml"
PROMISE = """\
apiVersion: v3.2.0
kind: DataContract
id: sales
version: 1.0.0   # as agreed in spring
status: active
schema:
  - name: sales
    properties:
      # the key
      - {name: sale_id, logicalType: string, required: true}
      - {name: day, logicalType: date, required: true}
      - {name: store, logicalType: string, required: true, logicalTypeOptions: {maxLength: 5}}   # short names
      - name: amount
        logicalType: number
        physicalType: "decimal(12,2)"
        required: true
      - name: kind   # of the sale
        logicalType: string
        enum:
          - value: sale
"""
GOOD = {"sale_id": "a", "day": "2026-10-01", "store": "north", "amount": "1.00", "kind": "sale"}


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """Seven of ten rows are refused, one of them for good."""
    till = Till.write(tmp_path / "till")
    till.put(CONTRACT, PROMISE)
    till.edit("sources/sales.yml", 'pattern: "sales_*.csv"', 'pattern: "*.ndjson"')
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {new_field: quarantine}")
    bad: list[dict[str, Any]] = [
        {"store": "south-west"}, {"kind": "refund"}, {"kind": "no"}, {"coupon": "X12"}, {"day": "13/04/2026"},
        {"day": "03/04/2026"}, {"amount": "one"},
    ]  # fmt: skip
    rows = [GOOD | {"sale_id": f"g{n}"} for n in range(3)] + [GOOD | {"sale_id": f"b{n}"} | row for n, row in enumerate(bad)]
    till.put("inbox/a.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
    till.good_run(now=NOW)
    return till


def git(till: Till, diff: str) -> None:
    subprocess.run(["git", "init", "-q"], cwd=till.root, check=True)
    subprocess.run(["git", "apply", "--whitespace=error", "-"], cwd=till.root, input=diff.encode(), check=True)


def replay(till: Till) -> dict[str, Any]:
    outcome = till.call("quarantine", "replay", "--json", "--now", LATER)
    assert outcome.code == 0, outcome.text
    return outcome.result


def test_git_takes_the_patch_and_a_replay_loads_what_it_said(till: Till) -> None:
    patch = till.call("quarantine", "patch")
    assert patch.code == 1
    assert "6 of 7 open rows would be loaded" in patch.err
    assert "no proposal for wrong_type at $.amount in 1 row" in patch.err
    before = till.read(CONTRACT)
    git(till, patch.out)
    text = till.read(CONTRACT)
    came = [line for line in text.splitlines() if line not in before.splitlines()]
    assert came == [
        "version: 1.1.0   # as agreed in spring",
        "      - {name: store, logicalType: string, required: true, logicalTypeOptions: {maxLength: 10}}   # short names",
        "          - value: refund",
        '          - value: "no"',
        "      - name: coupon",
    ]
    assert "the new till" not in till.read("contracts/repairs/sales.yml")
    assert replay(till)["remaining"] == 1
    again = till.call("quarantine", "patch", "--json")
    assert (again.code, again.result) == (1, {"type": "result", "rows": 1, "passes": 0, "files": []})


def test_the_files_are_written_or_the_patch_is(till: Till, tmp_path: Path) -> None:
    out = tmp_path / "mend.patch"
    told = till.call("quarantine", "patch", "--out", str(out))
    assert told.out == ""
    assert till.read(CONTRACT) == PROMISE
    written = till.call("quarantine", "patch", "--write", "--json")
    assert written.result["files"] == [CONTRACT, "contracts/repairs/sales.yml"]
    changed = {name: till.read(name) for name in written.result["files"]}
    till.put(CONTRACT, PROMISE)
    till.remove("contracts/repairs/sales.yml")
    git(till, out.read_text())
    assert {name: till.read(name) for name in changed} == changed
    assert replay(till)["remaining"] == 1
    assert_refused(till.call("quarantine", "patch", "--out", str(out), "--write"), "ST800")


def test_a_version_that_nothing_was_loaded_under_is_not_raised_again(till: Till) -> None:
    till.edit(CONTRACT, "version: 1.0.0", "version: 2.0.0")
    assert "version" not in "".join(line for line in till.call("quarantine", "patch").out.splitlines() if line[:1] in "+-")


def test_repairs_join_those_that_are_there(till: Till) -> None:
    mine = "# ours\nsteps:\n  - set: {path: $.amount, value: '1.00'}   # said by phone\n    where: {got: '\"one\"'}\n"
    till.put("contracts/repairs/sales.yml", mine)
    patch = till.call("quarantine", "patch")
    assert patch.code == 0, patch.err
    git(till, patch.out)
    assert till.read("contracts/repairs/sales.yml").startswith(mine)
    assert replay(till)["remaining"] == 0
    assert "nothing to propose" in till.call("quarantine", "patch").err


def test_a_held_delivery_whose_field_was_renamed_gets_an_alias(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.good_run(now=NOW)
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store_name,amount\nc1,2026-10-03,north,1.00\nc2,2026-10-03,south,2.00\n")
    till.run(now=LATER)
    patch = till.call("quarantine", "patch")
    assert (patch.code, "aliases" in patch.out) == (0, True), patch.text
    git(till, patch.out)
    assert replay(till)["remaining"] == 0
    assert till.daily()["2026-10-03", "north"] == "1.00"


def test_nothing_is_changed_by_looking(till: Till) -> None:
    before = {path: path.read_bytes() for path in till.root.rglob("*") if path.is_file() and "cache" not in path.parts}
    till.call("quarantine", "patch")
    after = {path: path.read_bytes() for path in till.root.rglob("*") if path.is_file() and "cache" not in path.parts}
    assert {path.name for path in after.keys() ^ before.keys()} <= {"ledger.sqlite-wal", "ledger.sqlite-shm"}
    assert all(after[path] == data for path, data in before.items() if path in after and "-shm" not in path.name)
