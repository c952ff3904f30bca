"""What facts prove: that a symptom is gone, and that what was done about it is enough.

Facts that came together are judged together: in which order a run told them does not count, except where a step first
failed and then finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from startrail.capabilities.incidents.surroundings import Surroundings
from startrail.flow.events import (
    Adopted,
    BridgeChecked,
    Delivered,
    Discarded,
    DriftAcknowledged,
    HoldEnded,
    Loaded,
    Published,
    Replayed,
    RunEnded,
    SourceExpectedArrived,
    SourceExpectedDropped,
    SourceSkipped,
    StepFailed,
    StepFinished,
    TickEnded,
    Withdrawn,
)
from startrail.model.delivery import Counts
from startrail.model.incident import Affected, Symptom
from startrail.model.step import Fact
from startrail.model.table import WHOLE


class _Told(msgspec.Struct):
    """The fields of all these facts that count here."""

    kind: str = ""
    partition: str = ""
    source: str = ""
    delivery: str = ""
    path: str = ""
    fields: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    state: str = ""
    everything: bool = True
    quarantine: str | None = None
    ordinals: tuple[int, ...] | None = None
    minutes_early: int | None = None
    to: str = ""
    period: str | None = None
    holds: bool = False
    what: str = ""
    due: str | None = None
    counts: Counts = Counts()


_decoder = msgspec.json.Decoder(_Told)
_LOADED = (str(Loaded.fact), str(Replayed.fact), str(Adopted.fact))


class Proofs:
    """What a stretch of facts proves, looked up by symptom."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._gone: dict[str, int] = {}
        """Key of a symptom that is gone -> the fact that shows it."""
        self._loads: dict[str, int] = {}
        """Source -> the last fact of a delivery that was loaded."""
        self._settled: dict[str, int] = {}
        """Source -> the last fact of refused rows that were replayed or discarded."""
        self._published: dict[str, int] = {}
        self._delivered: dict[str, int] = {}
        """Report -> its last delivery, in time or not."""
        self._full: int = 0
        """The last run of everything that ended well."""
        self._tried: dict[str, int] = {}
        """Run -> seq of its end, of runs that looked at every source."""
        self._not_landed: set[tuple[str | None, str]] = set()
        for fact in facts:
            self._take(fact)

    def gone(self, symptom: Symptom, seen_now: bool) -> int | None:
        """The fact that shows that the symptom is gone, or None. ``seen_now``: these facts show the symptom too."""
        found = self._gone.get(symptom.key)
        if symptom.cause == "drift" and not seen_now:
            found = found or self._loads.get(symptom.subject)
            if symptom.mitigation == "quarantine_rows":
                found = max(found or 0, self._settled.get(symptom.subject, 0)) or None
        elif symptom.cause == "check":
            # What is published already may fail an edited check, and pass once it is edited back: then nothing is published.
            found = max(self._published.get(symptom.subject, 0), self._full) or None
        elif symptom.cause in ("failure", "resource"):
            # A run of everything proves nothing about a source that it did not ask.
            end = self._landed(symptom.subject) if symptom.key.startswith("step land ") else self._full
            found = max(found or 0, end) or None
        return found if found is not None and found > symptom.last else None

    def delivered(self, report: str) -> int | None:
        """The last delivery of a report, in time or not."""
        return self._delivered.get(report)

    def _landed(self, source: str) -> int:
        return max((seq for run, seq in self._tried.items() if (run, source) not in self._not_landed), default=0)

    def _take(self, fact: Fact) -> None:
        seq, subject = fact.seq, fact.subject
        if fact.kind not in _COUNT:
            return
        told = _decoder.decode(fact.payload)
        if fact.kind in (Replayed.fact, Discarded.fact, Adopted.fact, Withdrawn.fact):
            self._settled[subject] = seq
        if fact.kind == StepFinished.fact:
            part = "" if told.partition in ("", WHOLE) else f" {told.partition}"
            self._gone[f"step {told.kind} {subject}{part}"] = seq
        elif fact.kind == SourceSkipped.fact or (fact.kind == StepFailed.fact and told.kind == "land"):
            self._not_landed.add((fact.run, subject))
        elif fact.kind in _LOADED and not told.counts.held:  # a delivery that is held again is told as loaded too
            self._gone[f"held {told.delivery}"] = seq
            if fact.kind == Loaded.fact:
                self._loads[subject] = seq
            if fact.kind == Adopted.fact:
                for name in told.fields:
                    for kind in ("new_field", "undeclared_field"):
                        self._gone[f"drift {subject} {kind} $.{name}"] = seq
        elif fact.kind == Discarded.fact and told.quarantine is None:
            self._gone[f"held {told.delivery}"] = seq
        elif fact.kind == DriftAcknowledged.fact:
            self._gone[f"drift {subject} {told.kind} {told.path}"] = seq
        elif fact.kind == Published.fact or fact.kind == HoldEnded.fact:
            self._published |= dict.fromkeys(told.tables, seq)
        elif fact.kind == Delivered.fact:
            self._gone[f"risk {subject}"] = seq
            self._delivered[subject] = seq
            if (told.minutes_early or 0) >= 0:
                self._gone[f"late {subject}"] = seq
        elif fact.kind == BridgeChecked.fact and told.holds:
            self._gone[f"bridge {subject} {told.to} {told.period}"] = seq
        elif fact.kind in (SourceExpectedArrived.fact, SourceExpectedDropped.fact):
            self._gone[f"freshness {subject} {told.due} {told.what}"] = seq
        elif fact.kind == TickEnded.fact and told.state == "done":
            self._gone[f"missed {subject}"] = seq
        elif fact.kind == RunEnded.fact and told.everything:
            self._tried[fact.run or ""] = seq
            if told.state == "done":
                self._full = seq


_COUNT = frozenset(
    (*_LOADED, *(str(each.fact) for each in (StepFinished, StepFailed, Discarded, DriftAcknowledged, Published, HoldEnded,
                                             Delivered, RunEnded, SourceSkipped, BridgeChecked,
                                             TickEnded, SourceExpectedArrived, SourceExpectedDropped, Withdrawn)))
)  # fmt: skip


def enough(standing: Sequence[Symptom], affected: Sequence[Affected], surroundings: Surroundings) -> tuple[int, ...] | None:
    """The facts that prove that nobody has to act before something is due; None when they do not.

    Every symptom was dealt with by the policy, and every report with a deadline that is made from the subject was
    delivered for the day, before its deadline.
    """
    if not standing or any(not _dealt_with(symptom, surroundings) for symptom in standing):
        return None
    evidence: list[int] = []
    for each in affected:
        if each.kind == "report":
            report = surroundings.standing(each.name)
            if not report.safe:
                return None
            if report.delivered is not None and report.due is not None:
                evidence.append(report.delivered.fact)
    return tuple(sorted(evidence))


def _dealt_with(symptom: Symptom, surroundings: Surroundings) -> bool:
    return symptom.mitigation is not None or symptom.cause == "late" or surroundings.is_paused(symptom.subject)
