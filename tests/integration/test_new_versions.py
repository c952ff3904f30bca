"""The same name with other bytes: held, added or put in the place of the older version, as the source says."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Outcome, Till

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.ledger.incidents import fold

SOURCE = """\
    feed: {{kind: folder, path: inbox, pattern: "sales_*.csv"}}
    contract: sales
    into: raw.sales
    partition_by: day
    {more}
    """
HEAD = "sale_id,day,store,amount\n"
FIRST = HEAD + "a1,2026-10-01,north,10.00\na2,2026-10-01,south,5.50\n"
SECOND = HEAD + "a1,2026-10-01,north,11.00\n"
THIRD = HEAD + "a1,2026-10-01,north,12.00\na3,2026-10-01,east,1.00\n"
NAME = "inbox/sales_2026-10-01.csv"


def till_of(tmp_path: Path, policy: str) -> Till:
    till = Till.write(tmp_path / "till")
    declare(till, policy)
    till.good_run()
    return till


def declare(till: Till, policy: str) -> None:
    till.put("sources/sales.yml", SOURCE.format(more=f"on_replace: {policy}" if policy else ""))


def come(till: Till, content: str, minute: int) -> Outcome:
    till.put(NAME, content)
    return till.run(now=f"2026-10-03T09:{minute:02}+02:00")


def sales(till: Till) -> list[tuple[str, str]]:
    rows = till.rows("select sale_id, amount from raw.sales where day = date '2026-10-01' order by sale_id, amount")
    return [(row["sale_id"], row["amount"]) for row in rows]


def facts(till: Till, kind: str) -> list[dict[str, Any]]:
    found = till.call("ledger", "facts", "--kind", kind, "--limit", "500", "--json").events
    return [event for event in found if event.get("kind") == kind]


def states(till: Till) -> list[tuple[str, str]]:
    return [(each["cause"], each["state"]) for each in till.call("incident", "list", "--all", "--json").of("incident")]


def check_ledger(till: Till) -> None:
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    assert {each.id: each for each in ledger.incidents()} == fold(ledger.facts())
    assert ledger.verify().altered is None
    ledger.close()


OLD = [("a1", "10.00"), ("a2", "5.50")]


def test_without_a_word_a_new_version_is_held_and_the_older_one_stays(tmp_path: Path) -> None:
    till = till_of(tmp_path, "")
    outcome = come(till, SECOND, 1)
    assert outcome.code == 1
    assert "held" in outcome.text
    assert "on_replace: replace or add" in outcome.text
    assert sales(till) == OLD
    assert ("hold", "mitigated") in states(till)  # the last good data is served
    assert "nothing to replay" in till.call("quarantine", "replay", "--now", "2026-10-03T09:02+02:00").text
    assert sales(till) == OLD  # nobody named it
    declare(till, "replace")
    assert "taken out" in till.call("plan").text
    assert till.run(now="2026-10-03T09:05+02:00").code == 0
    assert sales(till) == [("a1", "11.00")]
    assert ("hold", "resolved") in states(till)
    [incident] = [
        each["id"] for each in till.call("incident", "list", "--all", "--json").of("incident") if each["cause"] == "hold"
    ]
    assert "1 in = 1 loaded + 0 quarantined + 0 held + 0 discarded; 0 lost" in till.call("incident", "star", incident).out
    check_ledger(till)


def test_a_person_may_take_one_version_in_or_leave_it_out(tmp_path: Path) -> None:
    till = till_of(tmp_path, "hold")
    come(till, SECOND, 1)
    [held] = till.call("quarantine", "list", "--json").of("quarantined")
    till.call("quarantine", "replay", "--delivery", held["delivery"], "--now", "2026-10-03T09:02+02:00")
    assert sales(till) == [("a1", "10.00"), ("a1", "11.00"), ("a2", "5.50")]
    come(till, THIRD, 3)
    assert len(sales(till)) == 3
    held = next(each for each in till.call("quarantine", "list", "--json").of("quarantined") if each["held"])
    words = ("--reason", "twice", "--by", "ana", "--now", "2026-10-03T09:04+02:00")
    assert till.call("quarantine", "discard", "--delivery", held["delivery"], *words).code == 0
    assert till.run(now="2026-10-03T09:05+02:00").code == 0
    assert len(sales(till)) == 3


def test_add_loads_both(tmp_path: Path) -> None:
    till = till_of(tmp_path, "add")
    assert come(till, SECOND, 1).code == 0
    assert sales(till) == [("a1", "10.00"), ("a1", "11.00"), ("a2", "5.50")]


def test_replace_takes_the_older_rows_out_in_the_publication_that_brings_the_new_ones(tmp_path: Path) -> None:
    till = till_of(tmp_path, "replace")
    outcome = come(till, SECOND, 1)
    assert outcome.code == 0, outcome.text
    assert "withdrawn" in outcome.text
    assert sales(till) == [("a1", "11.00")]
    assert ("2026-10-01", "south") not in till.daily()  # what is made from it follows
    assert len(facts(till, "publication.published")) == 2
    [told] = facts(till, "delivery.withdrawn")
    assert '"discarded":2' in told["payload"]
    assert come(till, THIRD, 2).code == 0
    assert sales(till) == [("a1", "12.00"), ("a3", "1.00")]
    again = come(till, THIRD, 3)
    assert "nothing to do" in again.text, again.text
    check_ledger(till)


def test_a_version_that_comes_back_is_loaded_again(tmp_path: Path) -> None:
    till = till_of(tmp_path, "replace")
    come(till, SECOND, 1)
    outcome = come(till, FIRST, 2)
    assert outcome.code == 0, outcome.text
    assert sales(till) == OLD
    come(till, SECOND, 3)
    assert sales(till) == [("a1", "11.00")]
    assert "nothing to do" in till.run(now="2026-10-03T09:04+02:00").text


def test_a_new_version_that_breaks_the_contract_takes_nothing_out(tmp_path: Path) -> None:
    till = till_of(tmp_path, "replace")
    assert come(till, "sale_id,day\nb1,2026-10-02\n", 1).code == 1
    assert sales(till) == OLD
    assert come(till, THIRD, 2).code == 0
    assert sales(till) == [("a1", "12.00"), ("a3", "1.00")]
    assert till.run(now="2026-10-03T09:03+02:00").code == 0  # and the broken one waits for nobody
    assert {state for _, state in states(till)} == {"resolved"}


def test_a_broken_version_does_not_keep_its_mended_one_out(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    declare(till, "hold")
    till.put(NAME, "sale_id,day\nb1,2026-10-02\n")
    assert till.run().code == 1
    assert "2 rows in = 2 loaded" in come(till, FIRST, 1).text
    assert sales(till) == OLD


def test_a_file_that_was_rotated_away_is_no_older_version(tmp_path: Path) -> None:
    till = till_of(tmp_path, "hold")
    (till.root / NAME).rename(till.root / "inbox/sales_2026-10-01.1.csv")
    assert come(till, SECOND, 1).code == 0
    assert sales(till) == [("a1", "10.00"), ("a1", "11.00"), ("a2", "5.50")]


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(f"{name}.csv", content)
    return buffer.getvalue()


@pytest.mark.parametrize(("policy", "expected"), [("hold", OLD), ("replace", [("a1", "11.00")])])
def test_files_in_archives_have_versions_too(tmp_path: Path, policy: str, expected: list[tuple[str, str]]) -> None:
    till = Till.write(tmp_path / "till")
    till.remove(NAME)
    more = f"on_replace: {policy}\n    archive: {{}}"
    till.put("sources/sales.yml", SOURCE.replace("sales_*.csv", "*").format(more=more))
    other = HEAD + "b9,2026-10-02,north,1.00\n"
    till.put("inbox/october.zip", zipped(one=FIRST, two=other))
    till.good_run()
    assert sales(till) == OLD
    till.put("inbox/october.zip", zipped(one=SECOND, two=other))
    assert till.run(now="2026-10-03T09:01+02:00").code == (1 if policy == "hold" else 0)
    assert sales(till) == expected
    assert facts(till, "source.deleted") == []


def test_a_file_that_is_deleted_keeps_its_rows(tmp_path: Path) -> None:
    till = till_of(tmp_path, "replace")
    till.remove(NAME)
    assert till.run(now="2026-10-03T09:01+02:00").code == 0
    assert sales(till) == OLD


@pytest.mark.parametrize(
    ("line", "says"), [("on_replace: overwrite", "'overwrite'"), ("on_delete: drop", "'drop'"), ("on_replace: yes", "on_replace")]
)
def test_an_unknown_policy_is_refused(tmp_path: Path, line: str, says: str) -> None:
    till = Till.write(tmp_path / "till")
    till.put("sources/sales.yml", SOURCE.format(more=line))
    outcome = till.call("plan")
    assert outcome.code == 2
    assert says in outcome.text, outcome.text
