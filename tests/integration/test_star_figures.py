"""Every figure of a report, computed again from the raw facts by other code, over a night in which much happens."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Till, call

DRIFTED = """\
    sale_id,day,store,amount,tier
    c1,2026-10-03,north,1.00,gold
    c2,2026-10-03,north,x,gold
    c3,2026-10-03,north,y,gold
    """


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


def facts_of(till: Till) -> list[dict[str, Any]]:
    found = till.call("ledger", "facts", "--limit", "100000", "--json").out
    lines = [json.loads(line) for line in found.splitlines()]
    return [line | {"told": json.loads(line["payload"])} for line in lines if "payload" in line]


def at(fact: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(fact["at"])


def length(first: dict[str, Any], then: dict[str, Any]) -> str:
    """Another way to say a length of time."""
    seconds = int((at(then) - at(first)).total_seconds())
    days, hours, minutes, rest = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
    parts = [f"{number} {word}" for number, word in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if number]
    return " ".join(parts[:2]) or "0 s"


def report_of(till: Till) -> dict[str, Any]:
    [incident] = till.call("incident", "list", "--all", "--json").of("incident")
    [report] = till.call("incident", "star", incident["id"], "--format", "json").of("star")
    return report


def plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' if number != 1 else ''}"


class Oracle:
    """What each figure must be. It reads facts as plain JSON and shares no code with the report."""

    def __init__(self, facts: list[dict[str, Any]], incident: str) -> None:
        self.facts = facts
        self.by_seq = {fact["seq"]: fact for fact in facts}
        self.own = [fact for fact in facts if fact["subject"] == incident]
        self.opened = next(fact for fact in self.own if fact["kind"] == "incident.opened")
        again = {(f["run"], f["told"]["delivery"]) for f in facts if f["kind"] in ("delivery.adopted", "delivery.replayed")}
        shown = [f for f in facts if f["kind"] == "drift.found" and f["subject"] == self.opened["told"]["subject"]]
        self.sights = [f for f in shown if (f["run"], f["told"]["delivery"]) not in again]
        self.deliveries = {fact["told"]["delivery"] for fact in self.sights}
        about = [f for f in facts if f["told"].get("delivery") in self.deliveries]
        self.loads = {
            f["told"]["delivery"]: f for f in about if f["kind"] in ("delivery.loaded", "delivery.replayed", "delivery.adopted")
        }
        self.discards = [f for f in about if f["kind"] == "quarantine.discarded"]

    def moment(self, kind: str) -> dict[str, Any] | None:
        return next((fact for fact in self.own if fact["kind"] == f"incident.{kind}"), None)

    def check(self, part: str, entry: dict[str, Any]) -> set[str]:
        """Asserts the figures of a sentence; returns which it knew."""
        text, words, figures = entry["text"], entry["words"], {name: figure["value"] for name, figure in entry["figures"].items()}
        want: dict[str, str | None] = {}
        if text.startswith("First seen"):
            want = {
                "seen": self.clock(self.sights[0]),
                "opened": self.clock(self.opened),
                "severity": self.opened["told"]["severity"],
            }
        elif "rule: {rule}" in text:
            same = [
                f
                for f in self.sights
                if words["what"].startswith(f"{f['told']['finding']['kind']} at {f['told']['finding']['path']},")
            ]
            want = {"times": plural(len(same), "time")}
        elif "{due}" in text:
            [due] = [each["due"] for each in self.opened["told"]["affected"] if each["name"] == words["report"]]
            want = {"due": due[:16].replace("T", " ") + " UTC"}
        elif "made from it" in text:
            kinds = [each for each in self.opened["told"]["affected"] if each["kind"] in text or each["kind"] == "model"]
            want = {"number": plural(len(kinds), "model")}
        elif part == "action" and "at" in figures:
            [fact] = [self.by_seq[seq] for seq in entry["figures"]["at"]["facts"]]
            want = {"at": self.clock(fact)}
            if "evidence" in figures:
                want["evidence"] = plural(len(fact["told"]["evidence"]), "fact")
            if "rows" in figures and "discarded" in text:
                want["rows"] = plural(fact["told"]["rows"], "row")
            elif "rows" in figures:
                pairs = [
                    (name, fact["told"]["before"][name], fact["told"]["counts"][name])
                    for name in ("loaded", "quarantined", "held")
                ]
                want["rows"] = ", ".join(f"{now:,} {name} ({then:,} before)" for name, then, now in pairs if now or then)
            if "until" in figures:
                want["until"] = fact["told"]["until"]
        elif text.startswith("Time to"):
            kind = {"detect": "opened", "acknowledge": "acknowledged", "mitigate": "mitigated", "resolve": "resolved"}.get(
                words["phase"]
            )
            then = self.moment(kind) if kind else None
            want = {"time": length(self.sights[0], then) if then else None}
        elif text.startswith("Report {report}"):
            of_day = [f for f in self.facts if f["kind"] == "report.delivered" and f["subject"] == words["report"]]
            [due] = [each["due"] for each in self.opened["told"]["affected"] if each["name"] == words["report"]]
            of_day = [f for f in of_day if f["told"]["deadline"][:16] == due[:16]]
            want = {"early": plural(abs(of_day[0]["told"]["minutes_early"]), "minute")}
            if len(of_day) > 1:
                want |= {"again": plural(len(of_day) - 1, "time"), "last": self.clock(of_day[-1])}
        elif text.startswith("Rows of"):
            total = {
                k: sum(f["told"]["counts"][k] for f in self.loads.values()) for k in ("rows_in", "loaded", "quarantined", "held")
            }
            gone = sum(f["told"]["rows"] for f in self.discards)  # loads since then count them as discarded themselves
            want = {
                "deliveries": str(len(self.deliveries)), "in": str(total["rows_in"]), "loaded": str(total["loaded"]),
                "quarantined": str(total["rows_in"] - total["loaded"] - total["held"] - gone), "held": str(total["held"]),
                "discarded": str(gone), "lost": "0",
            }  # fmt: skip
        elif text.startswith("Deliveries"):
            how = text.split()[1].rstrip(":")
            those = [f for f in self.facts if f["kind"] == f"delivery.{how}" and f["told"]["delivery"] in self.deliveries]
            more = sum(f["told"]["counts"]["loaded"] - f["told"]["before"]["loaded"] for f in those)
            read = sum(f["told"]["counts"]["rows_in"] for f in those)
            want = {"times": plural(len(those), "time"), "rows": plural(read, "row"), "gained": f"{more:+,}"}
            if how == "replayed":
                want["repaired"] = plural(sum(f["told"]["repaired"] for f in those), "row")
        elif text.startswith("Closed"):
            key = next(s["key"] for s in self.opened["told"]["symptoms"] if s["what"] == words["what"])
            cleared = [
                f["told"]["symptoms"][key] for f in self.own if f["kind"] == "incident.cleared" and key in f["told"]["symptoms"]
            ]
            want = {"gone": self.clock(self.by_seq[cleared[-1]])}
        assert figures == want, entry
        for figure in entry["figures"].values():
            assert bool(figure["facts"]) == (figure["value"] is not None)
            assert set(figure["facts"]) <= set(self.by_seq)
        return set(figures)

    @staticmethod
    def clock(fact: dict[str, Any]) -> str:
        return fact["at"][:19].replace("T", " ") + " UTC"


def check(till: Till) -> dict[str, Any]:
    report = report_of(till)
    oracle = Oracle(facts_of(till), report["incident"])
    for part in ("situation", "task", "action", "result"):
        for entry in report[part]:
            oracle.check(part, entry)
            bare = re.sub(r"\{\w+\}", "", entry["text"])
            assert not re.search(r"\d", bare), "no number stands in a sentence of ours"
    return report


def rows_told(report: dict[str, Any]) -> dict[str, str]:
    [rows] = [entry["figures"] for entry in report["result"] if "lost" in entry["figures"]]
    return {name: rows[name]["value"] for name in ("loaded", "quarantined", "discarded")}


def told(report: dict[str, Any], part: str) -> str:
    return "\n".join(entry["text"] for entry in report[part])


def test_each_figure_is_computed_again_from_the_facts(till: Till) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", DRIFTED)
    till.good_run(now="2026-10-04T06:00+02:00")
    check(till)
    [incident] = till.call("incident", "list", "--json").of("incident")
    words = ("--by", "ana", "--now", "2026-10-04T06:10+02:00")
    assert till.call("incident", "ack", incident["id"], *words).code == 0
    assert till.call("drift", "ack", "sales", "$.tier", "--until", "2026-10-31", "--note", "known", *words).code == 0
    contract = "contracts/sales.odcs.yml"
    text = till.read(contract).replace("version: 1.0.0", "version: 1.1.0")
    text = text.rstrip() + "\n      - {name: tier, logicalType: string}\n"
    till.put(contract, text)
    till.good_run(now="2026-10-04T06:20+02:00")
    report = check(till)
    assert "Deliveries adopted" in told(report, "result")
    assert "again {again}" in told(report, "result"), "the report of the day was delivered twice, and the first one counts"
    [delivery] = {fact["told"]["delivery"] for fact in facts_of(till) if fact["kind"] == "delivery.adopted"}
    discard = ("quarantine", "discard", "--delivery", delivery, "--reason", "test rows", *words)
    assert till.call(*discard, "--ordinals", "2").code == 0
    assert rows_told(check(till)) == {"loaded": "1", "quarantined": "1", "discarded": "1"}
    till.put(contract, text.replace("1.1.0", "1.2.0") + "\n      - {name: note, logicalType: string}\n")
    assert till.call("quarantine", "replay", "--delivery", delivery, "--now", "2026-10-04T06:25+02:00").code in (0, 1)
    assert rows_told(check(till)) == {"loaded": "1", "quarantined": "1", "discarded": "1"}
    assert till.call(*discard).code == 0
    assert rows_told(check(till)) == {"loaded": "1", "quarantined": "0", "discarded": "2"}
    assert till.call("incident", "resolve", incident["id"], "--reason", "dealt with", *words).code == 0
    report = check(till)
    assert [entry for entry in report["action"] if entry["person"]]


def test_the_deadline_of_the_due_day_counts_not_a_later_days(till: Till) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", DRIFTED)
    till.good_run(now="2026-10-04T06:00+02:00")
    till.put("inbox/sales_2026-10-04.csv", DRIFTED.replace("2026-10-03", "2026-10-04"))
    till.good_run(now="2026-10-05T08:59+02:00")
    report = check(till)
    [line] = [entry for entry in report["result"] if entry["words"].get("report") == "daily"]
    assert re.fullmatch(r"17\d minutes", line["figures"]["early"]["value"])
    assert "again" not in line["figures"]


def test_text_from_data_can_be_no_markup(till: Till) -> None:
    till.good_run()
    evil = "<img src=x onerror=alert(1)> [a](https://evil.example) @everyone"
    till.put("inbox/sales_2026-10-03.csv", f'sale_id,day,store,amount,"{evil}"\nc1,2026-10-03,north,1.00,gold\n')
    till.good_run(now="2026-10-04T06:00+02:00")
    id_ = report_of(till)["incident"]
    assert call("incident", "note", id_, "\x1b[31m" + evil, "--by", "<b>eve</b>", "-C", str(till.root)).code == 0
    page = till.call("incident", "star", id_, "--format", "html").out
    assert "<img" not in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "\x1b" not in page
    assert "http" not in re.sub(r"&lt;.*", "", page)
    text = till.call("incident", "star", id_).out
    assert "<img" not in text.replace("\\<", "")
    assert "[a]" not in text
    assert "https://" not in text
    assert "\x1b" not in text
    assert "(a person's words)" in text
