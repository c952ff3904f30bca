"""Contract versions through the real command line: kept, listed, compared, and loaded under again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fixtures.till import DAILY, Outcome, Till, assert_refused

FIRST, SECOND, THIRD, FOURTH = (f"2026-10-03T08:{minute}0+02:00" for minute in range(4))
CONTRACT = "contracts/sales.odcs.yml"
STORE = "{name: store, logicalType: string, required: true}"
STRICT = "{name: store, logicalType: string, required: true, logicalTypeOptions: {maxLength: 5}}"
NEXT_DAY = "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\nc2,2026-10-03,south-west,2.00\n"
LOADED = DAILY | {("2026-10-03", "north"): "1.00"}
ALL = LOADED | {("2026-10-03", "south-west"): "2.00"}


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """Two days are loaded under 1.0.0."""
    till = Till.write(tmp_path / "till")
    till.good_run(now=FIRST)
    return till


@pytest.fixture
def stricter(till: Till) -> Till:
    """A third one under 2.0.0, which refuses one of its two rows."""
    stricten(till, "2.0.0")
    till.put("inbox/sales_2026-10-03.csv", NEXT_DAY)
    till.good_run(now=SECOND)
    return till


def stricten(till: Till, version: str) -> None:
    till.edit(CONTRACT, STORE, STRICT)
    till.edit(CONTRACT, "version: 1.0.0", f"version: {version}")


def versions(till: Till, name: str = "sales") -> list[dict[str, object]]:
    return till.call("contract", "versions", name, "--json").of("contract_version")


def replay(till: Till, *more: str, now: str = THIRD) -> Outcome:
    return till.call("quarantine", "replay", "--json", "--now", now, *more)


def facts(till: Till, kind: str) -> list[dict[str, object]]:
    told = till.call("ledger", "facts", "--kind", kind, "--json").events
    return [json.loads(each["payload"]) for each in told if "payload" in each]


# -- kept ----------------------------------------------------------------------------------------------------------------
def test_each_version_is_kept_word_for_word_by_the_run_that_first_loads_under_it(till: Till) -> None:
    first = till.read(CONTRACT)
    [entry] = versions(till)
    assert (entry["version"], entry["deliveries"], entry["breaks"]) == ("1.0.0", 2, None)
    assert till.call("contract", "show", "sales@1.0.0").out == till.call("contract", "show", "sales").out == first
    stricten(till, "2.0.0")
    assert len(versions(till)) == 1, "nothing was loaded under it yet"
    till.put("inbox/sales_2026-10-03.csv", NEXT_DAY)
    till.good_run(now=SECOND)
    found = versions(till)
    assert [(each["version"], each["deliveries"]) for each in found] == [("1.0.0", 2), ("2.0.0", 1)]
    assert [one["kind"] for one in found[1]["breaks"]] == ["length_narrowed"]  # pyrefly: ignore
    assert till.call("contract", "show", "sales@1.0.0").out == first
    assert till.call("contract", "show", "sales").out == till.read(CONTRACT)
    assert [fact["version"] for fact in facts(till, "contract.recorded") if fact["name"] == "sales"] == ["1.0.0", "2.0.0"]
    assert till.call("ledger", "verify").code == 0


def test_another_layout_of_the_same_contract_is_no_version(till: Till) -> None:
    till.put(CONTRACT, "# a word\n" + till.read(CONTRACT))
    till.put("inbox/sales_2026-10-03.csv", NEXT_DAY)
    till.good_run(now=SECOND)
    assert [each["deliveries"] for each in versions(till)] == [3]


def test_what_is_not_kept_is_refused_with_what_is(stricter: Till) -> None:
    assert_refused(stricter.call("contract", "show", "sales@2.0"), "ST387", hint="2.0.0")
    assert_refused(stricter.call("contract", "versions", "sale"), "ST376", hint="sales")
    stricter.put("contracts/unused.odcs.yml", stricter.read(CONTRACT).replace("sales", "unused"))
    assert_refused(stricter.call("contract", "versions", "unused"), "ST387", hint="startrail run")
    unknown = stricter.call("quarantine", "replay", "--contract", "3")
    assert_refused(unknown, "ST387", hint="known: 1.0.0, 2.0.0")


# -- compared ------------------------------------------------------------------------------------------------------------
def test_the_same_number_with_another_meaning_is_told_by_plan_and_by_the_run_that_loads(till: Till) -> None:
    assert till.call("plan", "--check").code == 0
    till.edit(CONTRACT, STORE, STRICT)
    plan = till.call("plan", "--check", "--json")
    [change] = plan.of("contract_change")
    assert (plan.code, change["contract"], change["reused"]) == (1, "sales", True)
    assert "raise the version" in till.call("plan").text
    assert till.run("--json", now=SECOND).of("version_reused") == []  # nothing to load
    till.put("inbox/sales_2026-10-03.csv", NEXT_DAY)
    run = till.good_run(now=SECOND)
    assert [event["version"] for event in run.of("version_reused")] == ["1.0.0"]
    assert len(facts(till, "contract.version_reused")) == 1
    assert till.call("plan", "--check", "--json").of("contract_change") == []
    first, second = (str(each["fingerprint"])[:8] for each in versions(till))
    ambiguous = till.call("contract", "show", "sales@1.0.0")
    assert_refused(ambiguous, "ST387", hint=f"sales@{first} or sales@{second}")
    assert "maxLength" not in till.call("contract", "show", f"sales@{first}").out


def test_a_raised_version_is_no_finding(till: Till) -> None:
    stricten(till, "1.1.0")
    plan = till.call("plan", "--check", "--json")
    [change] = plan.of("contract_change")
    assert (plan.code, change["before"], change["reused"]) == (0, "1.0.0", False)


def test_a_declared_compatibility_is_what_plan_holds_a_change_to(till: Till) -> None:
    declared = "status: active\ncustomProperties: [{property: compatibility, value: BACKWARD, vendor: startrail}]"
    till.edit(CONTRACT, "status: active", declared)
    stricten(till, "2.0.0")
    plan = till.call("plan", "--check", "--no-history", "--json")
    [change] = plan.of("contract_change")
    assert (plan.code, change["mode"], change["reused"]) == (1, "BACKWARD", False)
    assert [one["kind"] for one in change["incompatibilities"]] == ["length_narrowed"]
    assert "not BACKWARD compatible" in till.call("plan", "--no-history").text
    till.edit(CONTRACT, "value: BACKWARD", "value: FORWARD")
    plan = till.call("plan", "--check", "--no-history", "--json")
    assert (plan.code, plan.of("contract_change")[0]["incompatibilities"]) == (0, [])


# -- loaded under again ---------------------------------------------------------------------------------------------------
def test_refused_rows_are_loaded_under_an_older_version_and_stay_so_until_the_next_plain_replay(stricter: Till) -> None:
    assert stricter.daily() == LOADED
    dry = replay(stricter, "--contract", "1.0.0", "--dry-run")
    assert (dry.code, dry.result["passes"], stricter.daily()) == (0, 1, LOADED)
    older = replay(stricter, "--contract", "@1.0.0")
    [event] = older.of("replayed")
    assert (older.code, event["under"], older.result["remaining"]) == (0, "1.0.0", 0)
    assert older.built() == ["marts.daily 2026-10-03", "marts.total all"]
    [entry] = stricter.call("quarantine", "list", "--json").of("quarantined")
    assert (entry["state"], entry["under"], entry["groups"]["replayed"]) == ("replayed", "1.0.0", 1)
    assert [each["deliveries"] for each in versions(stricter)] == [3, 1]

    assert replay(stricter, "--contract", "1.0.0", "--delivery", entry["delivery"]).result["steps"] == 0
    assert stricter.good_run(now=FOURTH).built() == []
    stricter.put("inbox/sales_2026-10-04.csv", NEXT_DAY.replace("-03", "-04"))
    assert "marts.daily 2026-10-03" not in stricter.good_run(now=FOURTH).built()
    assert stricter.daily().items() >= ALL.items()

    again = replay(stricter, now=FOURTH)
    assert (again.code, again.result["remaining"]) == (0, 2)
    assert stricter.daily() == LOADED | {("2026-10-04", "north"): "1.00"}
    assert replay(stricter, now=FOURTH).result["steps"] == 0


def test_columns_that_came_later_are_null_and_stay_in_the_table(till: Till) -> None:
    stricten(till, "2.0.0")
    till.edit(CONTRACT, STRICT, f"{STRICT}\n      - {{name: clerk, logicalType: string, required: true}}")
    text = "sale_id,day,store,amount,clerk\nc1,2026-10-03,north,1.00,ada\nc2,2026-10-03,south-west,2.00,bob\n"
    till.put("inbox/sales_2026-10-03.csv", text)
    till.put("inbox/sales_2026-10-05.csv", text.replace("-03", "-05").replace("south-west", "east"))
    till.good_run(now=SECOND)
    assert replay(till, "--contract", "1.0.0").code == 0
    clerks = till.rows("select clerk from raw.sales where day = '2026-10-05' order by sale_id")
    assert [row["clerk"] for row in clerks] == ["ada", "bob"]
    till.put("inbox/sales_2026-10-04.csv", text.replace("-03", "-04").replace("south-west", "south"))
    till.good_run(now=FOURTH)
    rows = till.rows("select sale_id, clerk, _extra as extra from raw.sales where day >= '2026-10-03' order by day, sale_id")
    assert [(row["clerk"], row["extra"] is not None) for row in rows] == [
        (None, True), (None, True), ("ada", False), ("bob", False), ("ada", False), ("bob", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{name: store, ", "{name: shop, ", "no column 'store'"),
        ('physicalType: "decimal(12,2)"', "physicalType: double", "'amount' is double there, and decimal(12,2)"),
    ],
)
def test_a_version_whose_columns_the_table_no_longer_has_is_refused(till: Till, old: str, new: str, says: str) -> None:
    for model in ("daily", "total"):
        till.remove(f"models/marts/{model}.sql")
    till.remove("reports/daily.yml")
    till.edit(CONTRACT, old, new)
    till.edit(CONTRACT, "version: 1.0.0", "version: 2.0.0")
    header = "sale_id,day,store,amount".replace("store", "shop" if "shop" in new else "store")
    for path in (till.root / "inbox").iterdir():
        path.unlink()
    till.put("inbox/sales_2026-10-03.csv", f"{header}\nc1,2026-10-03,north,1.00\n,2026-10-03,south,2.00\n")
    till.edit("sources/sales.yml", "contract: sales", "contract: sales\ndrift: {preset: observe}")
    till.run(now=SECOND)
    for more in ((), ("--dry-run",)):
        assert_refused(till.call("quarantine", "replay", "--contract", "1.0.0", "--now", THIRD, *more), "ST388", says=says)


def test_a_held_delivery_is_loaded_under_an_older_version(till: Till) -> None:
    stricten(till, "2.0.0")
    till.put("inbox/sales_2026-10-03.csv", NEXT_DAY.replace("north", "northern"))
    till.run(now=SECOND)
    assert till.call("quarantine", "list", "--json").of("quarantined")[0]["groups"]["held"] == 2
    assert replay(till, "--contract", "1.0.0").result["remaining"] == 0
    assert ("2026-10-03", "northern") in till.daily()
    assert till.good_run(now=FOURTH).built() == []
