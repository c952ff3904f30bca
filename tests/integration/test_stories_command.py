"""The bank of stories and the history of incidents through the real command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.fixtures.till import Till, assert_refused

from startrail import examples
from startrail.cli.story_incident import differences
from startrail.model.star import Entry, Figure, Star

DRIFTED = "sale_id,day,store,amount,tier\nc1,2026-10-03,north,1.00,gold\nc2,2026-10-03,north,x,gold\n"
OWN = (
    "# The till\n\nPrinciples: Ownership\n\n**Situation:** twice\n\n**Task:** once\n\n**Action:** asked\n\n**Result:** 3 tills\n"
)


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


def a_night(till: Till) -> str:
    """An incident that ana resolves; returns its id."""
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", DRIFTED)
    till.good_run(now="2026-10-04T06:00+02:00")
    [incident] = till.call("incident", "list", "--json").of("incident")
    words = ("--by", "ana", "--now", "2026-10-04T06:10+02:00")
    assert till.call("incident", "ack", incident["id"], *words).code == 0
    done = till.call("incident", "resolve", incident["id"], "--reason", "known", "--principle", "Dive-Deep", *words)
    assert done.code == 0
    return incident["id"]


def test_a_closed_incident_is_a_story_with_tags_that_say_why(till: Till) -> None:
    id_ = a_night(till)
    [story] = till.call("stories", "--json").of("story")
    assert story["id"] == id_
    tags = {tag["principle"]: tag for tag in story["tags"]}
    assert set(tags) == {"dive deep", "ownership", "bias for action", "deliver results"}
    assert tags["dive deep"]["by"] == "ana"
    assert tags["ownership"]["by"] == "rule"
    assert all(tag["why"] and tag["facts"] for tag in tags.values())
    assert [each["id"] for each in till.call("stories", "--principle", "ownership", "--json").of("story")] == [id_]
    assert till.call("stories", "--principle", "customer obsession", "--json").of("story") == []
    assert [each["id"] for each in till.call("stories", "--search", "KNOWN wrong_type", "--json").of("story")] == [id_]
    assert till.call("stories", "--search", "nowhere", "--json").of("story") == []
    assert till.call("stories", "lint").code == 0


def test_an_incident_that_is_not_over_is_no_story(till: Till) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", DRIFTED)
    till.good_run(now="2026-10-04T06:00+02:00")
    assert till.call("stories", "--json").of("story") == []


def test_stories_go_out_and_come_back(till: Till, tmp_path: Path) -> None:
    a_night(till)
    mine = tmp_path / "mine.md"
    mine.write_text(OWN)
    assert till.call("stories", "import", str(mine), "--by", "ana").code == 0
    out = tmp_path / "out"
    assert till.call("stories", "--export", str(out)).code == 0
    files = sorted(out.iterdir())
    assert len(files) == 2
    [exported] = [path for path in files if path.name.endswith("-the-till.md")]
    assert "In the words of ana." in exported.read_text()
    again = till.call("stories", "import", str(exported), "--by", "ana", "--json")
    assert again.of("result")[0]["new"] == 0, "what comes back as it was is kept already"
    assert till.call("stories", "--export", str(out)).code == 0, "writing the same again is fine"
    exported.write_text("edited")
    assert_refused(till.call("stories", "--export", str(out)), "ST594")
    assert exported.read_text() == "edited"
    assert till.call("stories", "--export", str(out), "--replace").code == 0
    assert "twice" in exported.read_text()
    assert till.call("ledger", "verify").code == 0


def test_newer_words_under_the_same_title_count(till: Till, tmp_path: Path) -> None:
    till.good_run()
    mine = tmp_path / "mine.md"
    for text in (OWN, OWN.replace("asked", "asked twice"), OWN):
        mine.write_text(text)
        assert till.call("stories", "import", str(mine), "--by", "ana", "--json").of("result")[0]["new"] == 1
    [story] = till.call("stories", "--json").of("story")
    assert (story["by"], story["written"]["action"]) == ("ana", "asked")
    assert till.call("stories", "import", str(mine), "--by", "ben").code == 0
    assert len(till.call("stories", "--json").of("story")) == 2, "another person's is another story"


def test_what_stories_lack_is_named(till: Till, tmp_path: Path) -> None:
    till.good_run()
    (tmp_path / "mine.md").write_text("# A\n**Situation** s\n**Result** fine\n")
    assert till.call("stories", "import", str(tmp_path / "mine.md")).code == 0
    found = till.call("stories", "lint", "--json")
    assert found.code == 1
    assert [each["what"] for each in found.of("story_finding")] == [
        "Task is missing",
        "Action is missing",
        "Result names no number",
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe\x00", "ST590"),
        (b"x" * 1_000_001, "ST590"),
        (b"It rained.\n", "ST591"),
        (b"", "ST591"),
        (b"**Situation** a\n" * 201, "ST592"),
        (b"**Situation** " + b"a" * 20_001, "ST592"),
        (b"# " + b"a" * 201 + b"\n**Task** a", "ST592"),
        (b"# A\nPrinciples: luck\n**Task** a", "ST593"),
        (None, "ST590"),
    ],
)
def test_a_file_that_is_no_file_of_stories_is_refused_whole(till: Till, tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "bad.md"
    if content is not None:
        path.write_bytes(content)
    assert_refused(till.call("stories", "import", str(path)), code)
    assert till.call("stories", "--json").of("story") == []


def test_a_misspelt_principle_story_or_option_is_told(till: Till, tmp_path: Path) -> None:
    assert_refused(till.call("stories", "--principle", "owner ship"), "ST593", hint="ownership")
    assert_refused(till.call("stories", "show", "nope"), "ST596", hint="startrail stories")
    file = tmp_path / "file"
    file.write_text("")
    assert till.call("stories", "--export", str(file)).code == 2
    if os.geteuid() != 0:
        assert_refused(till.call("stories", "--export", "/proc/nope/there"), "ST595")


def test_the_history_is_the_reports_times(till: Till) -> None:
    id_ = a_night(till)
    shown = till.call("status", "--history", "--now", "2026-10-05T08:00Z", "--json")
    [cause] = shown.of("cause_history")
    assert (cause["cause"], cause["incidents"]) == ("drift", 1)
    assert set(cause["phases"]) == {"detect", "acknowledge", "mitigate", "resolve"}, "nobody was told: not measured"
    [star] = till.call("incident", "star", id_, "--format", "json").of("star")
    told = {e["words"]["phase"]: e["figures"]["time"]["facts"] for e in star["result"] if "phase" in e["words"]}
    for phase, spread in cause["phases"].items():
        assert (spread["worst"], spread["facts"]) == (id_, told[phase])
        assert spread["median_seconds"] == spread["worst_seconds"]
    assert told["notify"] == []
    assert till.call("status", "--history", "--now", "2027-10-05T08:00Z", "--json").of("cause_history") == []


def test_the_demo_sees_when_the_report_says_something_else_than_the_generator_knows(tmp_path: Path) -> None:
    examples.write("shop", tmp_path, days=1)
    examples.upstream_day(tmp_path, 2, drifted=True)
    truth = examples.night_truth(tmp_path, 2)
    counts = truth.counts["orders_api"]
    right = {
        "deliveries": truth.deliveries["orders_api"], "in": counts.rows_in, "loaded": counts.loaded,
        "quarantined": counts.quarantined, "held": 0, "discarded": 0, "lost": 0,
    }  # fmt: skip
    met = Entry("Report {report}: deadline met, {early} before it.", {"early": Figure("5 minutes", (1,))}, {"report": "r"})

    def report(more: int, *lines: Entry) -> Star:
        rows = Entry("Rows.", {name: Figure(f"{number + more:,}", (1,)) for name, number in right.items()})
        return Star("i", "t", "mitigated", "warning", (), (), (), (rows, *lines))

    assert differences(tmp_path, 2, report(0, met)) == []
    assert len(differences(tmp_path, 2, report(1, met))) == len(right)
    assert differences(tmp_path, 2, report(0)) == ["no deadline is told to be met"]
