"""Which facts show that something is wrong: an open table of rules, one per kind of fact.

A rule looks at one fact alone and says which symptom it shows, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from startrail.base.text import printable
from startrail.flow.events import (
    BridgeChecked,
    Checked,
    Delivered,
    DeliveryHeld,
    DriftFound,
    ReportAtRisk,
    ReportLate,
    SourceExpectedMissing,
    StepFailed,
    TickMissed,
)  # fmt: skip
from startrail.ledger.incidents import KINDS
from startrail.model.drift import Finding
from startrail.model.incident import Symptom
from startrail.model.step import CheckResult, Fact
from startrail.model.table import WHOLE

_VERBS: dict[str, tuple[Any, str]] = {
    "keep": ("info", "keep_unknown_field"),
    "quarantine": ("warning", "quarantine_rows"),
    "hold": ("error", "serve_last_good"),
}
"""Severity and mitigation of a drift by what the policy did; what was accepted or stopped opens nothing here."""


class Opener(NamedTuple):
    """``rule`` is the name people know it by; ``kind`` the fact that it looks at. The last three are for people."""

    rule: str
    kind: str
    sees: Callable[[Fact, str], Symptom | None]
    cause: str
    grave: str
    """How grave before consequences: a deadline that cannot be met without a person makes it a page."""
    over: str
    """When it counts as gone."""


def symptoms(facts: Iterable[Fact]) -> list[Symptom]:
    """What these facts show, each symptom once, with how often and where it was seen; in order of first sight."""
    found: dict[str, Symptom] = {}
    for fact in facts:
        for opener in OPENERS.get(fact.kind, ()):
            seen = opener.sees(fact, opener.rule)
            if seen is not None:
                seen = msgspec.structs.replace(seen, first=fact.seq, last=fact.seq)
                old = found.get(seen.key)
                if old is not None:
                    seen = msgspec.structs.replace(seen, first=old.first, seen=old.seen + 1)
                found[seen.key] = seen
    return list(found.values())


class _Drift(msgspec.Struct):
    delivery: str
    name: str
    finding: Finding


def _drift(fact: Fact, rule: str) -> Symptom | None:
    told = msgspec.json.decode(fact.payload, type=_Drift)
    found = told.finding
    if found.verb not in _VERBS:
        return None
    severity, mitigation = _VERBS[found.verb]
    return Symptom(
        key=f"drift {fact.subject} {found.kind} {found.path}", rule=rule, cause="drift", subject=fact.subject,
        what=f"{found.kind} at {printable(found.path, 80)}, by policy: {found.verb}",
        severity=severity, blocks=found.verb == "hold", mitigation=mitigation, delivery=told.delivery,
    )  # fmt: skip


class _Held(msgspec.Struct):
    delivery: str
    name: str
    reason: str


def _held(fact: Fact, rule: str) -> Symptom:
    told = msgspec.json.decode(fact.payload, type=_Held)
    return Symptom(
        key=f"held {told.delivery}", rule=rule, cause="hold", subject=fact.subject,
        what=f"delivery {printable(told.name, 80)} is held: {printable(told.reason, 200)}",
        blocks=True, mitigation="serve_last_good", delivery=told.delivery,
    )  # fmt: skip


class _Failed(msgspec.Struct):
    kind: str
    partition: str
    error: str


def _failed(fact: Fact, rule: str) -> Symptom:
    told = msgspec.json.decode(fact.payload, type=_Failed)
    part = "" if told.kind == "land" or told.partition in ("", WHOLE) else f" {told.partition}"
    first = told.error.partition("\n")[0]
    code = first.partition(" ")[0]
    return Symptom(
        key=f"step {told.kind} {fact.subject}{part}", rule=rule,
        cause="resource" if code.startswith(_ENVIRONMENT) else "failure", subject=fact.subject,
        what=f"{told.kind} {printable(fact.subject, 80)} failed: {printable(first, 200)}", blocks=True,
    )  # fmt: skip


_ENVIRONMENT = ("ST5", "ST6")
"""Families of errors that come from ledger, stores, engines and disks: many steps fail, for one cause."""


class _Checked(msgspec.Struct):
    result: CheckResult


def _checked(fact: Fact, rule: str) -> Symptom | None:
    result = msgspec.json.decode(fact.payload, type=_Checked).result
    if result.severity != "error":
        return None
    return Symptom(
        key=f"check {fact.subject} {result.check}", rule=rule, cause="check", subject=fact.subject,
        what=f"check {printable(result.check, 120)} of {printable(fact.subject, 80)} fails", blocks=True,
    )  # fmt: skip


class _Bridge(msgspec.Struct):
    to: str
    period: str
    holds: bool
    severity: str
    message: str | None = None


def _bridge(fact: Fact, rule: str) -> Symptom | None:
    told = msgspec.json.decode(fact.payload, type=_Bridge)
    if told.holds:
        return None
    name = f"bridge of {printable(fact.subject, 80)} to {printable(told.to, 80)} in {told.period}"
    holding = told.severity == "error"
    return Symptom(
        key=f"bridge {fact.subject} {told.to} {told.period}", rule=rule, cause="bridge", subject=fact.subject,
        what=f"{name}: {printable(told.message or '', 200)}", severity="error" if holding else "warning", blocks=holding,
    )  # fmt: skip


class _Delivered(msgspec.Struct):
    minutes_early: int | None = None


def _late(fact: Fact, rule: str) -> Symptom | None:
    early = msgspec.json.decode(fact.payload, type=_Delivered).minutes_early
    if early is None or early >= 0:
        return None
    return Symptom(
        key=f"late {fact.subject}", rule=rule, cause="late", subject=fact.subject,
        what=f"report {printable(fact.subject, 80)} was delivered {-early} min after its deadline", severity="warning",
    )  # fmt: skip


class _Ahead(msgspec.Struct):
    due: str
    expected: str | None = None
    waits: tuple[str, ...] = ()
    person: bool = False


def _ahead(fact: Fact, rule: str) -> Symptom:
    """Its way is clear, or a run is on it: worth a warning. What only a person can help is worth a page."""
    told = msgspec.json.decode(fact.payload, type=_Ahead)
    late = fact.kind == ReportLate.fact
    what = f"report {printable(fact.subject, 80)} " + ("is late" if late else "may be late") + f": due {_minute(told.due)}"
    when = f", expected {_minute(told.expected)}" if told.expected else ""
    waits = f"; waits for {printable('; '.join(told.waits), 300)}" if told.waits else ""
    return Symptom(
        key=f"risk {fact.subject}", rule=rule, cause="late", subject=fact.subject, what=what + when + waits,
        severity="page" if told.person else "error" if late else "warning",
    )  # fmt: skip


class _Missed(msgspec.Struct):
    first: str
    count: int
    reason: str


def _missed(fact: Fact, rule: str) -> Symptom:
    """Whether that makes a report late is told by itself."""
    told = msgspec.json.decode(fact.payload, type=_Missed)
    ticks = "a tick was" if told.count == 1 else f"{told.count} ticks were"
    return Symptom(
        key=f"missed {fact.subject}", rule=rule, cause="schedule", subject=fact.subject, severity="warning",
        what=f"{ticks} missed, first {_minute(told.first)}: {printable(told.reason, 200)}",
    )  # fmt: skip


class _Expected(msgspec.Struct):
    what: str
    file: str
    due: str
    found: int
    wanted: int
    asked: str | None = None


def _fresh(fact: Fact, rule: str) -> Symptom:
    """What is made from the source lacks the file until it comes: whether that makes a report late is seen from there."""
    told = msgspec.json.decode(fact.payload, type=_Expected)
    count = f", {told.found} of {told.wanted} landed" if told.wanted > 1 else ""
    asked = "" if told.asked is None or told.asked >= told.due else f"; last asked {_minute(told.asked)}"
    return Symptom(
        key=f"freshness {fact.subject} {told.due} {told.what}", rule=rule, cause="freshness", subject=fact.subject, blocks=True,
        what=f"{printable(fact.subject, 80)} lacks {printable(told.file, 120)}, expected by {_minute(told.due)}{count}{asked}",
    )  # fmt: skip


def _minute(instant: str) -> str:
    return f"{instant[:10]} {instant[11:16]} UTC"


def group(symptom: Symptom) -> str:
    """Symptoms that appear together and have this in common have one cause: what one subject shows at one time, or what
    one failing resource makes fail."""
    if symptom.cause == "resource":
        return "resource " + symptom.what.partition(" failed: ")[2].partition(" ")[0]
    return f"subject {symptom.subject}"


_TABLE = (
    Opener("drift", str(DriftFound.fact), _drift, "drift", "info kept, warning quarantined, error held",
           "it is acknowledged or adopted, or a later delivery does not show it; quarantined rows are replayed or discarded"),
    Opener("delivery held", str(DeliveryHeld.fact), _held, "hold", "error", "the delivery is loaded or discarded"),
    Opener("step failed", str(StepFailed.fact), _failed, "failure, or resource for ledger, stores, engines, disks", "error",
           "the step finished, or a run of everything ended well; a source that could not be asked was asked"),
    Opener("check failed", str(Checked.fact), _checked, "check", "error",
           "its table is published, or a run of everything ended well"),
    Opener("report at risk", str(ReportAtRisk.fact), _ahead, "late", "warning; page when only a person can help",
           "the report is delivered"),
    Opener("report missing", str(ReportLate.fact), _ahead, "late", "error; page when only a person can help",
           "the report is delivered"),
    Opener("bridge broken", str(BridgeChecked.fact), _bridge, "bridge", "as the bridge says: warning or error",
           "the bridge holds in that period"),
    Opener("tick missed", str(TickMissed.fact), _missed, "schedule", "warning", "a later tick of the schedule is done"),
    Opener("freshness", str(SourceExpectedMissing.fact), _fresh, "freshness", "error",
           "the expected file has landed, or is no longer expected"),
    Opener("report late", str(Delivered.fact), _late, "late", "warning",
           "it is delivered in time; as a part of other trouble at once, because it is there"),
)  # fmt: skip

OPENERS: dict[str, tuple[Opener, ...]] = {
    kind: tuple(each for each in _TABLE if each.kind == kind) for kind in dict.fromkeys(each.kind for each in _TABLE)
}
"""By kind of fact."""

assert not KINDS & set(OPENERS)  # an incident is no cause of an incident
